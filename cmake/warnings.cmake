# SPDX-License-Identifier: MIT
# Warnings for our own targets only; errors in CI (-DNIR_WERROR=ON), not in a user's build.
option(NIR_WERROR "Treat warnings as errors" OFF)
add_library(nir_warnings INTERFACE)
target_compile_options(nir_warnings INTERFACE -Wall -Wextra -Wconversion -Wsign-conversion -Wshadow
                       $<$<BOOL:${NIR_WERROR}>:-Werror>)
