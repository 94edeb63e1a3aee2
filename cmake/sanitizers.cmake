# SPDX-License-Identifier: MIT
set(NIR_SANITIZE "" CACHE STRING "Sanitizers for our own targets, for instance address,undefined")
add_library(nir_sanitizers INTERFACE)
if(NIR_SANITIZE)
  target_compile_options(nir_sanitizers INTERFACE -fsanitize=${NIR_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(nir_sanitizers INTERFACE -fsanitize=${NIR_SANITIZE})
endif()
