#include "testkit/tiny_world.h"

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/zeros.h>

#include "core/model/gpt.h"
#include "gptcore/error.h"
#include "testkit/tiny_run.h"
#include "testkit/tiny_text.h"

namespace gptcore {

using testing::TinyModel;

TinyWorld::TinyWorld(const std::string& file) {
  at::set_num_threads(1);
  write_tiny_text(folder_.path());
  plugins_.load(file);
  PluginSet built_in;  // apart, so that a plugin may offer a "char" of its own
  built_in.load(built_in_plugin("char"));
  text_tokenizer_ = built_in.tokenizer("char", {});
  text_tokenizer_->learn(tiny_text());
}

Tokenizer& TinyWorld::fresh_tokenizer() {
  PluginSet built_in;
  built_in.load(built_in_plugin("char"));
  lent_.push_back(built_in.tokenizer("char", {}));
  return *lent_.back();
}

std::unique_ptr<Tokenizer> TinyWorld::new_tokenizer(const std::string& name, const Table& values) {
  auto made = plugins_.tokenizer(name, values);
  made->open(host_);
  return made;
}

std::unique_ptr<Tokenizer> TinyWorld::tokenizer(const std::string& name, const Table& values) {
  auto made = new_tokenizer(name, values);
  if (!made->ready()) made->learn(tiny_text());
  return made;
}

std::unique_ptr<Dataset> TinyWorld::dataset(const std::string& name, const Table& values, int64_t vocab_limit) {
  auto made = plugins_.dataset(name, values);
  DatasetContext context;
  context.tokenizer = &fresh_tokenizer();
  context.block_size = TinyModel::kBlockSize;
  context.vocab_limit = vocab_limit;
  context.seed = TinyModel::kSeed;
  context.host = &host_;
  made->open(context);
  return made;
}

std::unique_ptr<Model> TinyWorld::model(const std::string& name, const Table& values) {
  auto made = plugins_.model(name, values);
  made->open({TinyModel::kVocabSize});
  made->place(at::kCPU, at::kFloat);
  init_parameters(made->parameters(), TinyModel::kSeed);
  return made;
}

std::unique_ptr<Adapter> TinyWorld::adapter(const std::string& name, const Table& values, LayerKind kind) {
  auto made = plugins_.adapter(name, values);
  AdapterContext context;
  context.kind = kind;
  context.layer = kind == LayerKind::embedding ? "wte" : "blocks.0.attn.qkv";
  context.weight = at::zeros({kind == LayerKind::embedding ? TinyModel::kVocabSize : 3 * TinyModel::kWidth, TinyModel::kWidth});
  context.host = &host_;
  made->open(context);
  init_parameters(made->parameters(), TinyModel::kSeed);
  return made;
}

std::unique_ptr<Operation> TinyWorld::operation(const std::string& name, const Table& values, int64_t rank, int64_t ranks) {
  auto made = plugins_.operation(name, values);
  made->open({&model_.view(), TinyModel::kSeed, rank, ranks, &host_});
  return made;
}

std::unique_ptr<Evaluator> TinyWorld::evaluator(const std::string& name, const Table& values, int64_t rank, int64_t ranks) {
  auto made = plugins_.evaluator(name, values);
  made->open({text_tokenizer_.get(), TinyModel::kSeed, rank, ranks, &host_});
  return made;
}

std::unique_ptr<Logger> TinyWorld::logger(const std::string& name, const Table& values) {
  auto made = plugins_.logger(name, values);
  made->open({folder_.path().string(), /*terminal=*/false, /*resumed=*/false, &host_});
  return made;
}

}  // namespace gptcore
