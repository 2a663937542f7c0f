#include "core/plugin/torch_library.h"

#include <dlfcn.h>
#include <torch/headeronly/version.h>

#include <cstdint>
#include <cstdlib>
#include <string>

#include "gptcore/error.h"

namespace gptcore {
namespace {

// Returns major and minor version in one number.
constexpr uint64_t minor_of(uint64_t abi_version) {
  return abi_version >> 48;
}

std::string minor_text(uint64_t minor) {
  return std::to_string(minor >> 8) + "." + std::to_string(minor & 0xff);
}

}  // namespace

void open_torch() {
  const char* const prefix = std::getenv("GPTCORE_TORCH");
  const bool given = prefix && *prefix;
  const std::string file = given ? std::string(prefix) + "/lib/libtorch_cpu.so" : "libtorch_cpu.so";
  const std::string expected = minor_text(minor_of(TORCH_ABI_VERSION));
  const std::string hint = "set GPTCORE_TORCH to the prefix of LibTorch " + expected +
                           ": the folder that holds lib/libtorch_cpu.so, as a Python package's site-packages/torch does";
  const auto fail = [&](const std::string& message) {
    throw Error(Code::io, message, hint, given ? "GPTCORE_TORCH=" + std::string(prefix) : "");
  };

  void* const library = ::dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (!library) fail(std::string("LibTorch cannot be opened: ") + ::dlerror());
  const auto abi_version = reinterpret_cast<uint64_t (*)()>(::dlsym(library, "aoti_torch_abi_version"));
  if (!abi_version) fail("LibTorch is too old to say its version, expected " + expected);
  const uint64_t found = minor_of(abi_version());
  if (found != minor_of(TORCH_ABI_VERSION)) fail("LibTorch is " + minor_text(found) + ", expected " + expected);
}

}  // namespace gptcore
