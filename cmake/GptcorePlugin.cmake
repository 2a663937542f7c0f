# gptcore_plugin_library(NAME SOURCES a.cpp ... [DEPS lib ...])
# A module library that exports one symbol, resolves all others now, and carries the manifest of its items.
function(gptcore_plugin_library name)
  cmake_parse_arguments(arg "" "" "SOURCES;DEPS" ${ARGN})
  add_library(${name} MODULE ${arg_SOURCES})
  gptcore_compile_options(${name})
  gptcore_rpath(${name})
  set_target_properties(${name} PROPERTIES PREFIX "")
  target_link_libraries(${name} PRIVATE gptcore::sdk LibTorch::torch_cpu ${arg_DEPS})
  target_link_options(${name} PRIVATE
    -Wl,-z,defs -Wl,--version-script=${PROJECT_SOURCE_DIR}/cmake/plugin.map -Wl,--build-id)
  # The manifest is what the plugin itself says, asked once after linking and added as a section of the file.
  add_custom_command(TARGET ${name} POST_BUILD
    COMMAND ${CMAKE_COMMAND} -E env ASAN_OPTIONS=detect_leaks=0
      $<TARGET_FILE:gptcore-probe> $<TARGET_FILE:${name}> $<TARGET_FILE:${name}>.json
    COMMAND ${CMAKE_OBJCOPY} --remove-section .gptcore.manifest
      --add-section .gptcore.manifest=$<TARGET_FILE:${name}>.json $<TARGET_FILE:${name}>
    COMMAND ${CMAKE_COMMAND} -E rm $<TARGET_FILE:${name}>.json
    VERBATIM)
  add_dependencies(${name} gptcore-probe)
endfunction()

# gptcore_add_plugin(NAME SOURCES a.cpp ... [DEPS lib ...])
# A plugin that is built into the folder where the program finds it, and installed.
function(gptcore_add_plugin name)
  gptcore_plugin_library(${name} ${ARGN})
  set_target_properties(${name} PROPERTIES LIBRARY_OUTPUT_DIRECTORY ${CMAKE_LIBRARY_OUTPUT_DIRECTORY}/gptcore/plugins)
  install(TARGETS ${name} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/gptcore/plugins)
endfunction()
