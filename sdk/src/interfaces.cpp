// This file holds the interfaces' virtual destructors, so that their type information exists once in the whole process, and the
// common part of all ports and registrations, so that it is compiled once.
#include <array>

#include "gptcore/error.h"
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
ModelView::~ModelView() = default;
ModelEdit::~ModelEdit() = default;
BatchTrials::~BatchTrials() = default;
Undo::~Undo() = default;
Results::~Results() = default;
Port::~Port() = default;
Registrar::~Registrar() = default;

Item::Item() = default;
Item::Item(const Item& other) = default;
Item::Item(Item&& other) noexcept = default;
Item& Item::operator=(const Item& other) = default;
Item& Item::operator=(Item&& other) noexcept = default;
Item::~Item() = default;

void Registrar::put(Item item, Kind kind, std::string name, std::string doc, const std::vector<ParamSpec>& params) {
  item.kind = kind;
  item.name = std::move(name);
  item.doc = std::move(doc);
  item.params = params;
  add(std::move(item));
}

Status failure(const Error& error) {
  return {static_cast<int>(error.code()), error.what(), error.hint(), error.where()};
}

Status failure(const char* message) {
  return {static_cast<int>(Code::plugin_failed), message, {}, {}};
}

void throw_if_failed(const Status& status) {
  if (status.code != 0) throw Error(static_cast<Code>(status.code), status.message, status.hint, status.where);
}

void* Host::service(std::string_view) {
  return nullptr;
}
void* Tokenizer::extension(std::string_view) {
  return nullptr;
}
void* Dataset::extension(std::string_view) {
  return nullptr;
}
void* Logger::extension(std::string_view) {
  return nullptr;
}
void* Model::extension(std::string_view) {
  return nullptr;
}
void* Adapter::extension(std::string_view) {
  return nullptr;
}
void* Operation::extension(std::string_view) {
  return nullptr;
}
void* Evaluator::extension(std::string_view) {
  return nullptr;
}

void Model::set_adapter(const std::string& path, std::shared_ptr<Adapter>) {
  throw Error(Code::model_shape, "layer '" + path + "' takes no adapter", "this model has no places for adapters");
}

void Adapter::take(const at::Tensor&) {
  throw Error(Code::model_shape, "it cannot take over what another adapter adds", "merge the other one first");
}

void Dataset::set(std::string_view key, const Value&) {
  throw Error(Code::unknown_key, "the dataset has no control '" + std::string(key) + "'");
}

const char* name_of(LayerKind kind) {
  static constexpr std::array<const char*, 4> kNames = {"block", "linear", "embedding", "norm"};
  return kNames.at(static_cast<size_t>(kind));
}

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
    case Event::item_evaluated:
      return "item_evaluated";
    case Event::operation:
      return "operation";
  }
  return "unknown";
}

}  // namespace gptcore
