// SPDX-License-Identifier: MIT
// nir: one program, one verb a file (cmd_<verb>.cpp).

int main() { return 0; }
