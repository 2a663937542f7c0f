// Preprocessed by gptcore_abi_tag(), which reads the text.
#include <cstddef>

#include "gptcore/version.h"

const char abi_tag[] = GPTCORE_ABI_TAG;
