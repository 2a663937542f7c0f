#include "core/pipeline/source_tokens.h"

#include <string>
#include <unordered_map>

#include "core/config/document.h"
#include "core/pipeline/run_state.h"
#include "gptcore/error.h"

namespace gptcore {
namespace {

std::vector<std::string> texts_of(const Tokenizer& tokenizer) {
  std::vector<std::string> texts(static_cast<size_t>(tokenizer.vocab_size()));
  for (size_t i = 0; i < texts.size(); ++i) {
    const auto id = static_cast<int32_t>(i);
    texts[i] = tokenizer.decode({&id, 1});
  }
  return texts;
}

// The tokenizer's values of then.
Table values_in(const Settings& saved) {
  constexpr std::string_view kTable = "tokenizer.";
  Table values;
  for (const auto& [key, text] : saved)
    if (key.starts_with(kTable) && key != "tokenizer.use") values.emplace_back(key.substr(kTable.size()), parse_value(text));
  return values;
}

}  // namespace

std::vector<int64_t> ids_of_source(Session& session, const PipelineConfig& config, FileSystem& files,
                                   const Checkpoint& checkpoint) {
  if (!session.tokenizer || !session.tokenizer->ready() || !checkpoint.has(kTokenizerFile)) return {};
  const Settings saved = read_state(files, checkpoint).settings;
  const auto use = saved.find("tokenizer.use");
  if (use == saved.end()) return {};
  if (use->second != to_toml(Value(config.tokenizer->use))) {
    session.host.log(Level::warning, "the tokenizer of " + checkpoint.directory.string() + " is " + use->second +
                                         " and not \"" + config.tokenizer->use + "\": its rows are taken by number");
    return {};
  }
  std::unique_ptr<Tokenizer> theirs;
  try {
    theirs = session.plugins.tokenizer(config.tokenizer->use, values_in(saved));
    theirs->open(session.host);
    theirs->load(checkpoint.text(files, kTokenizerFile));
  } catch (const Error& e) {
    session.host.log(Level::warning, "the tokenizer of " + checkpoint.directory.string() +
                                         " cannot be compared with this run's: " + e.what() + "; its rows are taken by number");
    return {};
  }
  const auto* const shown = dynamic_cast<const ShownTokenizer*>(session.tokenizer.get());
  const std::vector<std::string> there = texts_of(*theirs), here = texts_of(shown ? shown->whole() : *session.tokenizer);
  std::unordered_map<std::string, int64_t> id_of;
  for (size_t id = 0; id < here.size(); ++id) id_of.emplace(here[id], static_cast<int64_t>(id));
  std::vector<int64_t> ids;
  bool same = true;
  for (size_t id = 0; id < there.size(); ++id) {
    const auto found = id_of.find(there[id]);
    const bool kept = id < here.size() && here[id] == there[id];
    ids.push_back(kept ? static_cast<int64_t>(id) : found == id_of.end() ? -1 : found->second);
    same = same && kept;
  }
  return same ? std::vector<int64_t>{} : ids;
}

}  // namespace gptcore
