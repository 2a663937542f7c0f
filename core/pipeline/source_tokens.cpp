#include "core/pipeline/source_tokens.h"

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "core/base/hash.h"
#include "core/config/document.h"
#include "core/interchange/hf_tokenizer.h"
#include "core/pipeline/run_state.h"
#include "gptcore/draft/scored_pieces.h"
#include "gptcore/error.h"

namespace gptcore {
namespace {

using Texts = std::vector<std::string>;

Texts decoded(const Tokenizer& tokenizer) {
  Texts texts(static_cast<size_t>(tokenizer.vocab_size()));
  for (size_t i = 0; i < texts.size(); ++i) {
    const auto id = static_cast<int32_t>(i);
    texts[i] = tokenizer.decode({&id, 1});
  }
  return texts;
}

// None where the tokenizer has no pieces.
Texts pieces_of(Tokenizer& tokenizer) {
  auto* const scored = static_cast<ScoredPieces*>(tokenizer.extension("gptcore.scored_pieces/1"));
  if (!scored) return {};
  PieceModel model;
  throw_if_failed(scored->scored_pieces(model));
  Texts texts;
  for (const ScoredPiece& piece : model.pieces) texts.push_back(piece.text);
  return texts;
}

std::vector<int64_t> matched(const Texts& there, const Texts& here) {
  using Ids = std::vector<int64_t>;
  std::unordered_map<std::string_view, std::pair<Ids, Ids>> ids_of;
  for (size_t id = 0; id < there.size(); ++id) ids_of[there[id]].first.push_back(static_cast<int64_t>(id));
  for (size_t id = 0; id < here.size(); ++id) ids_of[here[id]].second.push_back(static_cast<int64_t>(id));
  Ids ids;
  for (const std::string& text : there) {
    const auto& [theirs, ours] = ids_of.at(text);
    const bool unique = theirs.size() == 1 && ours.size() == 1;
    ids.push_back(theirs == ours ? static_cast<int64_t>(ids.size()) : unique ? ours.front() : -1);
  }
  return ids;
}

// The tokenizer's values of then.
Table values_in(const Settings& saved) {
  constexpr std::string_view kTable = "tokenizer.";
  Table values;
  for (const auto& [key, text] : saved)
    if (key.starts_with(kTable) && key != "tokenizer.use") values.emplace_back(key.substr(kTable.size()), parse_value(text));
  return values;
}

// Throws Error where the checkpoint's tokenizer cannot be opened.
SourceTokens of_checkpoint(Session& session, const std::string& use, FileSystem& files, const Checkpoint& checkpoint,
                           Tokenizer& here) {
  const Settings saved = read_state(files, checkpoint).settings;
  const auto then = saved.find("tokenizer.use");
  if (then == saved.end()) return {};
  if (then->second != to_toml(Value(use)))
    throw Error(Code::checkpoint_mismatch, "it is " + then->second + " and not " + to_toml(Value(use)));
  const std::unique_ptr<Tokenizer> theirs = session.plugins.tokenizer(use, values_in(saved));
  theirs->open(session.host);
  theirs->load(checkpoint.text(files, kTokenizerFile));
  return {ids_by_text(*theirs, here), here.vocab_size()};
}

// Throws Error where the folder's tokenizer is damaged, or of another kind.
SourceTokens of_hf_folder(FileSystem& files, const std::filesystem::path& folder, Tokenizer& here) {
  const Texts there = read_hf_tokens(files, folder);
  const std::optional<BpeForm> form = form_of(here).bpe;
  if (!form) throw Error(Code::checkpoint_mismatch, "this run's is not byte-level BPE");
  Texts texts;
  for (const BpeForm::Token& token : form->tokens) texts.push_back(token.text);
  return {matched(there, texts), here.vocab_size()};
}

}  // namespace

std::vector<int64_t> ids_by_text(Tokenizer& there, Tokenizer& here) {
  const Texts theirs = pieces_of(there), ours = pieces_of(here);
  return theirs.empty() || ours.empty() ? matched(decoded(there), decoded(here)) : matched(theirs, ours);
}

SourceTokens tokens_of_source(Session& session, const PipelineConfig& config, FileSystem& files,
                              const std::filesystem::path& folder, const Checkpoint* checkpoint) {
  if (!session.tokenizer || !session.tokenizer->ready() || (checkpoint && !checkpoint->has(kTokenizerFile))) return {};
  auto* const shown = dynamic_cast<ShownTokenizer*>(session.tokenizer.get());
  Tokenizer& here = shown ? shown->whole() : *session.tokenizer;
  try {
    return checkpoint ? of_checkpoint(session, config.tokenizer->use, files, *checkpoint, here)
                      : of_hf_folder(files, folder, here);
  } catch (const Error& e) {
    session.host.log(Level::warning, "the tokenizer of " + folder.string() + " cannot be compared with this run's: " +
                                         e.what() + "; the source's rows are taken by number");
    return {};
  }
}

std::string tokens_hash(const Tokenizer* tokenizer, const std::vector<int32_t>& shown) {
  if (!tokenizer && shown.empty()) return "";
  std::string text;
  for (const int32_t id : shown) text += std::to_string(id) + "\n";
  return xxh3_hex(text + (tokenizer ? tokenizer->save() : ""));
}

}  // namespace gptcore
