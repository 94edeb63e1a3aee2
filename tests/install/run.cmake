# SPDX-License-Identifier: MIT
# cmake -DBUILD_DIR=… -DSOURCE_DIR=… -DWORK_DIR=… -DCONFIG=… -DGENERATOR=… -P run.cmake
function(run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE code OUTPUT_VARIABLE out ERROR_VARIABLE out)
  if(NOT code EQUAL 0)
    list(JOIN ARGN " " command)
    message(FATAL_ERROR "${command}\n${out}")
  endif()
  set(output "${out}" PARENT_SCOPE)
endfunction()

file(REMOVE_RECURSE ${WORK_DIR})
run(${CMAKE_COMMAND} --install ${BUILD_DIR} --prefix ${WORK_DIR}/prefix --config ${CONFIG})
# Torch must not even be looked for.
run(${CMAKE_COMMAND} -S ${SOURCE_DIR} -B ${WORK_DIR}/build -G ${GENERATOR} -DCMAKE_BUILD_TYPE=${CONFIG}
    -DCMAKE_PREFIX_PATH=${WORK_DIR}/prefix -DCMAKE_DISABLE_FIND_PACKAGE_Torch=ON)
run(${CMAKE_COMMAND} --build ${WORK_DIR}/build)
run(${WORK_DIR}/build/sphere)
if(NOT output MATCHES "closed sphere, volume 0\\.1[34]")
  message(FATAL_ERROR "the consumer printed: ${output}")
endif()
if(EXISTS ${WORK_DIR}/prefix/bin/nir)
  run(${WORK_DIR}/prefix/bin/nir --version)
  run(${WORK_DIR}/prefix/bin/nir list)  # handed over to nir-full
endif()
