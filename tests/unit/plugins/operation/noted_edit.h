// A GPT that is only described, an edit that notes its calls as lines, and the built-in operations to plan with them.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/plugin/loader.h"
#include "gptcore/error.h"
#include "gptcore/operation.h"

namespace gptcore {

struct DescribedGpt final : ModelView {
  int64_t blocks = 2, width = 16, hidden = 64, vocab = 65, positions = 8;
  std::vector<AdapterInfo> adapted;

  int64_t block_size() const override { return positions; }
  int64_t vocab_size() const override { return vocab; }
  std::vector<Layer> layers() const override {
    std::vector<Layer> all = {{"wte", LayerKind::embedding, true}, {"wpe", LayerKind::embedding}};
    for (int64_t i = 0; i < blocks; ++i) {
      const std::string path = "blocks." + std::to_string(i);
      all.push_back({path, LayerKind::block});
      for (const char* norm : {".ln_1", ".ln_2"}) all.push_back({path + norm, LayerKind::norm});
      for (const char* linear : {".attn.qkv", ".attn.proj", ".mlp.fc", ".mlp.proj"})
        all.push_back({path + linear, LayerKind::linear, true});
    }
    all.push_back({"ln_f", LayerKind::norm});
    return all;
  }
  std::vector<ParameterInfo> parameters() const override {
    std::vector<ParameterInfo> all = {{"wte.weight", {vocab, width}}, {"wpe.weight", {positions, width}}};
    for (int64_t i = 0; i < blocks; ++i) {
      const std::string path = "blocks." + std::to_string(i);
      all.push_back({path + ".ln_1.weight", {width}});
      all.push_back({path + ".attn.qkv.weight", {3 * width, width}});
      all.push_back({path + ".attn.proj.weight", {width, width}});
      all.push_back({path + ".ln_2.weight", {width}});
      all.push_back({path + ".mlp.fc.weight", {hidden, width}});
      all.push_back({path + ".mlp.proj.weight", {width, hidden}});
    }
    all.push_back({"ln_f.weight", {width}});
    return all;
  }
  at::Tensor value(std::string_view) const override { return {}; }
  at::Tensor logits(const at::Tensor&) const override { return {}; }
  at::Tensor loss(const at::Tensor&, const at::Tensor&) const override { return {}; }
  std::vector<AdapterInfo> adapters() const override { return adapted; }

  void adapt(const std::string& layer, int64_t rank, double alpha = 16, const std::string& item = "lora") {
    adapted.push_back({layer, item, {{"rank", rank}, {"alpha", alpha}, {"mode", "add"}}});
  }
};

using Lines = std::vector<std::string>;

struct NotedEdit final : ModelEdit {
  explicit NotedEdit(const ModelView& model) : view(model) {}
  const ModelView& view;
  std::map<std::string, Value, std::less<>> settings;
  BatchTrials* trials = nullptr;
  Lines lines;

  void note(const std::string& line) { lines.push_back(line); }
  static std::string text(std::string_view t) { return std::string(t); }

  const ModelView& model() const override { return view; }
  Value setting(std::string_view key) const override {
    const auto found = settings.find(key);
    return found == settings.end() ? Value() : found->second;
  }
  void set(std::string_view key, Value value) override {
    note(text(key) + " = " + to_toml(value));
    settings.insert_or_assign(text(key), std::move(value));
  }
  void freeze(std::string_view layers) override { note("freeze " + text(layers)); }
  void unfreeze(std::string_view layers) override { note("unfreeze " + text(layers)); }
  void arrange_blocks(const std::vector<int64_t>& sources) override {
    std::string line = "blocks";
    for (const int64_t s : sources) line += " " + std::to_string(s);
    note(line);
  }
  void widen_mlp(int64_t hidden, double noise) override {
    note("widen " + std::to_string(hidden) + " noise " + to_toml(Value(noise)));
  }
  void widen_embedding(int64_t n_embd, double noise) override {
    note("embedding " + std::to_string(n_embd) + " noise " + to_toml(Value(noise)));
  }
  void resize_vocabulary(int64_t size, int64_t source, double noise) override {
    note("vocabulary " + std::to_string(size) + " from " + std::to_string(source) + " noise " + to_toml(Value(noise)));
  }
  void set_adapter(std::string_view layers, std::string_view item, const Table& values, bool train_base) override {
    note(text(item) + " on " + text(layers) + " " + to_toml(Value(values)) + (train_base ? "" : ", base frozen"));
  }
  void merge_adapter(std::string_view layers, bool drop) override {
    note((drop ? "merge and drop " : "merge ") + text(layers));
  }
  void drop_adapter(std::string_view layers) override { note("drop " + text(layers)); }
  void replace(std::string_view parameter, const at::Tensor&, Moments) override { note("replace " + text(parameter)); }
  void set_data(std::string_view key, Value value) override { note("data." + text(key) + " = " + to_toml(value)); }
  void expect_same_function(double tolerance) override { note("same to " + to_toml(Value(tolerance))); }
  void* extension(std::string_view id) override { return id == BatchTrials::kId ? trials : nullptr; }
};

struct NotingHost final : Host {
  void log(Level level, std::string_view text) override {
    if (level == Level::warning) warnings.emplace_back(text);
  }
  void progress(std::string_view, int64_t, int64_t, std::string_view) override {}
  std::string fetch(std::string_view url, std::string_view) override { return std::string(url); }
  Lines warnings;
};

inline const PluginSet& operations() {
  static const PluginSet set = [] {
    PluginSet s;
    for (const char* name : {"adapters", "batch", "freeze", "growth", "schedule", "undo", "vocabulary"})
      s.load(std::string(PLUGINS) + "/" + name + ".so");
    return s;
  }();
  return set;
}

// A run in which operations are planned. Nothing is carried out, except that settings keep what was set.
struct Planning {
  DescribedGpt model;
  NotedEdit edit{model};
  NotingHost host;
  TrainingView now;
  int64_t data_vocab_size = 65;

  Planning(const Planning&) = delete;
  Planning& operator=(const Planning&) = delete;
  Planning() {
    now.step = 500;
    now.learning_rate = 1e-3;
    now.batch_size = 12;
    now.gradient_accumulation_steps = 40;
    now.max_iters = 5000;
    edit.settings = {{"learning_rate", 1e-3},     {"min_lr", 1e-4},       {"warmup_iters", 100},
                     {"lr_decay_iters", Value()}, {"batch_size", 12},     {"gradient_accumulation_steps", 40},
                     {"eval_iters", 200},         {"eval_interval", 250}, {"max_iters", 5000}};
  }

  // Made as the program makes it: Error for values that the schema refuses.
  std::unique_ptr<Operation> open(const std::string& name, const Table& values) {
    const Item& item = operations().item(Kind::operation, name);
    for (const auto& [key, value] : values) {
      const auto spec =
          std::find_if(item.params.begin(), item.params.end(), [k = &key](const auto& p) { return p.name == *k; });
      if (spec == item.params.end()) throw Error(Code::unknown_key, "no parameter '" + key + "'");
      if (const auto wrong = misfit(*spec, value))
        throw Error(wrong->wrong_type ? Code::wrong_type : Code::out_of_range, "'" + key + "' " + wrong->text);
    }
    auto operation = operations().operation(name, values);
    OperationContext context;
    context.model = &model;
    context.host = &host;
    context.data_vocab_size = data_vocab_size;
    operation->open(context);
    return operation;
  }
  // What it plans now.
  Lines plan(const std::string& name, const Table& values) {
    const auto operation = open(name, values);
    edit.lines.clear();
    operation->plan(now, edit);
    return edit.lines;
  }
  // What is thrown before the first update, or else by the plan.
  Error refusal(const std::string& name, const Table& values) {
    try {
      plan(name, values);
    } catch (const Error& e) {
      return e;
    }
    throw std::logic_error("operation '" + name + "' takes " + to_toml(Value(values)));
  }
  bool opens(const std::string& name, const Table& values) {
    try {
      open(name, values);
    } catch (const Error&) {
      return false;
    }
    return true;
  }
};

}  // namespace gptcore
