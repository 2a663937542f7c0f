#include "core/pipeline/initial_weights.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>

#include <filesystem>
#include <map>

#include "core/base/atomic_file.h"
#include "core/base/file_system.h"
#include "core/checkpoint/store.h"
#include "core/interchange/hf_weights.h"
#include "core/model/gpt.h"
#include "core/pipeline/tensor_files.h"
#include "gptcore/error.h"
#include "tests/catch.h"
#include "tests/unit/base/temp_folder.h"

using namespace gptcore;
namespace fs = std::filesystem;

namespace {

GptOptions small(int64_t vocab_size, int64_t block_size) {
  GptOptions o;
  o.n_layer = 1;
  o.n_head = 2;
  o.n_embd = 8;
  o.block_size = block_size;
  o.vocab_size = vocab_size;
  o.gelu = "tanh";
  return o;
}

std::unique_ptr<Network> opened(const GptOptions& options, uint64_t seed) {
  auto network = std::make_unique<Network>(std::make_unique<Gpt>(options));
  network->open({});
  init_parameters(network->parameters(), seed);
  return network;
}

using Values = std::map<std::string, at::Tensor>;

Values values_of(Network& network) {
  Values all;
  for (const Parameter& p : network.parameters()) all[p.name] = p.tensor.detach();
  return all;
}

Section section_of(GptOptions options, const std::string& init_from) {
  options.init_from = init_from;
  Section section;
  section.use = "gpt";
  section.values = schema_of<GptOptions>().values(options);
  return section;
}

// The source as a folder of Hugging Face (hf:) or as a run (ckpt:).
std::string written(FileSystem& files, const fs::path& folder, const GptOptions& options, Network& network, bool hf,
                    const std::string& vocabulary = "", int64_t tokens = 0) {
  if (hf) {
    write_hf_folder(files, folder, GptWeights(options, network.parameters()), FileType::f32);
    if (!vocabulary.empty()) write_file_atomically(files, folder / "vocabulary.json", vocabulary);
    return "hf:" + folder.string();
  }
  Section section = section_of(options, "");
  std::string toml = "[model]\nuse = \"gpt\"\n";
  for (const auto& [key, value] : section.values)
    if (!value.empty()) toml += key + " = " + to_toml(value) + "\n";
  std::vector<at::Tensor> keep;
  std::vector<CheckpointPart> parts = {
      tensor_part("model.safetensors", named_tensors(network.parameters()), keep),
      {"config.toml", toml},
      {"state.json", R"({"structure": {"model": {}}, "vocab_size": )" + std::to_string(tokens) + "}"}};
  if (!vocabulary.empty()) parts.push_back({"vocabulary.json", vocabulary});
  CheckpointStore(files, folder).publish(0, parts);
  return "ckpt:" + folder.string();
}

}  // namespace

TEST_CASE("a source's weights go into a model of more tokens and a shorter context", "[init_from]") {
  const auto files = posix_file_system();
  for (const bool tied : {true, false})
    for (const bool hf : {true, false})
      for (const int64_t multiple : {1, 64}) {
        INFO((hf ? "hf " : "ckpt ") << tied << " " << multiple);
        const TempFolder folder;
        GptOptions there = small(61, 16), here = small(64, 12);
        there.tie_word_embeddings = here.tie_word_embeddings = tied;
        if (!hf) there.vocab_multiple = multiple;
        here.vocab_multiple = multiple;
        const auto source = opened(there, 1), model = opened(here, 2);
        const std::string from = written(*files, folder.path, there, *source, hf);
        const std::string said = load_initial_weights(*files, section_of(here, from), *model, {}, 5);
        CHECK(said ==
              "weights from " + folder.path.string() +
                  "; 3 rows added for the tokens from 61 on: the mean of the others plus noise of 0.01; the first 12 of "
                  "its 16 positions");
        const Values ours = values_of(*model), theirs = values_of(*source);
        for (const auto& [name, value] : ours) {
          INFO(name);
          if (name == "wte.weight" || name == "lm_head.weight") {
            const at::Tensor known = theirs.at(name).narrow(0, 0, 61), added = value.narrow(0, 61, 3);
            CHECK(value.narrow(0, 0, 61).equal(known));
            CHECK((added - known.mean(0)).abs().max().item<double>() < 0.06);
            CHECK_FALSE(added[0].equal(added[1]));
          } else if (name == "wpe.weight") {
            CHECK(value.equal(theirs.at(name).narrow(0, 0, 12)));
          } else {
            CHECK(value.equal(theirs.at(name)));
          }
        }
      }
}

TEST_CASE("a source of the same sizes is told without more", "[init_from]") {
  const auto files = posix_file_system();
  const TempFolder folder;
  const auto source = opened(small(61, 16), 1), model = opened(small(61, 16), 2);
  const std::string from = written(*files, folder.path, small(61, 16), *source, false);
  CHECK(load_initial_weights(*files, section_of(small(61, 16), from), *model, {}, 5) == "weights from " + folder.path.string());
  CHECK(values_of(*model).at("wte.weight").equal(values_of(*source).at("wte.weight")));
}

TEST_CASE("a checkpoint of more tokens than the data has is refused with what helps", "[init_from]") {
  const auto files = posix_file_system();
  const TempFolder folder;
  GptOptions learned = small(0, 16);  // its vocabulary was the tokenizer's
  const auto source = opened(small(61, 16), 1), model = opened(small(40, 16), 2);
  const std::string from = written(*files, folder.path, learned, *source, false);
  CHECK_THROWS_WITH(load_initial_weights(*files, section_of(small(40, 16), from), *model, {}, 5),
                    Catch::Contains("has 61 tokens and this model's 40"));
  const auto larger = opened(small(70, 16), 2);
  CHECK_THAT(load_initial_weights(*files, section_of(small(70, 16), from), *larger, {}, 5), Catch::Contains("; 9 rows added"));
}

TEST_CASE("a token keeps its row from a source that has other numbers for it", "[init_from]") {
  const auto files = posix_file_system();
  // Of 12 tokens the source shows 5, by these numbers.
  const std::vector<int64_t> shown_there = {9, 1, 2, 11, 4};
  const std::string vocabulary = R"({"rare_number": 2, "ids": [9, 1, 2, 11, 4]})";
  struct Case {
    std::vector<int32_t> shown;
    int64_t size;
    std::string told;
  };
  const Case cases[] = {
      {{},
       12,
       "; 2 rows moved with their tokens; 7 rows added for the tokens that the source does not have (it has 5 of 12): the"},
      {{9, 1, 2, 11, 4}, 5, ""},
      {{0, 11, 2, 9}, 4, "; 2 rows moved with their tokens; 1 row added for the tokens that the source"}};
  for (const bool tied : {true, false})
    for (const bool hf : {true, false})
      for (const Case& c : cases) {
        const TempFolder folder;
        GptOptions there = small(5, 16), here = small(c.size, 16);
        there.tie_word_embeddings = here.tie_word_embeddings = tied;
        here.vocab_multiple = 8;
        const auto source = opened(there, 1), model = opened(here, 2);
        const std::string from = written(*files, folder.path, there, *source, hf, vocabulary);
        const std::string said = load_initial_weights(*files, section_of(here, from), *model, {c.shown}, 5);
        CHECK_THAT(said, Catch::StartsWith("weights from " + folder.path.string() + c.told));
        const Values ours = values_of(*model), theirs = values_of(*source);
        for (const char* name : {"wte.weight", "lm_head.weight"}) {
          if (tied && name == std::string("lm_head.weight")) continue;
          for (int64_t row = 0; row < c.size; ++row) {
            const int64_t token = c.shown.empty() ? row : c.shown[static_cast<size_t>(row)];
            const auto found = std::find(shown_there.begin(), shown_there.end(), token);
            CAPTURE(tied, hf, c.size, name, token);
            if (found != shown_there.end())
              CHECK(ours.at(name)[row].equal(theirs.at(name)[found - shown_there.begin()]));
            else
              CHECK((ours.at(name)[row] - theirs.at(name).mean(0)).abs().max().item<double>() < 0.06);
          }
        }
      }
}

TEST_CASE("a whole vocabulary gives a shrunken one its rows, and a smaller one that shows all is refused", "[init_from]") {
  const auto files = posix_file_system();
  const TempFolder folder;
  const auto source = opened(small(12, 16), 1), model = opened(small(3, 16), 2);
  const std::string from = written(*files, folder.path, small(12, 16), *source, true);
  CHECK_THAT(load_initial_weights(*files, section_of(small(3, 16), from), *model, {{7, 1, 11}}, 5),
             Catch::Contains("; 2 rows moved with their tokens; 9 tokens of the source left out"));
  const at::Tensor ours = values_of(*model).at("wte.weight"), theirs = values_of(*source).at("wte.weight");
  CHECK(ours[0].equal(theirs[7]));
  CHECK(ours[2].equal(theirs[11]));
  CHECK_THROWS_WITH(load_initial_weights(*files, section_of(small(3, 16), from), *model, {}, 5),
                    Catch::Contains("has 12 tokens and this model's 3"));
}

TEST_CASE("a checkpoint tells how many tokens it has, whatever its rows are padded to", "[init_from]") {
  const auto files = posix_file_system();
  const TempFolder folder;
  GptOptions learned = small(0, 16);
  learned.vocab_multiple = 64;
  GptOptions opened_as = small(61, 16);
  opened_as.vocab_multiple = 64;
  const auto source = opened(opened_as, 1), model = opened(small(70, 16), 2);
  const std::string from = written(*files, folder.path, learned, *source, false, "", 61);
  CHECK_THAT(load_initial_weights(*files, section_of(small(70, 16), from), *model, {}, 5), Catch::Contains("; 9 rows added"));
}

TEST_CASE("rows of padding are no tokens: new tokens do not take them over, and padding keeps them", "[init_from]") {
  const auto files = posix_file_system();
  for (const bool hf : {true, false}) {
    const TempFolder folder;
    const auto source = opened(small(12, 16), 1), same = opened(small(12, 16), 2), grown = opened(small(12, 16), 2),
               bare = opened(small(8, 16), 2);
    const std::string from = written(*files, folder.path, small(12, 16), *source, hf);
    const at::Tensor theirs = values_of(*source).at("wte.weight");
    // Of the source's 12 rows 8 have a token; this run's tokenizer has 8 or 10 tokens.
    const auto tokens = [](int64_t here) {
      return TokensHere{{}, [here](const auto&, const Checkpoint*) { return SourceTokens{{0, 1, 2, 3, 4, 5, 6, 7}, here}; }};
    };
    CHECK(load_initial_weights(*files, section_of(small(12, 16), from), *same, tokens(8), 5) ==
          "weights from " + folder.path.string());
    CHECK(values_of(*same).at("wte.weight").equal(theirs));
    CHECK_THAT(load_initial_weights(*files, section_of(small(12, 16), from), *grown, tokens(10), 5),
               Catch::StartsWith("weights from " + folder.path.string() + "; 2 rows added for the tokens"));
    const at::Tensor ours = values_of(*grown).at("wte.weight");
    CHECK(ours.narrow(0, 0, 8).equal(theirs.narrow(0, 0, 8)));
    CHECK((ours.narrow(0, 8, 2) - theirs.narrow(0, 0, 8).mean(0)).abs().max().item<double>() < 0.06);
    for (int64_t row = 8; row < 10; ++row) CHECK_FALSE(ours[row].equal(theirs[row]));
    CHECK(ours.narrow(0, 10, 2).equal(theirs.narrow(0, 10, 2)));
    CHECK(load_initial_weights(*files, section_of(small(8, 16), from), *bare, tokens(8), 5) ==
          "weights from " + folder.path.string());
  }
}
