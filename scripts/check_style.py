#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What clang-format does not see: licence lines, dead code, `using namespace` in headers, ends of files.

    scripts/check_style.py [ROOT]     exit code 1 and one line per breach
"""
import re
import sys
import tomllib
from pathlib import Path

FOLDERS = ("include", "src", "apps", "tests", "bench", "examples", "scripts", "cmake")
CODE = (".h", ".cpp")
SPDX = re.compile(r"SPDX-License-Identifier: MIT")
# A line comment that ends like a statement, right behind another such line.
DEAD = re.compile(r"^\s*//\s?[^/!].*[;{}]\s*$")
BREACHES = (
    (re.compile(r"^\s*#\s*if\s+0\b"), "#if 0: remove the code, git keeps it"),
    (re.compile(r"[ \t]+$"), "white space at the end of the line"),
    (re.compile(r"(?<!_ptr)(?<!_ptr\()(?<!>\()\bnew\s+\w+[({]"), "raw new: use a value or std::make_unique"),
)


def check_code(path, lines):
    if not any(SPDX.search(line) for line in lines[:2]) and "consumer" not in path.parts:
        yield 1, "the licence line is missing"
    if path.suffix == ".h" and "#pragma once" not in lines and not path.stem.endswith("-inl"):  # once per target
        yield 1, "#pragma once is missing"
    dead = 0
    for number, line in enumerate(lines, 1):
        code = line.split("//")[0]
        for pattern, message in BREACHES:
            if pattern.search(code if "new" in message else line):
                yield number, message
        if "\t" in line:
            yield number, "a tab"
        if path.suffix == ".h" and re.match(r"\s*using\s+namespace\b", line):
            yield number, "using namespace in a header"
        # Indented samples inside a documentation block (four spaces behind the slashes) are no dead code.
        dead = dead + 1 if DEAD.match(line) and not re.match(r"^\s*//(/| {4})", line) else 0
        if dead == 3:
            yield number, "commented-out code"


def check(root):
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*")):
            if path.suffix not in CODE + (".py", ".cmake", ".toml"):
                continue
            text = path.read_text()
            if text and not text.endswith("\n"):
                yield path, text.count("\n") + 1, "the last line has no end"
            if path.suffix in CODE:
                for number, message in check_code(path, text.split("\n")):
                    yield path, number, message
    for path in sorted([*(root / "configs").rglob("*.toml"), *(root / "docs").rglob("*.toml")]):
        try:
            tomllib.loads(path.read_text())
        except tomllib.TOMLDecodeError as e:
            yield path, 1, str(e)


if __name__ == "__main__":
    top = Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()
    breaches = list(check(top))
    for path, number, message in breaches:
        print(f"{path.relative_to(top)}:{number}: {message}")
    sys.exit(1 if breaches else 0)
