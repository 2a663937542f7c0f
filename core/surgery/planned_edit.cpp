#include "core/surgery/planned_edit.h"

#include <algorithm>

#include "core/model/layer_names.h"
#include "core/model/structure.h"
#include "core/model/vocabulary.h"
#include "gptcore/draft/layer_names.h"
#include "gptcore/error.h"
#include "gptcore/suggest.h"

namespace gptcore {
namespace {

const std::vector<ParamSpec>& settings_known() {
  static const std::vector<ParamSpec> specs = schema_of<TrainOptions>().specs();
  return specs;
}

std::vector<std::string> names_of(bool live_only) {
  std::vector<std::string> names;
  for (const ParamSpec& spec : settings_known())
    if (spec.live || !live_only) names.push_back(spec.name);
  return names;
}

// Throws Code::plugin_failed, because no user's value can have led to this.
[[noreturn]] void unknown_setting(const std::string& name, const char* what, const std::vector<std::string>& known) {
  throw Error(Code::plugin_failed, "no setting '" + name + "' " + what,
              did_you_mean(name, known, "there are " + listed(known)));
}

}  // namespace

const EditSupport& no_support() {
  static const EditSupport none;
  return none;
}

PlannedEdit::PlannedEdit(const ModelView& model, Effects effects, const EditSupport& support)
    : model_(model), effects_(effects), support_(support) {}

// Makes the shape on first use, because most plans are empty.
PlannedShape& PlannedEdit::shape() {
  return known_ ? *known_ : known_.emplace(model_);
}

void PlannedEdit::require(Effects effect, const char* name, const char* call) {
  used_ |= effect;
  if ((effects_ & effect) == 0)
    throw Error(Code::plugin_failed, std::string("it plans ") + call + "() but does not declare " + name,
                std::string("add ") + name + " to its class: static constexpr Effects effects = " + name + ";");
}

Value PlannedEdit::setting(std::string_view key) const {
  const std::string name(key);
  const Table now = support_.options ? schema_of<TrainOptions>().values(*support_.options) : Table{};
  if (const Value* found = find(now, name)) return *found;
  const std::vector<std::string> known = names_of(/*live_only=*/false);
  if (!support_.options || std::find(known.begin(), known.end(), name) == known.end()) unknown_setting(name, "is known", known);
  return {};
}

void PlannedEdit::set(std::string_view key, Value value) {
  require(kChangesTraining, "kChangesTraining", "set");
  const std::string name(key);
  const auto spec = std::find_if(settings_known().begin(), settings_known().end(),
                                 [&](const ParamSpec& known) { return known.live && known.name == name; });
  if (spec == settings_known().end()) unknown_setting(name, "can change during training", names_of(/*live_only=*/true));
  if (spec->type == Type::number && value.is<int64_t>()) value = static_cast<double>(value.as<int64_t>());
  if (const auto wrong = misfit(*spec, value))
    throw Error(wrong->wrong_type ? Code::plugin_failed : Code::out_of_range, "'" + name + "' " + wrong->text,
                wrong->wrong_type ? "ModelEdit::setting() gives a value of that type" : "");
  put(settings, name, std::move(value));
}

void PlannedEdit::set_trainable(std::string_view pattern, bool on) {
  require(kFreezes, "kFreezes", on ? "unfreeze" : "freeze");
  const std::vector<Layer> found = layers_named(shape().layers, pattern);
  SetTrainable edit{{}, on};
  for (auto& [name, trainable] : shape().trainable) {
    const auto is_adapters = [&, n = &name](const auto& a) { return belongs(*n, a.first + "." + a.second.item); };
    if (trainable == on || std::any_of(shape().adapters.begin(), shape().adapters.end(), is_adapters)) continue;
    if (std::any_of(found.begin(), found.end(), [&, n = &name](const Layer& layer) { return belongs(*n, layer.path); })) {
      edit.parameters.push_back(name);
      trainable = on;
    }
  }
  if (!edit.parameters.empty()) edits.emplace_back(std::move(edit));
}

void PlannedEdit::arrange_blocks(const std::vector<int64_t>& sources) {
  require(kReshapes, "kReshapes", "arrange_blocks");
  shape().arrange_blocks(sources);
  edits.emplace_back(ArrangeBlocks{sources});
}

void PlannedEdit::widen_mlp(int64_t hidden, double noise) {
  require(kReshapes, "kReshapes", "widen_mlp");
  shape().widen_mlp(hidden);
  edits.emplace_back(WidenMlp{hidden, noise});
}

void PlannedEdit::widen_embedding(int64_t n_embd, double noise) {
  require(kReshapes, "kReshapes", "widen_embedding");
  shape().widen_embedding(n_embd);
  edits.emplace_back(WidenEmbedding{n_embd, noise});
}

void PlannedEdit::resize_vocabulary(int64_t size, int64_t source, double noise) {
  require(kReshapes, "kReshapes", "resize_vocabulary");
  if (size < shape().vocab)
    throw Error(Code::out_of_range,
                "the vocabulary has " + std::to_string(shape().vocab) + " ids and cannot shrink to " + std::to_string(size));
  if (size < support_.data_vocab_size)
    throw Error(Code::out_of_range, "a vocabulary of " + std::to_string(size) + " is smaller than the data's " +
                                        std::to_string(support_.data_vocab_size));
  if (source < -1 || source >= shape().vocab)
    throw Error(Code::out_of_range, "there is no row " + std::to_string(source) + " to copy",
                "the vocabulary has rows " + range_of(shape().vocab));
  if (size == shape().vocab) return;
  shape().vocab = size;
  edits.emplace_back(ResizeVocabulary{size, source, noise});
}

void PlannedEdit::set_adapter(std::string_view layers, std::string_view item, const Table& values, bool train_base) {
  require(kAdapts, "kAdapts", "set_adapter");
  if (!support_.adapter_values) throw Error(Code::internal, "no adapters can be made here");
  SetAdapter edit{{}, std::string(item), {}, train_base};
  const bool first = shape().adapters.empty();
  for (const Layer& layer : layers_named(shape().layers, layers)) {
    if (!layer.takes_adapter) continue;
    const auto old = shape().adapters.find(layer.path);
    Table merged = old != shape().adapters.end() && old->second.item == item ? old->second.values : Table{};
    put_all(merged, values);
    merged = support_.adapter_values(edit.item, merged);
    if (old != shape().adapters.end() && old->second.item == item && old->second.values == merged) continue;
    shape().adapters[layer.path] = {layer.path, edit.item, merged};
    edit.layers.push_back(layer.path);
    edit.values.push_back(std::move(merged));
  }
  if (edit.layers.empty()) {
    if (shape().adapters.empty())
      throw Error(Code::model_shape, "no layer that takes an adapter fits '" + std::string(layers) + "'",
                  "linears of blocks and the embedding wte do");
    return;  // every adapter stays as it is
  }
  if (first && !train_base)
    for (auto& [name, trainable] : shape().trainable) trainable = false;
  edits.emplace_back(std::move(edit));
}

std::vector<std::string> PlannedEdit::adapted(std::string_view pattern) {
  std::vector<std::string> found;
  for (const Layer& layer : layers_named(shape().layers, pattern))
    if (shape().adapters.contains(layer.path)) found.push_back(layer.path);
  if (found.empty())
    throw Error(Code::conflict, "no layer that fits '" + std::string(pattern) + "' has an adapter",
                shape().adapters.empty() ? "the model has none" : "put one there first");
  return found;
}

void PlannedEdit::merge_adapter(std::string_view layers, bool drop) {
  require(kAdapts, "kAdapts", "merge_adapter");
  MergeAdapter edit{adapted(layers), drop};
  for (const std::string& layer : edit.layers)
    if (drop) shape().drop_adapter(layer);
  edits.emplace_back(std::move(edit));
}

void PlannedEdit::drop_adapter(std::string_view layers) {
  require(kAdapts, "kAdapts", "drop_adapter");
  DropAdapter edit{adapted(layers)};
  for (const std::string& layer : edit.layers) shape().drop_adapter(layer);
  edits.emplace_back(std::move(edit));
}

void PlannedEdit::replace(std::string_view parameter, const at::Tensor& values, Moments moments) {
  require(kReplaces, "kReplaces", "replace");
  const std::string name(parameter);
  const auto found = shape().parameters.find(name);
  if (found == shape().parameters.end())
    throw Error(Code::unknown_name, "the model has no parameter '" + name + "'", "gptcore summary lists them");
  if (!values.defined() || values.sizes() != at::IntArrayRef(found->second))
    throw Error(Code::plugin_failed, "the values for '" + name + "' are not of its shape", "ModelView::parameters() tells it");
  edits.emplace_back(Replace{name, values.detach().clone(), moments});
}

void PlannedEdit::set_data(std::string_view key, Value value) {
  require(kControlsData, "kControlsData", "set_data");
  edits.emplace_back(SetData{std::string(key), std::move(value)});
}

void PlannedEdit::show_tokens(const std::vector<int32_t>& before, const std::vector<int32_t>& after) {
  if (before == after) return;
  const int64_t vocab = shape().vocab;
  std::vector<int64_t> rows = rows_of_tokens(tokens_of_rows(before, vocab), tokens_of_rows(after, vocab));
  if (in_place(rows)) return;
  if (const auto lost = std::find(rows.begin(), rows.end(), -1); lost != rows.end())
    throw Error(Code::conflict,
                "the data would show tokens that the model, which has " + std::to_string(vocab) + ", has no rows for",
                "let resize_vocabulary come before it");
  for (const Layer& layer : shape().layers)
    if (layer.kind == LayerKind::embedding && shape().adapters.contains(layer.path))
      throw Error(Code::conflict, "the embedding '" + layer.path + "' has an adapter, and its rows would move",
                  "merge it first");
  edits.emplace_back(ArrangeVocabulary{std::move(rows)});
}

void PlannedEdit::expect_same_function(double at_most) {
  if (!(at_most >= 0)) throw Error(Code::out_of_range, "a tolerance is 0 or more");
  tolerance = std::min(tolerance.value_or(at_most), at_most);
}

void* PlannedEdit::extension(std::string_view id) {
  if (id == BatchTrials::kId) return support_.trials;
  return extension_as<Undo>(this, id);
}

void PlannedEdit::last_operation() {
  require(kUndoes, "kUndoes", "last_operation");
  if (!support_.can_undo)
    throw Error(Code::conflict, "there is none to undo: no operation of this stage has left a state to go back to");
  undo = true;
}

void PlannedEdit::require_something_to_train() const {
  if (edits.empty() || !known_ || !known_->adapters.empty()) return;
  const auto is_trained = [](const auto& parameter) { return parameter.second; };
  if (std::any_of(known_->trainable.begin(), known_->trainable.end(), is_trained)) return;
  throw Error(Code::conflict, "no parameter would be trained any more", "leave a layer out of what is frozen, or unfreeze one");
}

bool PlannedEdit::reshapes() const {
  return std::any_of(edits.begin(), edits.end(), [](const Edit& e) {
    return !std::holds_alternative<SetTrainable>(e) && !std::holds_alternative<SetData>(e);
  });
}

std::vector<std::string> PlannedEdit::lines() const {
  std::vector<std::string> out;
  if (undo) out.push_back("undo the last operation");
  for (const auto& [key, value] : settings) out.push_back(key + " = " + to_toml(value));
  for (const Edit& edit : edits)
    for (std::string& line : lines_of(edit)) out.push_back(std::move(line));
  return out;
}

TrainOptions with_settings(const TrainOptions& options, const Table& settings) {
  const Schema<TrainOptions> schema = schema_of<TrainOptions>();
  TrainOptions changed = options;
  schema.assign(settings, changed);
  for (const Problem& problem : schema.problems(changed))
    throw Error(Code::conflict, "'" + problem.key + "': " + problem.message, problem.hint);
  return changed;
}

}  // namespace gptcore
