# Imported targets LibTorch::c10 and LibTorch::torch_cpu from the prefix GPTCORE_TORCH (a wheel's torch/ folder or a zip's).
# The wheel's own TorchConfig insists on a CUDA toolkit, so the targets are made here.
# Headers go in by -idirafter: that folder carries copies of fmt and protobuf that must not shadow the system's.

# NO_CACHE: another GPTCORE_TORCH takes effect in a build folder that exists.
foreach(part torch_cpu c10)
  find_library(LibTorch_${part}_LIBRARY NAMES lib${part}.so PATHS ${GPTCORE_TORCH}/lib NO_DEFAULT_PATH NO_CACHE)
endforeach()
find_path(LibTorch_INCLUDE_DIR ATen/core/Tensor.h PATHS ${GPTCORE_TORCH}/include NO_DEFAULT_PATH NO_CACHE)
foreach(header torch/headeronly/version.h torch/csrc/api/include/torch/version.h)
  if(NOT LibTorch_VERSION AND EXISTS ${LibTorch_INCLUDE_DIR}/${header})
    file(STRINGS ${LibTorch_INCLUDE_DIR}/${header} lines REGEX "define TORCH_VERSION_(MAJOR|MINOR|PATCH) ")
    string(REGEX REPLACE "[^0-9]*([0-9]+)[^0-9]+([0-9]+)[^0-9]+([0-9]+).*" "\\1.\\2.\\3" LibTorch_VERSION "${lines}")
  endif()
endforeach()
set(LibTorch_CUDA_FOUND OFF)
if(EXISTS ${GPTCORE_TORCH}/lib/libtorch_cuda.so)
  set(LibTorch_CUDA_FOUND ON)
endif()

# What is wrong with the prefix when it is not usable.
if(EXISTS ${GPTCORE_TORCH}/lib/libtorch_cpu.a)
  set(LibTorch_PROBLEM "LibTorch at ${GPTCORE_TORCH} is static, and the program and its plugins must share one: pass -DGPTCORE_TORCH=<prefix of shared libraries>")
else()
  set(LibTorch_PROBLEM "'${GPTCORE_TORCH}' does not hold lib/libtorch_cpu.so and include/ATen: pass -DGPTCORE_TORCH=<prefix of LibTorch>, or in gptcore's sources run ./dev build, which fetches it")
endif()
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(LibTorch
  REQUIRED_VARS LibTorch_torch_cpu_LIBRARY LibTorch_c10_LIBRARY LibTorch_INCLUDE_DIR
  VERSION_VAR LibTorch_VERSION
  REASON_FAILURE_MESSAGE "${LibTorch_PROBLEM}")

if(LibTorch_FOUND AND NOT TARGET LibTorch::torch_cpu)
  foreach(part c10 torch_cpu)
    add_library(LibTorch::${part} SHARED IMPORTED)
    set_target_properties(LibTorch::${part} PROPERTIES
      IMPORTED_LOCATION ${LibTorch_${part}_LIBRARY}
      INTERFACE_COMPILE_DEFINITIONS "USE_DISTRIBUTED;USE_C10D_GLOO;AT_PER_OPERATOR_HEADERS"
      INTERFACE_COMPILE_OPTIONS "SHELL:-idirafter ${LibTorch_INCLUDE_DIR};SHELL:-idirafter ${LibTorch_INCLUDE_DIR}/torch/csrc/api/include"
      INTERFACE_LINK_OPTIONS "-Wl,--allow-shlib-undefined")
  endforeach()
  target_link_libraries(LibTorch::torch_cpu INTERFACE LibTorch::c10)
endif()
