// The interfaces' virtual destructors live here, so that their type information exists once in the whole process.
#include <array>

#include "gptcore/draft/adapter.h"
#include "gptcore/draft/evaluator.h"
#include "gptcore/draft/model.h"
#include "gptcore/draft/operation.h"
#include "gptcore/registrar.h"

namespace gptcore {

Host::~Host() = default;
Tokenizer::~Tokenizer() = default;
Dataset::~Dataset() = default;
Logger::~Logger() = default;
Model::~Model() = default;
Adapter::~Adapter() = default;
Operation::~Operation() = default;
Evaluator::~Evaluator() = default;
Port::~Port() = default;
Registrar::~Registrar() = default;

const char* name_of(Kind kind) {
  static constexpr std::array<const char*, kKinds> kNames = {"tokenizer", "dataset",   "model", "adapter",
                                                             "operation", "evaluator", "logger"};
  return kNames.at(static_cast<size_t>(kind));
}

const char* name_of(Event event) {
  switch (event) {
    case Event::run_started:
      return "run_started";
    case Event::run_ended:
      return "run_ended";
    case Event::stage_started:
      return "stage_started";
    case Event::stage_ended:
      return "stage_ended";
    case Event::step_ended:
      return "step_ended";
    case Event::evaluation_started:
      return "evaluation_started";
    case Event::evaluation_ended:
      return "evaluation_ended";
    case Event::model_edited:
      return "model_edited";
    case Event::checkpoint_saved:
      return "checkpoint_saved";
    case Event::sampled:
      return "sampled";
    case Event::interrupted:
      return "interrupted";
    case Event::failed:
      return "failed";
  }
  return "unknown";
}

}  // namespace gptcore
