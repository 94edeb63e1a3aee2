# SPDX-License-Identifier: MIT
# Everything comes from Debian 12's packages (scripts/setup); nothing is downloaded here.
find_package(Threads REQUIRED)
find_package(fmt REQUIRED)
find_package(tomlplusplus REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(JPEG REQUIRED)
find_package(PNG REQUIRED)
find_package(ZLIB REQUIRED)
find_package(CLI11 REQUIRED)

# Header-only packages are used by our sources alone; an installed nir does not ask for them.
find_path(NANOFLANN_INCLUDE_DIR nanoflann.hpp REQUIRED)
add_library(nir_nanoflann INTERFACE)
target_include_directories(nir_nanoflann SYSTEM INTERFACE ${NANOFLANN_INCLUDE_DIR})
set(NIR_NANOFLANN $<BUILD_INTERFACE:nir_nanoflann>)
set(NIR_JSON $<BUILD_INTERFACE:nlohmann_json::nlohmann_json>)

find_library(HWY_LIBRARY hwy REQUIRED)
set(NIR_HIGHWAY $<BUILD_INTERFACE:${HWY_LIBRARY}> $<INSTALL_INTERFACE:hwy>)

# Loading OpenVDB takes 40 ms, so programs are linked with it only if they call nir/io/vdb.h.
find_path(OPENVDB_INCLUDE_DIR openvdb/openvdb.h REQUIRED)
set(NIR_OPENVDB -Wl,--push-state,--as-needed openvdb Imath-3_1 tbb -Wl,--pop-state)

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
