#include "apps/gptcore/engine_library.h"

#include <dlfcn.h>

#include <cstdlib>
#include <filesystem>

#include "core/plugin/installation.h"
#include "core/plugin/torch_library.h"
#include "gptcore/error.h"

namespace gptcore {

const EngineTable& engine() {
  const std::string path = (std::filesystem::path(program_folder()) / "../lib/libgptcore.so").lexically_normal().string();
  const char* const hint = "build or install gptcore again: the program and its library belong together";
  // OpenMP's threads would spin for milliseconds at every barrier: on a busy machine that slows a step tenfold. OpenMP reads
  // this at load.
  setenv("GOMP_SPINCOUNT", "1000", /*overwrite=*/0);
  open_torch();
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library) throw Error(Code::io, std::string("the library cannot be opened: ") + dlerror(), hint, path);
  const auto entry = reinterpret_cast<decltype(&gptcore_engine)>(dlsym(library, "gptcore_engine"));
  if (!entry) throw Error(Code::io, "the library has no gptcore_engine()", hint, path);
  return *entry();
}

}  // namespace gptcore
