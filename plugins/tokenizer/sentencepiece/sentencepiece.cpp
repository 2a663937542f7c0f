// Google's SentencePiece models (.model), by its own library. The model's bytes go into checkpoints.
#include <sentencepiece_processor.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "gptcore/draft/piece_model_file.h"
#include "gptcore/draft/scored_pieces.h"
#include "gptcore/lfs_pointer.h"
#include "gptcore/plugin.h"

namespace {

using namespace gptcore;
using Processor = sentencepiece::SentencePieceProcessor;

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::error_code none;
  const bool folder = std::filesystem::is_directory(path, none);
  if (!in || folder)
    throw Error(Code::data_missing, folder ? "the model is a folder" : "cannot read the model",
                "model names a SentencePiece .model file", path);
  std::string bytes(std::istreambuf_iterator<char>(in), {});
  refuse_lfs_pointer(bytes, Code::data_missing, path);
  return bytes;
}

class SentencePiece final : public Tokenizer, ScoredPieces {
 public:
  static void schema(Schema<SentencePiece>& s) {
    s.param("model", &SentencePiece::model_, "the .model file").path().required();
  }

  std::string save() const override { return processor().serialized_model_proto(); }

  void load(std::string_view saved) override {
    set(made(std::string(saved), Code::checkpoint_corrupt, "the saved model cannot be used"));
  }

  int64_t vocab_size() const override { return processor().GetPieceSize(); }

  std::vector<int32_t> encode(std::string_view text) const override {
    std::vector<int> ids;
    if (const auto status = processor().Encode(text, &ids); !status.ok())
      throw Error(Code::data_corrupt, "the text cannot be encoded: " + std::string(status.message()));
    return {ids.begin(), ids.end()};
  }

  std::string decode(std::span<const int32_t> ids) const override {
    for (const int32_t id : ids)
      if (id < 0 || id >= vocab_size())
        throw Error(Code::token_out_of_range,
                    "token " + std::to_string(id) + " is not below the vocabulary's size " + std::to_string(vocab_size()));
    std::string text;
    if (const auto status = processor().Decode(std::vector<int>(ids.begin(), ids.end()), &text); !status.ok())
      throw Error(Code::data_corrupt, "the ids cannot be decoded: " + std::string(status.message()));
    return text;
  }

  // Returns the id of a control symbol, as "</s>".
  std::optional<int32_t> special(std::string_view name) const override {
    const Processor& by = processor();
    const int id = by.PieceToId(name);
    const bool is_special = by.IdToPiece(id) == name && by.IsControl(id);
    return is_special ? std::optional<int32_t>(id) : std::nullopt;
  }

  void* extension(std::string_view id) override { return extension_as<ScoredPieces>(this, id); }

  Status scored_pieces(PieceModel& out) noexcept override {
    return guard([&] { out = read_piece_model(processor().serialized_model_proto()); });
  }

 private:
  struct State {
    std::mutex making;
    std::unique_ptr<const Processor> owner;
    std::atomic<const Processor*> processor = nullptr;
  };

  static std::unique_ptr<const Processor> made(const std::string& bytes, Code code, const std::string& what,
                                               const std::string& where = {}) {
    auto processor = std::make_unique<Processor>();
    const auto status = processor->LoadFromSerializedProto(bytes);
    if (!status.ok() || processor->GetPieceSize() == 0)
      throw Error(code, what + ": " + (status.ok() ? "it has no pieces" : std::string(status.message())), "get the file again",
                  where);
    return processor;
  }

  void set(std::unique_ptr<const Processor> processor) const {
    state_->owner = std::move(processor);
    state_->processor.store(state_->owner.get(), std::memory_order_release);
  }

  // The file is read when it is first needed, so a checkpoint's model takes its place unread.
  const Processor& processor() const {
    if (const Processor* there = state_->processor.load(std::memory_order_acquire)) return *there;
    const std::lock_guard lock(state_->making);
    if (!state_->owner) set(made(read_file(model_), Code::data_corrupt, "this is not a SentencePiece model", model_));
    return *state_->owner;
  }

  std::string model_;
  std::unique_ptr<State> state_ = std::make_unique<State>();
};

void setup(Registrar& r) {
  r.tokenizer<SentencePiece>("sentencepiece", "a SentencePiece .model file");
}

}  // namespace

GPTCORE_PLUGIN("sentencepiece", GPTCORE_VERSION, setup)
