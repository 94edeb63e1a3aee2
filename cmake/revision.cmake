# SPDX-License-Identifier: MIT
# Writes OUTPUT with the revision of SOURCE, touching it only when that changed. Run by the target nir_revision.
find_program(git git)
set(revision "")
if(git)
  execute_process(COMMAND ${git} -C ${SOURCE} describe --always --dirty --exclude=*
    OUTPUT_VARIABLE revision OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
endif()
file(CONFIGURE OUTPUT ${OUTPUT} CONTENT "#pragma once\n#define NIR_REVISION \"${revision}\"\n")
