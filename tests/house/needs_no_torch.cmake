# SPDX-License-Identifier: MIT
# cmake -DPROGRAM=... -P needs_no_torch.cmake: the program must not load libtorch, which takes four tenths of a second.
find_program(readelf readelf REQUIRED)
execute_process(COMMAND ${readelf} -d ${PROGRAM} OUTPUT_VARIABLE needed COMMAND_ERROR_IS_FATAL ANY)
if(NOT needed MATCHES "libc\\.so" OR needed MATCHES "libtorch|libc10|libopencv")
  message(FATAL_ERROR "${PROGRAM} needs:\n${needed}")
endif()
