// What a .model file says beyond what the library tells: it is a protobuf message, sentencepiece_model.proto's ModelProto.
#pragma once

#include <string_view>

#include "gptcore/draft/scored_pieces.h"

// `model` is what the library has accepted. Throws Error(data_corrupt) when it cannot be followed.
gptcore::PieceModel read_piece_model(std::string_view model);
