// Reads what a .model file says beyond what the library tells. The file is a protobuf message, sentencepiece_model.proto's
// ModelProto.
#pragma once

#include <string_view>

#include "gptcore/draft/scored_pieces.h"

// The library must have accepted `model`. Throws Error(data_corrupt) when the message is invalid.
gptcore::PieceModel read_piece_model(std::string_view model);
