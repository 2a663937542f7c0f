# What an installation holds beyond programs, libraries and plugins: all that an author of plugins needs.
include(CMakePackageConfigHelpers)

# The CMake package.
if(GPTCORE_SANITIZE)
  set(sanitizer -fsanitize=${GPTCORE_SANITIZE})
endif()
gptcore_abi_tag(GPTCORE_ABI_TAG ${PROJECT_SOURCE_DIR}/sdk/include ${sanitizer})
string(REGEX MATCH "^([0-9]+)\\.([0-9]+)" GPTCORE_TORCH_MINOR ${LibTorch_VERSION})
set(package ${PROJECT_BINARY_DIR}/package)
configure_file(sdk/cmake/gptcore-sdk-config.cmake.in ${package}/gptcore-sdk-config.cmake @ONLY)
write_basic_package_version_file(${package}/gptcore-sdk-config-version.cmake COMPATIBILITY SameMajorVersion)
install(DIRECTORY ${package}/ sdk/cmake/ DESTINATION lib/cmake/gptcore-sdk PATTERN "*.in" EXCLUDE PATTERN README.md EXCLUDE)
install(DIRECTORY sdk/include/ DESTINATION include)

# Templates of `gptcore plugins new`; the built program finds them as the installed one does.
install(DIRECTORY sdk/templates DESTINATION share/gptcore PATTERN README.md EXCLUDE)
file(MAKE_DIRECTORY ${PROJECT_BINARY_DIR}/share/gptcore)
file(CREATE_LINK ${PROJECT_SOURCE_DIR}/sdk/templates ${PROJECT_BINARY_DIR}/share/gptcore/templates SYMBOLIC)

# How to get what this build leaves out; the program tells it.
get_property(optional_items GLOBAL PROPERTY GPTCORE_OPTIONAL_ITEMS)
list(JOIN optional_items "\n" optional_items)
file(WRITE ${PROJECT_BINARY_DIR}/share/gptcore/optional_items "${optional_items}\n")
install(FILES ${PROJECT_BINARY_DIR}/share/gptcore/optional_items DESTINATION share/gptcore)

# The quickstart trains on this project's sources; of those, the SDK's headers are installed.
install(DIRECTORY configs DESTINATION share/gptcore PATTERN quickstart.toml EXCLUDE)
file(READ configs/quickstart.toml quickstart)
string(REPLACE "\"../sdk\", \"../core\", \"../apps\", \"../plugins\"" "\"../../../include/gptcore\"" installed "${quickstart}")
if(installed STREQUAL quickstart)
  message(FATAL_ERROR "configs/quickstart.toml names other sources than cmake/GptcoreInstall.cmake replaces")
endif()
file(WRITE ${PROJECT_BINARY_DIR}/quickstart.toml "${installed}")
install(FILES ${PROJECT_BINARY_DIR}/quickstart.toml DESTINATION share/gptcore/configs)

install(FILES docs/man/gptcore.1 DESTINATION share/man/man1)
install(FILES apps/gptcore/completion/gptcore.bash DESTINATION share/bash-completion/completions RENAME gptcore)
install(FILES apps/gptcore/completion/gptcore.zsh DESTINATION share/zsh/site-functions RENAME _gptcore)
install(FILES apps/gptcore/completion/gptcore.fish DESTINATION share/fish/vendor_completions.d)

# The documents for authors, in folders as here so that their links hold.
install(FILES README.md LICENSE DESTINATION share/doc/gptcore)
install(FILES sdk/README.md DESTINATION share/doc/gptcore/sdk)
install(DIRECTORY docs/ DESTINATION share/doc/gptcore/docs PATTERN man EXCLUDE)
