#include "core/train/planned_edit.h"

#include <algorithm>

#include "core/model/layer_names.h"
#include "core/model/structure.h"
#include "gptcore/draft/layer_names.h"
#include "gptcore/error.h"
#include "gptcore/suggest.h"

namespace gptcore {
namespace {

// Settings that may change between two updates.
const std::vector<std::string>& changeable() {
  static const std::vector<std::string> keys = {
      "learning_rate",     "min_lr",    "warmup_iters",  "lr_decay_iters",
      "batch_size",        "grad_clip", "weight_decay",  "gradient_accumulation_steps",
      "eval_iters",        "max_iters", "eval_interval", "schedule",
      "lr_schedule_offset"};
  return keys;
}

[[noreturn]] void unknown_setting(const std::string& name, const char* what) {
  throw Error(Code::unknown_key, "no setting '" + name + "' " + what,
              did_you_mean(name, changeable(), "there are " + listed(changeable())));
}

std::string range_of(int64_t count) {
  return count == 1 ? "0" : "0 to " + std::to_string(count - 1);
}

int64_t blocks_of(const std::vector<Layer>& layers) {
  return std::count_if(layers.begin(), layers.end(), [](const Layer& l) { return l.kind == LayerKind::block; });
}

// Renames what lies in blocks: the entry of old block sources[i] appears as block i.
template <class Map> Map arranged(const Map& old, const std::vector<int64_t>& sources) {
  Map out;
  for (const auto& [name, value] : old)
    for (const std::string& now : arranged_names(name, sources)) out.emplace(now, value);
  return out;
}

std::vector<Layer> arranged_layers(const std::vector<Layer>& old, const std::vector<int64_t>& sources) {
  std::vector<Layer> out;
  bool done = false;
  for (const Layer& layer : old) {
    if (!in_block(layer.path)) {
      out.push_back(layer);
      continue;
    }
    for (size_t i = 0; !done && i < sources.size(); ++i)
      for (const Layer& other : old)
        if (const auto place = in_block(other.path); place && place->index == sources[i])
          out.push_back({block_path(static_cast<int64_t>(i)) + place->rest, other.kind, other.takes_adapter});
    done = true;
  }
  return out;
}

}  // namespace

const EditSupport& no_support() {
  static const EditSupport none;
  return none;
}

PlannedEdit::PlannedEdit(const ModelView& model, Effects effects, const EditSupport& support)
    : model_(model), effects_(effects), support_(support) {}

// Made when it is first asked for: most plans are empty.
PlannedEdit::Shape& PlannedEdit::shape() {
  if (known_) return *known_;
  Shape& made = known_.emplace();
  made.layers = model_.layers();
  made.vocab = model_.vocab_size();
  for (const ParameterInfo& p : model_.parameters()) {
    made.parameters[p.name] = p.shape;
    made.trainable[p.name] = p.trainable;
  }
  for (const AdapterInfo& a : model_.adapters()) made.adapters[a.layer] = a;
  return made;
}

void PlannedEdit::require(Effects effect, const char* name) {
  used_ |= effect;
  if ((effects_ & effect) == 0)
    throw Error(Code::conflict, std::string("it did not declare the effect ") + name,
                std::string("add static constexpr Effects effects = ") + name + "; to its class");
}

Value PlannedEdit::setting(std::string_view key) const {
  const std::string name(key);
  if (!support_.options || std::find(changeable().begin(), changeable().end(), name) == changeable().end())
    unknown_setting(name, "is known");
  const Value* found = nullptr;
  const Table now = schema_of<TrainOptions>().values(*support_.options);
  found = find(now, name);
  return found ? *found : Value();
}

void PlannedEdit::set(std::string_view key, Value value) {
  require(kChangesTraining, "kChangesTraining");
  const std::string name(key);
  if (std::find(changeable().begin(), changeable().end(), name) == changeable().end())
    unknown_setting(name, "can change during training");
  const Schema<TrainOptions> schema = schema_of<TrainOptions>();
  for (const ParamSpec& spec : schema.specs()) {
    if (spec.name != name) continue;
    if (spec.type == Type::number && value.is<int64_t>()) value = static_cast<double>(value.as<int64_t>());
    if (const auto wrong = misfit(spec, value))
      throw Error(wrong->wrong_type ? Code::wrong_type : Code::out_of_range, "'" + name + "' " + wrong->text);
  }
  put(settings, name, std::move(value));
}

void PlannedEdit::set_trainable(std::string_view pattern, bool on) {
  require(kFreezes, "kFreezes");
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
  require(kReshapes, "kReshapes");
  const int64_t blocks = blocks_of(shape().layers);
  if (sources.empty())
    throw Error(Code::out_of_range, "the list of blocks is empty", "name at least one of " + range_of(blocks));
  for (const int64_t source : sources)
    if (source < 0 || source >= blocks)
      throw Error(Code::out_of_range, "there is no block " + std::to_string(source),
                  "the model has blocks " + range_of(blocks));
  shape().layers = arranged_layers(shape().layers, sources);
  shape().parameters = arranged(shape().parameters, sources);
  shape().trainable = arranged(shape().trainable, sources);
  shape().adapters = arranged(shape().adapters, sources);
  for (auto& [layer, adapter] : shape().adapters) adapter.layer = layer;
  edits.emplace_back(ArrangeBlocks{sources});
}

void PlannedEdit::widen_mlp(int64_t hidden, double noise) {
  require(kReshapes, "kReshapes");
  bool any = false;
  for (auto& [name, shape] : shape().parameters) {
    const bool in = name.ends_with(".mlp.fc.weight") || name.ends_with(".mlp.fc.bias"),
               out = name.ends_with(".mlp.proj.weight");
    if (!in && !out) continue;
    int64_t& units = shape[in ? 0 : 1];
    if (hidden <= units)
      throw Error(Code::out_of_range,
                  "an MLP of " + std::to_string(units) + " units cannot be widened to " + std::to_string(hidden),
                  "name a greater number");
    units = hidden;
    any = true;
  }
  if (!any) throw Error(Code::model_shape, "the model has no layers blocks.*.mlp.fc to widen");
  for (const auto& [layer, adapter] : shape().adapters)
    if (layer.find(".mlp.") != std::string::npos)
      throw Error(Code::conflict, "layer '" + layer + "' has an adapter, whose shape would not fit", "merge the adapter first");
  edits.emplace_back(WidenMlp{hidden, noise});
}

void PlannedEdit::resize_vocabulary(int64_t size, int64_t source, double noise) {
  require(kReshapes, "kReshapes");
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
  require(kAdapts, "kAdapts");
  if (!support_.adapter_values) throw Error(Code::internal, "no adapters can be made here");
  SetAdapter edit{{}, std::string(item), {}, train_base};
  const bool first = shape().adapters.empty();
  for (const Layer& layer : layers_named(shape().layers, layers)) {
    if (!layer.takes_adapter) continue;
    const auto old = shape().adapters.find(layer.path);
    Table merged = old != shape().adapters.end() && old->second.item == item ? old->second.values : Table{};
    for (const auto& [key, value] : values) put(merged, key, value);
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
    return;  // all as they are
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
  require(kAdapts, "kAdapts");
  MergeAdapter edit{adapted(layers), drop};
  for (const std::string& layer : edit.layers)
    if (drop) shape().adapters.erase(layer);
  edits.emplace_back(std::move(edit));
}

void PlannedEdit::drop_adapter(std::string_view layers) {
  require(kAdapts, "kAdapts");
  DropAdapter edit{adapted(layers)};
  for (const std::string& layer : edit.layers) shape().adapters.erase(layer);
  edits.emplace_back(std::move(edit));
}

void PlannedEdit::replace(std::string_view parameter, const at::Tensor& values, Moments moments) {
  require(kReplaces, "kReplaces");
  const std::string name(parameter);
  const auto found = shape().parameters.find(name);
  if (found == shape().parameters.end())
    throw Error(Code::unknown_name, "the model has no parameter '" + name + "'", "gptcore summary lists them");
  if (!values.defined() || values.sizes() != at::IntArrayRef(found->second))
    throw Error(Code::model_shape, "the values for '" + name + "' are not of its shape");
  edits.emplace_back(Replace{name, values.detach().clone(), moments});
}

void PlannedEdit::set_data(std::string_view key, Value value) {
  require(kControlsData, "kControlsData");
  edits.emplace_back(SetData{std::string(key), std::move(value)});
}

void PlannedEdit::expect_same_function(double at_most) {
  if (!(at_most >= 0)) throw Error(Code::out_of_range, "a tolerance is 0 or more");
  tolerance = std::min(tolerance.value_or(at_most), at_most);
}

void* PlannedEdit::extension(std::string_view id) {
  if (id == "gptcore.undo/1") return static_cast<Undo*>(this);
  return id == "gptcore.batch_trials/1" ? support_.trials : nullptr;
}

void PlannedEdit::last_operation() {
  require(kUndoes, "kUndoes");
  if (!support_.can_undo) throw Error(Code::conflict, "no operation was carried out in this stage: there is none to undo");
  undo = true;
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
