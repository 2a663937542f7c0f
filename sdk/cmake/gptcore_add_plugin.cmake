# gptcore_plugin_library(NAME SOURCES a.cpp ... [DEPS lib ...])
# A module that exports gptcore_plugin_v1 alone, resolves all other symbols when it is linked, and carries the manifest of
# its items: what the plugin itself says when it is asked once, added to its file as a section.
function(gptcore_plugin_library name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;DEPS")
  if(NOT arg_SOURCES OR arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "gptcore: plugin '${name}' is written as NAME SOURCES a.cpp ... [DEPS lib ...] [TESTS test_a.cpp ...]")
  endif()
  add_library(${name} MODULE ${arg_SOURCES})
  _gptcore_compile(${name})
  target_link_libraries(${name} PRIVATE gptcore::sdk LibTorch::torch_cpu ${arg_DEPS})
  set(map ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/plugin.map)
  target_link_options(${name} PRIVATE -Wl,-z,defs -Wl,--version-script=${map} -Wl,--build-id)
  set_target_properties(${name} PROPERTIES
    LINK_DEPENDS ${map}
    # Its libraries are in the process before it is. The file is the same before and after installation.
    BUILD_WITH_INSTALL_RPATH ON
    INSTALL_RPATH "$ORIGIN;$ORIGIN/../..")

  set(manifest $<TARGET_FILE:${name}>.json)
  add_custom_command(TARGET ${name} POST_BUILD
    COMMAND ${CMAKE_COMMAND} -E env GPTCORE_TORCH=${GPTCORE_TORCH} ASAN_OPTIONS=detect_leaks=0
      $<TARGET_FILE:gptcore::probe> $<TARGET_FILE:${name}> ${manifest}
    COMMAND ${CMAKE_OBJCOPY} --remove-section .gptcore.manifest --add-section .gptcore.manifest=${manifest} $<TARGET_FILE:${name}>
    COMMAND ${CMAKE_COMMAND} -E rm ${manifest}
    VERBATIM)
  add_dependencies(${name} gptcore::probe)
endfunction()

# gptcore_add_plugin(NAME SOURCES a.cpp ... [DEPS lib ...] [TESTS test_a.cpp ...])
# The plugin libNAME.so; `cmake --install` puts it where the program of that prefix finds it. After enable_testing(), ctest
# runs NAME_conformance (`gptcore plugins test` on it) and, with TESTS, NAME: a program of these sources, which finds the
# plugin's path in the macro GPTCORE_PLUGIN_FILE and has Catch2 when that is installed.
function(gptcore_add_plugin name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "TESTS")
  gptcore_plugin_library(${name} ${arg_UNPARSED_ARGUMENTS})
  install(TARGETS ${name} LIBRARY DESTINATION lib/gptcore/plugins)
  if(arg_TESTS AND NOT CMAKE_TESTING_ENABLED)
    message(FATAL_ERROR "gptcore: plugin '${name}' has TESTS; write enable_testing() before gptcore_add_plugin()")
  endif()
  if(NOT CMAKE_TESTING_ENABLED)
    return()
  endif()
  add_test(NAME ${name}_conformance COMMAND gptcore::program plugins test $<TARGET_FILE:${name}>)
  if(arg_TESTS)
    _gptcore_plugin_test(${name} ${arg_TESTS})
    add_test(NAME ${name} COMMAND test_${name})
    set_tests_properties(${name} PROPERTIES TIMEOUT 300)
  endif()
  set_tests_properties(${name}_conformance PROPERTIES TIMEOUT 600 ENVIRONMENT GPTCORE_TORCH=${GPTCORE_TORCH})
endfunction()

function(_gptcore_plugin_test name)
  add_executable(test_${name} ${ARGN})
  _gptcore_compile(test_${name})
  target_compile_definitions(test_${name} PRIVATE GPTCORE_PLUGIN_FILE="$<TARGET_FILE:${name}>")
  target_link_libraries(test_${name} PRIVATE gptcore::testing)
  # What libgptcore.so needs is found by way of the program that loads it.
  target_link_options(test_${name} PRIVATE -Wl,--disable-new-dtags)
  add_dependencies(test_${name} ${name})
  foreach(catch Catch2::Catch2WithMain Catch2::Catch2)
    if(TARGET ${catch})
      target_link_libraries(test_${name} PRIVATE ${catch})
      break()
    endif()
  endforeach()
endfunction()

# A project that has a gptcore_compile_options(target) of its own adds its options by it.
function(_gptcore_compile target)
  target_compile_features(${target} PRIVATE cxx_std_20)
  set_target_properties(${target} PROPERTIES
    CXX_EXTENSIONS OFF CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON POSITION_INDEPENDENT_CODE ON
    EXPORT_COMPILE_COMMANDS ON)
  if(COMMAND gptcore_compile_options)
    gptcore_compile_options(${target})
  endif()
endfunction()

# The C++ ABI of what this compiler makes with the project's flags and those given, as plugins state it (gptcore/version.h),
# with commas: "x86_64,libstdc++,cxx11,c++20".
function(gptcore_abi_tag out include_folder)
  string(TOUPPER "${CMAKE_BUILD_TYPE}" type)
  separate_arguments(flags UNIX_COMMAND "${CMAKE_CXX_FLAGS} ${CMAKE_CXX_FLAGS_${type}}")
  execute_process(COMMAND ${CMAKE_CXX_COMPILER} ${flags} ${ARGN} -std=c++20 -I${include_folder} -E -P
      ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/abi_tag.cpp
    OUTPUT_VARIABLE text ERROR_VARIABLE problem RESULT_VARIABLE failed)
  if(failed)
    message(FATAL_ERROR "gptcore: ${CMAKE_CXX_COMPILER} does not preprocess gptcore/version.h: ${problem}")
  endif()
  string(REPLACE ";" "," text "${text}")
  string(REGEX REPLACE ".*abi_tag\\[\\] = (.*),.*" "\\1" tag "${text}")
  string(REGEX REPLACE "[\" ]" "" tag "${tag}")
  set(${out} "${tag}" PARENT_SCOPE)
endfunction()
