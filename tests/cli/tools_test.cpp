// summary, sample, inspect and bench.
#include <filesystem>
#include <nlohmann/json.hpp>

#include "tests/cli/workspace.h"

#include "tests/catch.h"

using namespace gptcore::test;
namespace fs = std::filesystem;

namespace {

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("summary counts GPT-2's parameters without a pipeline file") {
  const Workspace w;
  const Outcome padded = w.gptcore({"summary", "--set", "model.preset=gpt2", "--set", "model.vocab_size=50304"});
  INFO(padded.out << padded.err);
  CHECK(padded.status == 0);
  CHECK(has(padded.out, "124,475,904"));
  CHECK(has(w.gptcore({"summary", "--set", "model.preset=gpt2"}).out, "124,439,808"));
}

TEST_CASE("sample repeats itself with the same seed and not with another") {
  const Workspace w;
  REQUIRE(w.train(kShort).status == 0);
  const auto sample = [&](const char* seed) {
    const Outcome outcome = w.gptcore({"sample", "out", "--prompt", "the ", "--max_new_tokens", "60", "--seed", seed});
    INFO(outcome.err);
    CHECK(outcome.status == 0);
    CHECK(has(outcome.out, "the "));
    return outcome.out;
  };
  const std::string first = sample("1");
  CHECK(sample("1") == first);
  CHECK(sample("2") != first);
}

TEST_CASE("inspect shows a checkpoint's tensors and refuses a malformed file") {
  const Workspace w;
  REQUIRE(w.train(kShort).status == 0);
  const fs::path checkpoint = newest_checkpoint(w.path("out"));
  const Outcome whole = w.gptcore({"inspect", checkpoint.string()});
  INFO(whole.out << whole.err);
  CHECK(whole.status == 0);
  CHECK(has(whole.out, "model.safetensors"));
  const Outcome file = w.gptcore({"inspect", (checkpoint / "model.safetensors").string()});
  CHECK(file.status == 0);
  CHECK(has(file.out, "F32"));
  CHECK(has(file.out, "256"));  // rows of the embedding

  const std::string bytes = read(checkpoint / "model.safetensors");
  const std::vector<std::pair<const char*, std::string>> malformed = {
      {"empty", ""},
      {"text", "this is not a safetensors file"},
      {"header longer than the file", std::string(8, '\x7f') + "{}"},
      {"truncated", bytes.substr(0, bytes.size() - 1)},
      {"longer", bytes + "x"},
  };
  for (const auto& [what, content] : malformed) {
    w.write("bad.safetensors", content);
    const Outcome refused = w.gptcore({"inspect", "bad.safetensors"});
    INFO(what << "\n" << refused.out);
    CHECK(refusal(refused) == "GC501");
    CHECK(refused.status == 5);
  }
}

TEST_CASE("bench prints its numbers as JSON") {
  const Workspace w;
  const Outcome bench = w.gptcore({"bench", "cpu-baby", "--steps", "2", "--threads", "1", "--json"});
  INFO(bench.out << bench.err);
  REQUIRE(bench.status == 0);
  const auto json = nlohmann::json::parse(bench.out.substr(bench.out.find('{')));
  for (const char* key : {"ms_per_step", "tokens_per_s", "mfu", "sgemm_gflops", "model_over_sgemm", "page_faults"}) {
    INFO(key);
    REQUIRE(json.contains(key));
    CHECK(json.at(key).is_number());
  }
  CHECK(json.at("ms_per_step") > 0);
  CHECK(json.at("tokens_per_s").get<double>() == Approx(12 * 64 / json.at("ms_per_step").get<double>() * 1000).epsilon(0.01));
  CHECK(w.gptcore({"bench", "no-such-case"}).status == 2);
}
