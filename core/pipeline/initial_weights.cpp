#include "core/pipeline/initial_weights.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/tensor.h>

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "core/base/file_system.h"
#include "core/builtin/model_preset.h"
#include "core/checkpoint/checkpoint.h"
#include "core/interchange/hf_weights.h"
#include "core/model/structure.h"
#include "core/model/vocabulary.h"
#include "core/options/gpt_options.h"
#include "core/pipeline/adapter_files.h"
#include "core/pipeline/shown_tokenizer.h"
#include "core/pipeline/tensor_files.h"
#include "core/pipeline/way_back.h"
#include "gptcore/error.h"

namespace gptcore {
namespace {

constexpr const char* kWeights = "model.safetensors";

bool is_vocabulary(const std::string& name) {
  return name == "wte.weight" || name == "lm_head.weight";
}

// Returns the value of a key that is a size; 0 = unknown.
int64_t size_in(const Table& keys, const std::string& key) {
  const Value* value = find(keys, key);
  return value && value->is<int64_t>() ? value->as<int64_t>() : 0;
}

// A row without a token has the token kPadding + its number.
constexpr int64_t kPadding = int64_t{1} << 40;

bool is_padding(int64_t token) {
  return token >= kPadding;
}

// Moves the rows of embedding and head from the source to the network.
struct Rows {
  std::vector<int64_t> tokens_there, tokens_here, from;  // see tokens_of_rows(), rows_of_tokens()
  std::vector<std::pair<at::Tensor, Parameter>> tables;  // the source's, and the network's for it

  Rows(std::vector<int64_t> there, std::vector<int64_t> here)
      : tokens_there(std::move(there)), tokens_here(std::move(here)), from(rows_of_tokens(tokens_there, tokens_here)) {}

  int64_t size_there() const { return static_cast<int64_t>(tokens_there.size()); }
  int64_t size_here() const { return static_cast<int64_t>(tokens_here.size()); }
  // Returns the number of rows for tokens that the source lacks; new rows of padding do not count.
  int64_t added() const {
    int64_t count = 0;
    for (size_t i = 0; i < from.size(); ++i) count += is_added(i);
    return count;
  }
  int64_t left_out() const {
    int64_t count = std::count_if(tokens_there.begin(), tokens_there.end(), [](int64_t token) { return !is_padding(token); });
    for (size_t i = 0; i < from.size(); ++i) count -= from[i] >= 0 && !is_padding(tokens_here[i]);
    return count;
  }
  // Returns the number of rows that had another number in the source.
  int64_t moved() const {
    int64_t count = 0;
    for (size_t i = 0; i < from.size(); ++i) count += from[i] >= 0 && from[i] != static_cast<int64_t>(i);
    return count;
  }
  // Returns a table for the source's values: the network's own when it can hold them, else a new one for fill().
  at::Tensor table_for(const Parameter& ours, int64_t rows) {
    if (in_place(from) && size_there() == size_here() && rows == ours.tensor.size(0)) return ours.tensor.detach();
    tables.emplace_back(at::empty({rows, ours.tensor.size(1)}, at::kFloat), ours);
    return tables.back().first;
  }
  void fill(uint64_t seed) const {
    for (const auto& [theirs, ours] : tables) {
      const at::Tensor known = theirs.narrow(0, 0, size_there());
      const at::Tensor fresh = new_rows(without_padding(known), count_new(from), {}, "vocabulary of " + ours.name, seed);
      ours.tensor.detach().narrow(0, 0, size_here()).copy_(arranged_rows(known, from, fresh));
    }
  }
  std::string summary() const {
    std::string text;
    if (const int64_t n = moved(); n > 0) text += "; " + counted(n, "row") + " moved with their tokens";
    if (const int64_t n = added(); n > 0) {
      const std::optional<size_t> first = first_of_tail();
      text += "; " + counted(n, "row") + " added for the tokens " +
              (first ? "from " + std::to_string(*first) + " on"
                     : "that the source does not have (it has " + std::to_string(tokens() - n) + " of " +
                           std::to_string(tokens()) + ")") +
              ": the mean of the others plus noise of " + to_toml(Value(NewRows().noise));
    }
    if (const int64_t n = left_out(); n > 0) text += "; " + counted(n, "token") + " of the source left out";
    return text;
  }

 private:
  at::Tensor without_padding(const at::Tensor& table) const {
    std::vector<int64_t> rows;
    for (size_t i = 0; i < tokens_there.size(); ++i)
      if (!is_padding(tokens_there[i])) rows.push_back(static_cast<int64_t>(i));
    return rows.size() == tokens_there.size() ? table : table.index_select(0, at::tensor(rows, at::kLong));
  }
  bool is_added(size_t row) const { return from[row] < 0 && !is_padding(tokens_here[row]); }
  int64_t tokens() const {
    return std::count_if(tokens_here.begin(), tokens_here.end(), [](int64_t t) { return !is_padding(t); });
  }
  // Returns the first added token's row when all tokens after it were added, too.
  std::optional<size_t> first_of_tail() const {
    size_t first = 0;
    while (first < from.size() && !is_added(first)) ++first;
    for (size_t row = first; row < from.size(); ++row)
      if (!is_added(row) && !is_padding(tokens_here[row])) return std::nullopt;
    return first;
  }
  static std::string counted(int64_t count, const std::string& what) {
    return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
  }
};

// Throws Error when tokens of the source are lost, unless `may_lose`: the dataset shows only a part of the tokens, or the
// tokenizer has learned other ones.
void require_all_tokens(const Rows& rows, bool shown_there, bool may_lose, const std::filesystem::path& path) {
  if (rows.left_out() == 0 || may_lose) return;
  const std::string found = "the source's vocabulary has " + std::to_string(rows.size_there()) + " tokens and this model's " +
                            std::to_string(rows.size_here());
  if (shown_there)
    throw Error(
        Code::checkpoint_mismatch,
        found + ", which lacks " + std::to_string(rows.left_out()) + " of the tokens that " + kVocabularyFile + " names",
        "leave model.vocab_size out, and give the run the tokenizer of the source", path.string());
  throw Error(Code::checkpoint_mismatch, found + ": it can grow and not shrink",
              "set model.vocab_size = " + std::to_string(rows.size_there()) +
                  ", or let the dataset show the most frequent tokens only (shrunken_vocab_size)",
              path.string());
}

// Returns the network's parameters as those of a folder with these keys.
GptWeights weights_of(const Table& source, const GptOptions& options, Network& network, Rows& rows) {
  GptOptions there = options;
  there.vocab_size = rows.size_there();
  there.block_size = size_in(source, "block_size");
  std::vector<Parameter> parameters = network.parameters();
  for (Parameter& p : parameters)
    if (is_vocabulary(p.name)) p.tensor = rows.table_for(p, rows.size_there());
  return GptWeights(there, parameters);
}

// Leaves out the adapters' parameters that the checkpoint lacks. An adapter's table of tokens cannot follow rows that move,
// which is refused when `rows` tells the tokens.
void keep_stored(NamedTensors& tensors, const SafetensorsFile& stored, const std::vector<AdapterInfo>& adapters,
                 const Rows* rows, const std::filesystem::path& path) {
  std::erase_if(tensors, [&](const auto& tensor) {
    const auto of = std::find_if(adapters.begin(), adapters.end(),
                                 [&](const AdapterInfo& adapter) { return tensor.first.starts_with(adapter_prefix(adapter)); });
    if (of == adapters.end()) return false;
    const TensorInfo* there = stored.find(tensor.first);
    if (there && rows && of->layer == "wte" &&
        (!in_place(rows->from) || at::IntArrayRef(there->shape) != tensor.second.sizes()))
      throw Error(Code::checkpoint_mismatch,
                  "the checkpoint has the adapter '" + of->item + "' on 'wte', whose rows cannot become those of " +
                      std::to_string(rows->size_here()) + " tokens",
                  "let the run of the checkpoint merge and drop it first", path.string());
    return !there;
  });
}

// Throws Error unless all adapters of the checkpoint are adapters of the network.
void require_adapters(FileSystem& files, const Checkpoint& checkpoint, Network& network) {
  if (!checkpoint.has(kAdaptersFile)) return;
  const std::filesystem::path file = checkpoint.directory / kAdaptersFile;
  const std::string wrong = adapters_without_place(files, file, network.parameters(), network.adapters());
  if (!wrong.empty())
    throw Error(Code::checkpoint_mismatch, "the checkpoint's adapters are not this pipeline's: " + wrong,
                "write the [[adapter]] tables of " + (checkpoint.directory / "config.toml").string() +
                    ", or merge the adapters: gptcore export " + shell_word(checkpoint.directory) +
                    " --to DIR, and then init_from = \"hf:DIR\"",
                file.string());
}

// The tensors that take the checkpoint's values.
struct Places {
  NamedTensors tensors;
  std::optional<std::pair<at::Tensor, at::Tensor>> positions;  // ours, and the checkpoint's when it has more
};

// Adapters of this pipeline that the checkpoint lacks start anew; all else must be in both, which is checked. Without `rows`
// the tokens of the rows are unknown, and any number of rows will do.
Places places_of(FileSystem& files, const Checkpoint& checkpoint, Network& network, Rows* rows) {
  const SafetensorsFile stored = checkpoint.tensors(files, kWeights);
  Places out{named_tensors(network.parameters()), {}};
  keep_stored(out.tensors, stored, network.adapters(), rows, checkpoint.directory);
  require_adapters(files, checkpoint, network);
  for (auto& [name, tensor] : out.tensors) {
    const TensorInfo* there = stored.find(name);
    if (!there || there->shape.size() != 2 || tensor.dim() != 2) continue;
    if (!rows && (is_vocabulary(name) || name.starts_with("wte."))) {
      tensor = at::empty(there->shape, at::kFloat);
    } else if (there->shape[1] != tensor.size(1)) {
      continue;
    } else if (is_vocabulary(name) && there->shape[0] >= rows->size_there()) {
      tensor = rows->table_for({name, tensor, {}}, there->shape[0]);
    } else if (name == "wpe.weight" && there->shape[0] > tensor.size(0)) {
      out.positions.emplace(tensor, at::empty(there->shape, at::kFloat));
      tensor = out.positions->second;
    }
  }
  check_tensors(files, checkpoint, kWeights, out.tensors);
  return out;
}

void load_checkpoint(FileSystem& files, const Checkpoint& checkpoint, Network& network, Rows& rows) {
  const Places places = places_of(files, checkpoint, network, &rows);
  load_tensors(files, checkpoint, kWeights, places.tensors);
  if (const auto& positions = places.positions)
    positions->first.detach().copy_(positions->second.narrow(0, 0, positions->first.size(0)));
}

// Returns the vocabulary size by the number of rows. Older checkpoints do not tell a size that came from the data.
int64_t size_by_rows(const Checkpoint& checkpoint, FileSystem& files, Network& network) {
  const SafetensorsFile stored = checkpoint.tensors(files, kWeights);
  const TensorInfo* there = stored.find("wte.weight");
  if (!there || there->shape.empty()) return network.vocab_size();
  for (const Parameter& p : network.parameters())
    if (p.name == "wte.weight" && p.tensor.size(0) == there->shape[0]) return network.vocab_size();
  return there->shape[0];
}

// The source that init_from names.
struct WeightSource {
  explicit WeightSource(FileSystem& files, const GptOptions& options)
      : from(parse_init_from(options.init_from)), sizes(values_of(from)) {
    if (from.kind == InitFrom::Kind::checkpoint) checkpoint = open_checkpoint(files, from.path);
  }
  std::filesystem::path folder() const { return checkpoint ? checkpoint->directory : std::filesystem::path(from.path); }

  InitFrom from;
  Table sizes;
  std::optional<Checkpoint> checkpoint;
};

Rows rows_of(FileSystem& files, const WeightSource& source, Network& network, const TokensHere& here) {
  const std::filesystem::path folder = source.folder();
  const Checkpoint* checkpoint = source.checkpoint ? &*source.checkpoint : nullptr;
  std::vector<int32_t> shown_there;
  if (const std::string vocabulary = vocabulary_in(files, folder); !vocabulary.empty())
    shown_there = parse_vocabulary(vocabulary, (folder / kVocabularyFile).string()).ids;
  int64_t size = size_in(source.sizes, "vocab_size");
  if (size == 0 && checkpoint) size = size_by_rows(*checkpoint, files, network);
  std::vector<int64_t> there = tokens_of_rows(shown_there, size);
  std::vector<int64_t> ours = tokens_of_rows(here.shown, network.vocab_size());
  const SourceTokens known = here.compare ? here.compare(folder, checkpoint) : SourceTokens();
  if (const std::vector<int64_t>& ids = known.ids; !ids.empty()) {
    for (int64_t& token : there)
      token = static_cast<size_t>(token) < ids.size() ? ids[static_cast<size_t>(token)] : kPadding + token;
    for (int64_t& token : ours)
      if (token >= known.here) token += kPadding;
  }
  Rows rows(std::move(there), std::move(ours));
  require_all_tokens(rows, !shown_there.empty(), !here.shown.empty() || !in_place(known.ids), source.from.path);
  return rows;
}

}  // namespace

std::string vocabulary_in(FileSystem& files, const std::filesystem::path& folder) {
  constexpr uint64_t kMaxBytes = uint64_t{64} << 20;
  const std::filesystem::path file = folder / kVocabularyFile;
  return files.kind(file) == FileKind::file ? read_text(files, file, kMaxBytes) : "";
}

void check_initial_weights(FileSystem& files, const Section& model, Network& network, const TokensHere* here) {
  if (model.use != "gpt") return;
  const auto options = model.as<GptOptions>();
  if (options.init_from.empty()) return;
  const WeightSource source(files, options);
  Rows rows = here ? rows_of(files, source, network, *here)
                   : Rows(tokens_of_rows({}, size_in(source.sizes, "vocab_size")), tokens_of_rows({}, network.vocab_size()));
  if (source.checkpoint) {
    places_of(files, *source.checkpoint, network, here ? &rows : nullptr);
  } else {
    check_hf_weights(files, source.from.path, weights_of(source.sizes, options, network, rows));
  }
}

std::string load_initial_weights(FileSystem& files, const Section& model, Network& network, const TokensHere& here,
                                 uint64_t seed) {
  if (model.use != "gpt") return "";
  const auto options = model.as<GptOptions>();
  if (options.init_from.empty()) return "";
  const at::NoGradGuard no_grad;
  const WeightSource source(files, options);
  Rows rows = rows_of(files, source, network, here);
  if (source.checkpoint)
    load_checkpoint(files, *source.checkpoint, network, rows);
  else
    load_hf_weights(files, source.from.path, weights_of(source.sizes, options, network, rows));
  rows.fill(seed);
  std::string said = "weights from " + source.from.path.string() + rows.summary();
  const int64_t positions = size_in(source.sizes, "block_size");
  if (network.block_size() < positions)
    said += "; the first " + std::to_string(network.block_size()) + " of its " + std::to_string(positions) + " positions";
  if (network.block_size() > positions)
    said += "; a context of " + std::to_string(network.block_size()) + " in place of " + std::to_string(positions);
  return said;
}

}  // namespace gptcore
