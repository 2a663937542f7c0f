/* The plugin boundary as plain C11: what the loader reads from the file before it runs a line of it, and the one symbol
 * it then calls. Append-only: a field never moves and never changes meaning within an epoch. */
#ifndef GPTCORE_ABI_H
#define GPTCORE_ABI_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define GPTCORE_ABI_EPOCH 2
#define GPTCORE_ABI_SECTION ".gptcore.abi"
#define GPTCORE_MANIFEST_SECTION ".gptcore.manifest"
#define GPTCORE_ENTRY_SYMBOL "gptcore_plugin_v1"

/* 256 bytes, alone in section .gptcore.abi; little-endian, zero-padded texts. */
typedef struct gptcore_descriptor {
  char magic[8];          /* "GPTCORE" */
  uint32_t size;          /* of this struct */
  uint32_t epoch;         /* GPTCORE_ABI_EPOCH */
  uint32_t sdk_version;   /* 10203 = 1.2.3 */
  uint32_t torch_version; /* 211 = 2.11 */
  char abi_tag[64];       /* "x86_64;libstdc++;cxx11;c++20[;glibcxx_debug][;asan][;tsan]" */
  char name[48];          /* of the plugin */
  char version[24];
  char build_id[41]; /* shown, never compared */
  uint8_t pad[3];
  uint8_t reserved[52];
} gptcore_descriptor;

typedef struct gptcore_status {
  int32_t code; /* 0 = ok, else a GC number */
  char where[60];
  char message[448];
} gptcore_status;

typedef struct gptcore_plugin {
  uint32_t size, epoch;
  const gptcore_descriptor* descriptor;
  /* Adds the plugin's items to `registrar` (a gptcore::Registrar*). Returns status->code; throws nothing. */
  int32_t (*register_all)(void* registrar, gptcore_status* status);
} gptcore_plugin;

/* The only symbol a plugin exports. */
typedef const gptcore_plugin* (*gptcore_entry)(void);

#ifdef __cplusplus
}
#endif
#endif
