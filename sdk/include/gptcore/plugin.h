// Include this in exactly one source file of a plugin, and end that file with
//   static void setup(gptcore::Registrar& r) { r.tokenizer<Char>("char", "one token a character"); }
//   GPTCORE_PLUGIN("char", "0.1.0", setup)
#pragma once

#include <torch/headeronly/version.h>

#include <cstdio>

#include "gptcore/abi.h"
#include "gptcore/registrar.h"
#include "gptcore/version.h"

// A second use in one plugin is a duplicate definition of gptcore_plugin_v1: one plugin, one setup.
#define GPTCORE_PLUGIN(NAME, VERSION, SETUP)                                                                    \
  extern "C" {                                                                                                  \
  __attribute__((section(GPTCORE_ABI_SECTION), used)) static const gptcore_descriptor gptcore_descriptor_v1 = { \
      "GPTCORE",                                                                                                \
      sizeof(gptcore_descriptor),                                                                               \
      GPTCORE_ABI_EPOCH,                                                                                        \
      GPTCORE_SDK_VERSION,                                                                                      \
      TORCH_VERSION_MAJOR * 100 + TORCH_VERSION_MINOR,                                                          \
      GPTCORE_ABI_TAG,                                                                                          \
      NAME,                                                                                                     \
      VERSION,                                                                                                  \
      "",                                                                                                       \
      {},                                                                                                       \
      {}};                                                                                                      \
  static int32_t gptcore_register_all(void* registrar, gptcore_status* status) {                                \
    const gptcore::Status s = gptcore::guard([&] { SETUP(*static_cast<gptcore::Registrar*>(registrar)); });     \
    status->code = s.code;                                                                                      \
    std::snprintf(status->where, sizeof status->where, "%s", s.where.c_str());                                  \
    std::snprintf(status->message, sizeof status->message, "%s", s.message.c_str());                            \
    return s.code;                                                                                              \
  }                                                                                                             \
  __attribute__((visibility("default"))) const gptcore_plugin* gptcore_plugin_v1(void) {                        \
    static const gptcore_plugin plugin = {sizeof(gptcore_plugin), GPTCORE_ABI_EPOCH, &gptcore_descriptor_v1,    \
                                          gptcore_register_all};                                                \
    return &plugin;                                                                                             \
  }                                                                                                             \
  }
