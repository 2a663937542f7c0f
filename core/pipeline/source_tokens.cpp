#include "core/pipeline/source_tokens.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "core/base/hash.h"
#include "core/config/document.h"
#include "core/interchange/hf_tokenizer.h"
#include "core/interchange/token_texts.h"
#include "core/pipeline/run_state.h"
#include "gptcore/error.h"

namespace gptcore {
namespace {

// Returns the tokenizer's values in the checkpoint.
Table values_in(const Settings& saved) {
  constexpr std::string_view kTable = "tokenizer.";
  Table values;
  for (const auto& [key, text] : saved)
    if (key.starts_with(kTable) && key != "tokenizer.use") values.emplace_back(key.substr(kTable.size()), parse_value(text));
  return values;
}

// Throws Error when the checkpoint's tokenizer cannot be opened.
std::vector<TokenText> tokens_of_checkpoint(Session& session, FileSystem& files, const Checkpoint& checkpoint) {
  const Settings saved = read_state(files, checkpoint).settings;
  const auto then = saved.find("tokenizer.use");
  if (then == saved.end()) throw Error(Code::checkpoint_mismatch, "the checkpoint does not name its tokenizer");
  const std::unique_ptr<Tokenizer> theirs =
      session.plugins.tokenizer(parse_value(then->second).as<std::string>(), values_in(saved));
  theirs->open(session.host);
  theirs->load(checkpoint.text(files, kTokenizerFile));
  return token_texts(*theirs);
}

class Comparison {
 public:
  Comparison(Session& session, FileSystem& files, bool tells) : session_(session), files_(files), tells_(tells) {}

  SourceTokens operator()(const std::filesystem::path& folder, const Checkpoint* checkpoint) const {
    Tokenizer* own = session_.tokenizer.get();
    if (!own || !own->ready()) {
      if (checkpoint ? checkpoint->has(kTokenizerFile) : !hf_tokens_file(files_, folder).empty())
        tell(Level::info, "the source's rows are taken by number: this run has no tokenizer to compare with the source's");
      return {};
    }
    const std::vector<TokenText> there = tokens_of(folder, checkpoint);
    if (there.empty()) return {};
    auto* const shown = dynamic_cast<ShownTokenizer*>(own);
    const std::vector<TokenText> here = token_texts(shown ? shown->whole() : *own);
    SourceTokens tokens{matching_ids(there, here), static_cast<int64_t>(here.size())};
    const auto known =
        static_cast<size_t>(std::count_if(tokens.ids.begin(), tokens.ids.end(), [](int64_t id) { return id >= 0; }));
    if (known * 2 < here.size())
      tell(Level::warning, folder.string() + ": the source's tokenizer is another one: it has " + std::to_string(known) +
                               " of this run's " + std::to_string(here.size()) + " tokens, the others are learned anew");
    return tokens;
  }

 private:
  void tell(Level level, const std::string& text) const {
    if (tells_) session_.host.log(level, text);
  }

  // Returns none when nothing tells the source's tokens.
  std::vector<TokenText> tokens_of(const std::filesystem::path& folder, const Checkpoint* checkpoint) const {
    std::string why;
    if (!checkpoint) {
      const std::filesystem::path file = hf_tokens_file(files_, folder);
      if (!file.empty()) return read_hf_tokens(files_, file);
      why = "the folder has no tokenizer.json, vocab.json, tokenizer.model or vocab.txt";
    } else if (!checkpoint->has(kTokenizerFile)) {
      why = "its run had no tokenizer";
    } else {
      try {
        return tokens_of_checkpoint(session_, files_, *checkpoint);
      } catch (const Error& e) {
        why = std::string("its tokenizer cannot be opened: ") + e.what();
      }
    }
    tell(Level::warning, folder.string() + ": nothing tells which tokens the source's rows are of (" + why +
                             "); the source's rows are taken by number");
    return {};
  }

  Session& session_;
  FileSystem& files_;
  bool tells_;
};

}  // namespace

TokensHere tokens_here(Session& session, FileSystem& files, std::vector<int32_t> shown, bool tells) {
  return {std::move(shown), Comparison(session, files, tells)};
}

std::string tokens_hash(const Tokenizer* tokenizer, const std::vector<int32_t>& shown) {
  if (!tokenizer && shown.empty()) return "";
  std::string text;
  for (const int32_t id : shown) text += std::to_string(id) + "\n";
  return xxh3_hex(text + (tokenizer ? tokenizer->save() : ""));
}

}  // namespace gptcore
