/* The boundary structures as a C11 compiler lays them out; layout_test.cpp asserts the same for C++. */
#include <stddef.h>

#include "gptcore/abi.h"

_Static_assert(sizeof(gptcore_descriptor) == 256, "size");
_Static_assert(offsetof(gptcore_descriptor, size) == 8, "size");
_Static_assert(offsetof(gptcore_descriptor, epoch) == 12, "epoch");
_Static_assert(offsetof(gptcore_descriptor, sdk_version) == 16, "sdk_version");
_Static_assert(offsetof(gptcore_descriptor, torch_version) == 20, "torch_version");
_Static_assert(offsetof(gptcore_descriptor, abi_tag) == 24, "abi_tag");
_Static_assert(offsetof(gptcore_descriptor, name) == 88, "name");
_Static_assert(offsetof(gptcore_descriptor, version) == 136, "version");
_Static_assert(offsetof(gptcore_descriptor, build_id) == 160, "build_id");
_Static_assert(sizeof(gptcore_status) == 512, "size");
_Static_assert(offsetof(gptcore_status, where) == 4, "where");
_Static_assert(offsetof(gptcore_status, message) == 64, "message");
_Static_assert(offsetof(gptcore_plugin, descriptor) == 8, "descriptor");
_Static_assert(offsetof(gptcore_plugin, register_all) == 16, "register_all");

unsigned gptcore_c_size_of_plugin(void) {
  return sizeof(gptcore_plugin);
}
