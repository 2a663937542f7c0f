#include "gptcore/suggest.h"

#include "core/options/gpt_options.h"
#include "core/options/run_options.h"
#include "core/options/train_options.h"
#include "tests/catch.h"

using namespace gptcore;

namespace {

std::vector<std::string> all_keys() {
  std::vector<std::string> keys;
  for (const auto& specs :
       {schema_of<GptOptions>().specs(), schema_of<TrainOptions>().specs(), schema_of<RunOptions>().specs()})
    for (const ParamSpec& spec : specs) keys.push_back(spec.name);
  return keys;
}

}  // namespace

TEST_CASE("a misspelt key names the key that was meant, 95 times in a hundred", "[sdk]") {
  const std::vector<std::pair<std::string, std::string>> typos = {
      {"learnin_rate", "learning_rate"},
      {"learning_rat", "learning_rate"},
      {"learing_rate", "learning_rate"},
      {"leraning_rate", "learning_rate"},
      {"learningrate", "learning_rate"},
      {"learning-rate", "learning_rate"},
      {"Learning_Rate", "learning_rate"},
      {"learn_rate", "learning_rate"},
      {"batchsize", "batch_size"},
      {"bacth_size", "batch_size"},
      {"batch_sise", "batch_size"},
      {"btach_size", "batch_size"},
      {"n_layers", "n_layer"},
      {"nlayer", "n_layer"},
      {"n_laye", "n_layer"},
      {"n_haed", "n_head"},
      {"n_heads", "n_head"},
      {"n_emb", "n_embd"},
      {"n_embed", "n_embd"},
      {"n_emdb", "n_embd"},
      {"blocksize", "block_size"},
      {"block_sz", "block_size"},
      {"droput", "dropout"},
      {"drop_out", "dropout"},
      {"dropuot", "dropout"},
      {"max_iter", "max_iters"},
      {"maxiters", "max_iters"},
      {"warmup", "warmup_iters"},
      {"warm_up_iters", "warmup_iters"},
      {"lr_decay", "lr_decay_iters"},
      {"weight_deacy", "weight_decay"},
      {"weigth_decay", "weight_decay"},
      {"grad_clp", "grad_clip"},
      {"gradient_accumulation", "gradient_accumulation_steps"},
      {"gradient_acumulation_steps", "gradient_accumulation_steps"},
      {"eval_interva", "eval_interval"},
      {"evalinterval", "eval_interval"},
      {"evel_iters", "eval_iters"},
      {"always_save_checkpoints", "always_save_checkpoint"},
      {"presicion", "precision"},
      {"sead", "seed"},
      {"beta_2", "beta2"},
      {"betta1", "beta1"},
      {"patiance", "patience"},
      {"vocabsize", "vocab_size"},
      {"vocab", "vocab_size"},
  };
  const std::vector<std::string> keys = all_keys();
  size_t right = 0;
  std::string wrong;
  for (const auto& [typo, meant] : typos) {
    const auto found = nearest(typo, keys);
    if (found == meant)
      ++right;
    else
      wrong += typo + " -> " + found.value_or("nothing") + "\n";
  }
  INFO(wrong);
  CHECK(static_cast<double>(right) >= 0.95 * static_cast<double>(typos.size()));
}

TEST_CASE("a word like none of the names gets no suggestion", "[sdk]") {
  const auto word = GENERATE(as<std::string>(), "", "x", "banana", "wandb_project", "zzzzzzzzzzzz", "q");
  CHECK_FALSE(nearest(word, all_keys()));
}

TEST_CASE("the nearest wins, and of equals the one with the longer common beginning", "[sdk]") {
  CHECK(nearest("betta1", {"beta2", "beta1"}) == "beta1");
  CHECK(nearest("beta3", {"zeta3", "beta1"}) == "beta1");
  CHECK(nearest("max", {"max_tokens", "max_time"}) == "max_time");
  CHECK(nearest("ab", {"ba"}) == "ba");
  CHECK_FALSE(nearest("a", {"b"}));
}

TEST_CASE("a list of names for a hint is cut", "[sdk]") {
  CHECK(listed({"a", "b"}) == "a, b");
  CHECK(listed(std::vector<std::string>(20, "a")).ends_with(", ..."));
  CHECK(did_you_mean("rnak", {"rank"}) == "did you mean 'rank'?");
  CHECK(did_you_mean("zzz", {"rank"}, "there is rank") == "there is rank");
}
