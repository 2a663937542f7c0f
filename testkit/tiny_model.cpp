#include "core/model/gpt.h"
#include "core/model/network.h"
#include "gptcore/testing.h"

namespace gptcore::testing {
namespace {

GptOptions tiny_options() {
  GptOptions options;
  options.n_layer = TinyModel::kLayers;
  options.n_head = TinyModel::kHeads;
  options.n_embd = TinyModel::kWidth;
  options.block_size = TinyModel::kBlockSize;
  options.vocab_size = TinyModel::kVocabSize;
  return options;
}

}  // namespace

struct TinyModel::Parts {
  Network model{std::make_unique<Gpt>(tiny_options())};
  NetworkView view{model};
};

TinyModel::TinyModel() : parts_(std::make_unique<Parts>()) {
  parts_->model.open({kVocabSize});
  parts_->model.place(at::kCPU, at::kFloat);
  init_parameters(parts_->model.parameters(), kSeed);
}

TinyModel::~TinyModel() = default;

Model& TinyModel::model() {
  return parts_->model;
}

const ModelView& TinyModel::view() const {
  return parts_->view;
}

}  // namespace gptcore::testing
