// Operations on what is trained. A frozen parameter keeps its value and its moments.
#include <algorithm>

#include "../argument.h"
#include "../scheduled.h"
#include "gptcore/draft/layer_names.h"
#include "gptcore/plugin.h"

namespace {

using namespace gptcore;
using namespace gptcore::operations;

// freeze_layer, or unfreeze_layer with kTrain.
template <bool kTrain> class SetTrainable final : public Scheduled {
 public:
  static constexpr Effects effects = kFreezes;
  static void schema(Schema<SetTrainable>& s) {
    s.param("value", &SetTrainable::value_, "one layer, or `layers` as a list");
    s.param("layers", &SetTrainable::layers_,
            "paths of layers (* stands for any text) or short names: attn.3, mlp.3, ln_1.3, ln_2.3, wte, wpe, ln_f, lm_head");
    s.check([](const SetTrainable& o, Problems& found) { check_argument(found, "value", [&] { o.names(); }); });
  }
  void open(const OperationContext& context) override {
    for (const std::string& name : names()) layers_of_any_block(context.model->layers(), name);
  }
  void plan(const TrainingView&, ModelEdit& edit) override {
    for (const std::string& name : names()) kTrain ? edit.unfreeze(name) : edit.freeze(name);
  }

 private:
  std::vector<std::string> names() const {
    std::vector<std::string> all = layers_;
    if (value_.is<std::string>())
      all.push_back(value_.as<std::string>());
    else if (const auto list = list_in<std::string>(value_))
      all.insert(all.end(), list->begin(), list->end());
    else if (!value_.empty())
      refuse_value("a layer or a list of layers", value_);
    if (all.empty()) throw Error(Code::missing_key, "no layer is named", "give value or layers");
    return all;
  }

  Value value_;
  std::vector<std::string> layers_;
};

// Returns the layers that lie in no other, either embeddings or the rest.
std::vector<std::string> outermost(const ModelView& model, bool embeddings) {
  const std::vector<Layer> all = model.layers();
  std::vector<std::string> paths;
  for (const Layer& layer : all) {
    const bool inner =
        std::any_of(all.begin(), all.end(), [&](const Layer& o) { return layer.path.starts_with(o.path + "."); });
    if (!inner && (layer.kind == LayerKind::embedding) == embeddings) paths.push_back(layer.path);
  }
  return paths;
}

void set_all(ModelEdit& edit, const std::vector<std::string>& paths, bool train) {
  for (const std::string& path : paths) train ? edit.unfreeze(path) : edit.freeze(path);
}

struct SetEmbeddingFinetuneMode final : Scheduled {
  static constexpr Effects effects = kFreezes;
  bool value = true;
  static void schema(Schema<SetEmbeddingFinetuneMode>& s) {
    s.param("value", &SetEmbeddingFinetuneMode::value, "true: only embeddings are trained; false: every layer is").required();
  }
  void plan(const TrainingView&, ModelEdit& edit) override {
    set_all(edit, outermost(edit.model(), false), !value);
    set_all(edit, outermost(edit.model(), true), true);
  }
};

struct SetEmbeddingFreezeMode final : Scheduled {
  static constexpr Effects effects = kFreezes;
  bool value = true;
  static void schema(Schema<SetEmbeddingFreezeMode>& s) {
    s.param("value", &SetEmbeddingFreezeMode::value, "true: embeddings are frozen; false: they are trained").required();
  }
  void plan(const TrainingView&, ModelEdit& edit) override { set_all(edit, outermost(edit.model(), true), !value); }
};

void setup(Registrar& r) {
  r.operation<SetTrainable<false>>("freeze_layer", "stops training of layers");
  r.operation<SetTrainable<true>>("unfreeze_layer", "continues training layers");
  r.operation<SetEmbeddingFinetuneMode>("set_embedding_finetune_mode", "trains the embeddings alone");
  r.operation<SetEmbeddingFreezeMode>("set_embedding_freeze_mode", "freezes the embeddings");
}

}  // namespace

GPTCORE_PLUGIN("freeze", GPTCORE_VERSION, setup)
