# Functions that give our targets one language level, one set of warnings and hidden symbols.

find_program(GPTCORE_CCACHE ccache)
find_program(GPTCORE_MOLD mold)

function(gptcore_compile_options target)
  target_compile_features(${target} PUBLIC cxx_std_20)
  set_target_properties(${target} PROPERTIES
    CXX_EXTENSIONS OFF CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON POSITION_INDEPENDENT_CODE ON)
  target_compile_options(${target} PRIVATE
    -Wall -Wextra -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Wunused -Werror -fno-math-errno
    # Both see things that are not there in libstdc++ 12's strings and iterators.
    $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict;-Wno-dangling-pointer>)
  if(GPTCORE_CCACHE)
    set_target_properties(${target} PROPERTIES CXX_COMPILER_LAUNCHER ${GPTCORE_CCACHE})
  endif()
  if(GPTCORE_MOLD)
    target_link_options(${target} PRIVATE -fuse-ld=mold)
  endif()
  if(GPTCORE_SANITIZE) # its instrumentation hides from g++ that std::regex sets what it reads
    target_compile_options(${target} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
  endif()
  if(GPTCORE_SANITIZE STREQUAL "address")
    target_compile_options(${target} PRIVATE -fsanitize=address,undefined -fno-sanitize=vptr -fno-omit-frame-pointer)
    target_link_options(${target} PRIVATE -fsanitize=address,undefined)
  elseif(GPTCORE_SANITIZE STREQUAL "thread")
    target_compile_options(${target} PRIVATE -fsanitize=thread)
    target_link_options(${target} PRIVATE -fsanitize=thread)
  elseif(GPTCORE_SANITIZE)
    message(FATAL_ERROR "GPTCORE_SANITIZE is '${GPTCORE_SANITIZE}'; expected address, thread or nothing")
  endif()
endfunction()

# Programs and libraries go where they look for each other: bin/ and lib/ of one prefix, which may be moved.
set(CMAKE_INSTALL_BINDIR bin)
set(CMAKE_INSTALL_LIBDIR lib)
set(CMAKE_SHARED_MODULE_PREFIX "")  # our plugins are char.so, text.so, ...

# Finds our libraries from where the file itself lies, and LibTorch where it was at build time.
function(gptcore_rpath target)
  set_target_properties(${target} PROPERTIES
    BUILD_WITH_INSTALL_RPATH ON
    INSTALL_RPATH "$ORIGIN;$ORIGIN/../lib;${GPTCORE_TORCH}/lib;${GPTCORE_TORCH}/../nvidia/cu13/lib")
  # LibTorch's own libraries look for their neighbours through the program's path.
  target_link_options(${target} PRIVATE -Wl,--disable-new-dtags)
endfunction()

# A room of the core: a static library gptcore_<name> (gptcore::<name>), linked by the program or by libgptcore.so.
#   gptcore_room(config SOURCES a.cpp b.cpp DEPS gptcore::base tomlplusplus::tomlplusplus)
function(gptcore_room name)
  cmake_parse_arguments(arg "" "" "SOURCES;DEPS" ${ARGN})
  add_library(gptcore_${name} STATIC ${arg_SOURCES})
  add_library(gptcore::${name} ALIAS gptcore_${name})
  gptcore_compile_options(gptcore_${name})
  target_include_directories(gptcore_${name} PUBLIC ${PROJECT_SOURCE_DIR})
  target_link_libraries(gptcore_${name} PUBLIC gptcore::sdk ${arg_DEPS})
endfunction()

# Tests share two precompiled headers, of those that need LibTorch and of those that do not (LIGHT).
option(GPTCORE_TEST_PCH "Share precompiled headers among tests" ON)
function(gptcore_test_pch name)
  cmake_parse_arguments(arg "" "" "HEADERS;DEPS" ${ARGN})
  if(NOT GPTCORE_TEST_PCH)
    return()
  endif()
  add_executable(${name} pch.cpp)
  gptcore_test_options(${name})
  gptcore_rpath(${name})
  target_link_libraries(${name} PRIVATE gptcore::test_main ${arg_DEPS})
  target_precompile_headers(${name} PRIVATE ${arg_HEADERS})
endfunction()

function(gptcore_test_options target)
  gptcore_compile_options(${target})
  if(GPTCORE_CCACHE AND GPTCORE_TEST_PCH)  # else it keeps nothing that a precompiled header went into
    set_target_properties(${target} PROPERTIES
      CXX_COMPILER_LAUNCHER "${CMAKE_COMMAND};-E;env;CCACHE_SLOPPINESS=pch_defines,time_macros;${GPTCORE_CCACHE}")
  endif()
endfunction()

# A Catch2 program test_<name>, run by ctest as one test. LIGHT: it does without LibTorch.
#   gptcore_test(config LIGHT SOURCES a_test.cpp DEPS gptcore::config)
function(gptcore_test name)
  cmake_parse_arguments(arg "LIGHT" "" "SOURCES;DEPS" ${ARGN})
  add_executable(test_${name} ${arg_SOURCES})
  gptcore_test_options(test_${name})
  gptcore_rpath(test_${name})
  if(GPTCORE_TEST_PCH AND arg_LIGHT)
    target_precompile_headers(test_${name} REUSE_FROM gptcore_light_pch)
  elseif(GPTCORE_TEST_PCH)
    target_precompile_headers(test_${name} REUSE_FROM gptcore_torch_pch)
  endif()
  target_link_libraries(test_${name} PRIVATE gptcore::test_main ${arg_DEPS})
  add_test(NAME ${name} COMMAND test_${name})
  set_tests_properties(${name} PROPERTIES TIMEOUT 600
    ENVIRONMENT "GPTCORE_SOURCE=${PROJECT_SOURCE_DIR};GPTCORE_BUILD=${PROJECT_BINARY_DIR};OMP_NUM_THREADS=1")
  if(GPTCORE_SANITIZE STREQUAL "thread")
    set_property(TEST ${name} APPEND PROPERTY ENVIRONMENT "TSAN_OPTIONS=suppressions=${PROJECT_SOURCE_DIR}/tests/tsan.supp")
  endif()
endfunction()
