# SPDX-License-Identifier: MIT
# Everything comes from Debian 12's packages (scripts/setup); nothing is downloaded here.
find_package(Threads REQUIRED)
find_package(fmt REQUIRED)
find_package(tomlplusplus REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(PNG REQUIRED)
find_package(ZLIB REQUIRED)
find_package(CLI11 REQUIRED)

find_path(NANOFLANN_INCLUDE_DIR nanoflann.hpp REQUIRED)
add_library(nir_nanoflann INTERFACE)
target_include_directories(nir_nanoflann SYSTEM INTERFACE ${NANOFLANN_INCLUDE_DIR})

find_library(HWY_LIBRARY hwy REQUIRED)
add_library(nir_highway INTERFACE)
target_link_libraries(nir_highway INTERFACE ${HWY_LIBRARY})

if(NIR_WITH_TORCH)
  find_package(Torch REQUIRED)
  add_library(nir_torch INTERFACE)
  target_include_directories(nir_torch SYSTEM INTERFACE ${TORCH_INCLUDE_DIRS})
  target_link_libraries(nir_torch INTERFACE ${TORCH_LIBRARIES})
endif()

if(NIR_BUILD_TESTS)
  find_package(GTest REQUIRED)
  include(GoogleTest)
endif()
if(NIR_BUILD_BENCH)
  find_package(benchmark REQUIRED)
endif()
