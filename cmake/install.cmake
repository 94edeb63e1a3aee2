# SPDX-License-Identifier: MIT
# The package `nir`: targets nir::<layer>, the torch-free layers in an export of their own, so that
# find_package(nir COMPONENTS extract) needs no torch; the program; the default models under share/nir/models.
include(CMakePackageConfigHelpers)
set(NIR_CMAKE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/nir)

get_property(core_layers GLOBAL PROPERTY NIR_CORE_LAYERS)
get_property(torch_layers GLOBAL PROPERTY NIR_TORCH_LAYERS)
install(TARGETS ${core_layers} EXPORT nirCoreTargets FILE_SET HEADERS)
install(EXPORT nirCoreTargets NAMESPACE nir:: DESTINATION ${NIR_CMAKE_DIR})
if(torch_layers)
  install(TARGETS ${torch_layers} EXPORT nirTorchTargets FILE_SET HEADERS)
  install(EXPORT nirTorchTargets NAMESPACE nir:: DESTINATION ${NIR_CMAKE_DIR})
  install(TARGETS nir nir_full)
endif()

string(REPLACE nir_ "" NIR_CORE_COMPONENTS "${core_layers}")
string(REPLACE nir_ "" NIR_TORCH_COMPONENTS "${torch_layers}")
configure_package_config_file(cmake/nirConfig.cmake.in ${CMAKE_BINARY_DIR}/nirConfig.cmake
                              INSTALL_DESTINATION ${NIR_CMAKE_DIR} PATH_VARS CMAKE_INSTALL_DATADIR)
write_basic_package_version_file(${CMAKE_BINARY_DIR}/nirConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/nirConfig.cmake ${CMAKE_BINARY_DIR}/nirConfigVersion.cmake DESTINATION ${NIR_CMAKE_DIR})

foreach(folder models configs)
  if(EXISTS ${CMAKE_SOURCE_DIR}/${folder})
    install(DIRECTORY ${CMAKE_SOURCE_DIR}/${folder} DESTINATION ${CMAKE_INSTALL_DATADIR}/nir)
  endif()
endforeach()
install(FILES LICENSE THIRD_PARTY.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
