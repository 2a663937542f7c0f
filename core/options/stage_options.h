// The keys of a stage of any kind. No LibTorch here.
#pragma once

#include <variant>

#include "core/options/evaluate_options.h"
#include "core/options/prepare_options.h"
#include "core/options/sample_options.h"
#include "core/options/train_options.h"

namespace gptcore {

using StageOptions = std::variant<TrainOptions, EvaluateOptions, SampleOptions, PrepareOptions>;

}  // namespace gptcore
