#include "core/surgery/edits.h"

namespace gptcore {
namespace {

std::string joined(const std::vector<std::string>& all) {
  std::string text;
  for (const std::string& one : all) text += (text.empty() ? "" : " ") + one;
  return text;
}

std::string text_of(const Table& values) {
  std::string text;
  for (const auto& [key, value] : values)
    if (!value.empty()) text += (text.empty() ? "" : ", ") + key + " = " + to_toml(value);
  return text;
}

std::string with_noise(const std::string& text, double noise) {
  return noise > 0 ? text + ", noise " + to_toml(Value(noise)) : text;
}

struct Describe {
  using Lines = std::vector<std::string>;
  Lines operator()(const SetTrainable& e) const {
    Lines lines;
    for (const std::string& name : e.parameters) lines.push_back((e.on ? "unfreeze " : "freeze ") + name);
    return lines;
  }
  Lines operator()(const ArrangeBlocks& e) const {
    std::string text = "blocks";
    for (const int64_t source : e.sources) text += " " + (source == kNewBlock ? "new" : std::to_string(source));
    return {text};
  }
  Lines operator()(const WidenMlp& e) const { return {with_noise("MLP of " + std::to_string(e.hidden) + " units", e.noise)}; }
  Lines operator()(const WidenEmbedding& e) const {
    return {with_noise("embedding of width " + std::to_string(e.n_embd), e.noise)};
  }
  Lines operator()(const ResizeVocabulary& e) const {
    const std::string source = e.source < 0 ? "new rows as in a new model" : "new rows from row " + std::to_string(e.source);
    return {with_noise("vocabulary of " + std::to_string(e.size) + ", " + source, e.noise)};
  }
  Lines operator()(const ArrangeVocabulary& e) const {
    int64_t moved = 0;
    for (size_t i = 0; i < e.rows.size(); ++i) moved += e.rows[i] != static_cast<int64_t>(i);
    return {std::to_string(moved) + " rows of the vocabulary move with their tokens"};
  }
  Lines operator()(const SetAdapter& e) const {
    Lines lines;
    for (size_t i = 0; i < e.layers.size(); ++i)
      lines.push_back("adapter " + e.item + " on " + e.layers[i] + " (" + text_of(e.values[i]) + ")");
    return lines;
  }
  Lines operator()(const MergeAdapter& e) const {
    return {std::string(e.drop ? "merge and drop" : "merge and restart") + " adapters of " + joined(e.layers)};
  }
  Lines operator()(const DropAdapter& e) const { return {"drop adapters of " + joined(e.layers)}; }
  Lines operator()(const Replace& e) const { return {"replace " + e.parameter}; }
  Lines operator()(const SetData& e) const { return {"data." + e.key + " = " + to_toml(e.value)}; }
};

}  // namespace

std::vector<std::string> lines_of(const Edit& edit) {
  return std::visit(Describe{}, edit);
}

}  // namespace gptcore
