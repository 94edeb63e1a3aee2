# SPDX-License-Identifier: MIT
# Warnings for our own targets only; errors in CI (-DNIR_WERROR=ON), not in a user's build.
option(NIR_WERROR "Treat warnings as errors" OFF)
add_library(nir_warnings INTERFACE)
target_compile_options(nir_warnings INTERFACE -Wall -Wextra -Wconversion -Wsign-conversion -Wshadow
                       # GCC 12 sees overlaps in `"text" + std::string` that are not there (its bug 105651).
                       $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>
                       $<$<BOOL:${NIR_WERROR}>:-Werror>)
