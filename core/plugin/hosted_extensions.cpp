#include "core/plugin/hosted_extensions.h"

#include <utility>

#include "core/plugin/hosted.h"
#include "gptcore/draft/datasets.h"
#include "gptcore/draft/kv_cache.h"
#include "gptcore/draft/model_check.h"
#include "gptcore/draft/preparation.h"
#include "gptcore/draft/scored_pieces.h"
#include "gptcore/draft/tokenizer_json.h"

namespace gptcore {
namespace {

template <class Interface> class Marked : public Interface {
 public:
  Marked(void* found, const Callee& callee) : found_(*static_cast<Interface*>(found)), callee_(callee) {}

 protected:
  ~Marked() = default;
  template <class... Parameters, class... Arguments>
  Status call(const char* method, Status (Interface::*function)(Parameters...) noexcept, Arguments&&... arguments) const {
    const Breadcrumb inside(callee_, method);
    return named((found_.*function)(std::forward<Arguments>(arguments)...), callee_, method);
  }

 private:
  Interface& found_;
  const Callee& callee_;
};

struct MarkedKvCache final : Marked<KvCache> {
  using Marked::Marked;
  Status begin(int64_t rows) noexcept override { return call("KvCache::begin", &KvCache::begin, rows); }
  Status prefill(int64_t row, const at::Tensor& ids, at::Tensor& logits) noexcept override {
    return call("KvCache::prefill", &KvCache::prefill, row, ids, logits);
  }
  Status step(const at::Tensor& ids, at::Tensor& logits) noexcept override {
    return call("KvCache::step", &KvCache::step, ids, logits);
  }
};

struct MarkedSampleControls final : Marked<SampleControls> {
  using Marked::Marked;
  Status set_from(std::string_view key, const Value& value, int64_t first_sample) noexcept override {
    return call("SampleControls::set_from", &SampleControls::set_from, key, value, first_sample);
  }
};

struct MarkedPreparation final : Marked<Preparation> {
  using Marked::Marked;
  Status prepare(const PreparationRequest& request, bool& done) noexcept override {
    return call("Preparation::prepare", &Preparation::prepare, request, done);
  }
};

struct MarkedModelCheck final : Marked<ModelCheck> {
  using Marked::Marked;
  Status check_model(const ModelView& model, bool blocks_may_change) noexcept override {
    return call("ModelCheck::check_model", &ModelCheck::check_model, model, blocks_may_change);
  }
};

struct MarkedTokenizerJson final : Marked<TokenizerJson> {
  using Marked::Marked;
  Status tokenizer_json(std::string& out) noexcept override {
    return call("TokenizerJson::tokenizer_json", &TokenizerJson::tokenizer_json, out);
  }
};

struct MarkedScoredPieces final : Marked<ScoredPieces> {
  using Marked::Marked;
  Status scored_pieces(PieceModel& out) noexcept override {
    return call("ScoredPieces::scored_pieces", &ScoredPieces::scored_pieces, out);
  }
};

// Sets `interface` to the address that a caller casts to Interface*.
template <class Interface, class Own> std::shared_ptr<void> made(void* found, const Callee& callee, void*& interface) {
  auto own = std::make_shared<Own>(found, callee);
  interface = static_cast<Interface*>(own.get());
  return own;
}

std::shared_ptr<void> make(std::string_view id, void* found, const Callee& callee, void*& interface) {
  if (id == KvCache::kId) return made<KvCache, MarkedKvCache>(found, callee, interface);
  if (id == SampleControls::kId) return made<SampleControls, MarkedSampleControls>(found, callee, interface);
  if (id == Preparation::kId) return made<Preparation, MarkedPreparation>(found, callee, interface);
  if (id == ModelCheck::kId) return made<ModelCheck, MarkedModelCheck>(found, callee, interface);
  if (id == TokenizerJson::kId) return made<TokenizerJson, MarkedTokenizerJson>(found, callee, interface);
  if (id == ScoredPieces::kId) return made<ScoredPieces, MarkedScoredPieces>(found, callee, interface);
  interface = found;
  return nullptr;
}

}  // namespace

void* HostedExtensions::marked(std::string_view id, void* found, const Callee& callee) {
  if (!found) return nullptr;
  Made& known = made_[std::string(id)];
  if (known.found != found) {
    known.found = found;
    known.owner = make(id, found, callee, known.interface);
  }
  return known.interface;
}

}  // namespace gptcore
