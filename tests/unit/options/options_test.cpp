// The schemas of the core's own tables, and the presets.
#include "core/options/counts.h"
#include "core/options/evaluate_options.h"
#include "core/options/gpt_options.h"
#include "core/options/run_options.h"
#include "core/options/sample_options.h"
#include "core/options/train_options.h"
#include "tests/catch.h"
#include "tests/unit/config/fixture.h"

using namespace gptcore;

namespace {

template <class T> std::vector<ParamSpec> specs() {
  return schema_of<T>().specs();
}

// GPT-2 with a tied head and learned positions.
int64_t parameters(const GptOptions& o) {
  const int64_t c = o.n_embd, block = 12 * c * c + 13 * c;
  return o.vocab_size * c + o.block_size * c + o.n_layer * block + 2 * c;
}

}  // namespace

TEST_CASE("every key of the core has a description and a default that fits", "[config][options]") {
  for (const auto& all :
       {specs<GptOptions>(), specs<RunOptions>(), specs<TrainOptions>(), specs<EvaluateOptions>(), specs<SampleOptions>()})
    for (const ParamSpec& spec : all) {
      INFO(spec.name);
      CHECK_FALSE(spec.doc.empty());
      CHECK((spec.fallback.empty() || !misfit(spec, spec.fallback)));
    }
  CHECK(schema_of<TrainOptions>().problems({}).empty());
  CHECK(schema_of<GptOptions>().problems({}).empty());
  CHECK(schema_of<RunOptions>().problems({}).empty());
}

TEST_CASE("presets have their published sizes", "[config][options]") {
  const auto [name, millions] = GENERATE(table<std::string, int64_t>(
      {{"gpt2", 124}, {"gpt2-medium", 355}, {"gpt2-large", 774}, {"gpt2-xl", 1558}, {"gpt2-xs", 58}, {"gpt2-xxs", 3}}));
  GptOptions options;
  schema_of<GptOptions>().assign(gpt_preset(name), options);
  INFO(name << " " << parameters(options));
  CHECK((parameters(options) + 500'000) / 1'000'000 == millions);
  CHECK(schema_of<GptOptions>().problems(options).empty());
  CHECK(options.gelu == "tanh");
}

TEST_CASE("every choice of preset is one, and others are none", "[config][options]") {
  for (const ParamSpec& spec : specs<GptOptions>())
    if (spec.name == "preset")
      for (const Choice& choice : spec.choices) CHECK_FALSE(gpt_preset(choice.text).empty());
  CHECK(gpt_preset("gpt3").empty());
  CHECK(gpt_preset("").empty());
}

TEST_CASE("a given key holds against the preset", "[config][options]") {
  const auto options = Fixture("[model]\npreset = \"gpt2\"\nvocab_size = 50304\n").load().model.as<GptOptions>();
  CHECK(options.vocab_size == 50304);
  CHECK(parameters(options) == 124'475'904);
}

TEST_CASE("values of [run] and [[stage]] that do not fit each other are refused", "[config][options]") {
  const auto [text, expected] = GENERATE(table<std::string, std::string>({
      {"[run]\ndevice = \"gpu\"\n", "2:1: error[GC106]: 'device' expects auto, cpu, cuda or cuda:N, got \"gpu\""},
      {"[run]\ndevice = \"cuda:\"\n", "2:1: error[GC106]: 'device' expects"},
      {"[run]\ndevice = \"cuda:x\"\n", "2:1: error[GC106]: 'device' expects"},
      {"[run]\nname = \"../x\"\n", "2:1: error[GC106]: 'name' expects letters"},
      {"[run]\nname = \"\"\n", "2:1: error[GC106]: 'name' expects letters"},
      {"[run]\nprecision = \"bf16\"\n",
       "2:13: error[GC104]: 'precision' expects one of float32 | bfloat16 | float16, got \"bf16\"; did you mean 'bfloat16'?"},
      {"[[stage]]\nkind = \"train\"\nmin_lr = 1.0\n", "3:1: error[GC106]: min_lr = 1.0 is above learning_rate = 0.0006"},
      {"[[stage]]\nkind = \"train\"\nwarmup_iters = 10\nlr_decay_iters = 9\n",
       "4:1: error[GC106]: lr_decay_iters = 9 is below warmup_iters = 10"},
      {"[[stage]]\nkind = \"train\"\nschedule = \"wsd\"\nwsd_decay_fraction = 0\n",
       "4:1: error[GC106]: schedule = \"wsd\" needs"},
      {"[[stage]]\nkind = \"train\"\nbatch_size = 12\ntokens_per_step = 524288\n",
       "4:1: error[GC106]: tokens_per_step = 524288 is not divisible by batch_size = 12"},
      {"[[stage]]\nkind = \"train\"\ntokens_per_step = 12\ngradient_accumulation_steps = 2\n",
       "4:1: error[GC106]: tokens_per_step sets the accumulation itself"},
      {"[[stage]]\nkind = \"train\"\nlearning_rate = inf\n", "3:17: error[GC104]: 'learning_rate' expects 0..1000000, got inf"},
      {"[[stage]]\nkind = \"train\"\neval_iters = \"some\"\n",
       "3:14: error[GC103]: 'eval_iters' expects an integer or \"all\", got string \"some\""},
      {"[model]\nrotary = true\nn_head = 4\nn_embd = 20\n",
       "2:1: error[GC106]: rotary positions need an even head size, got 5"},
      {"[model]\ndropout = 1.0\n", "2:11: error[GC104]: 'dropout' expects >=0 and <1, got 1.0"},
      {"[model]\ngelu = \"tan\"\n", "2:8: error[GC104]: 'gelu' expects one of erf | tanh, got \"tan\"; did you mean 'tanh'?"},
  }));
  const Lines lines = Fixture(text).errors();
  INFO(text);
  REQUIRE(lines.size() == 1);
  INFO(lines[0]);
  CHECK(lines[0].starts_with("pipeline.toml:" + expected));
}

TEST_CASE("devices and schedules of every form are accepted", "[config][options]") {
  for (const char* device : {"auto", "cpu", "cuda", "cuda:0", "cuda:15"})
    CHECK(Fixture("").errors({std::string("run.device=") + device}).empty());
  for (const char* schedule : {"cosine", "constant", "linear", "wsd"})
    CHECK(Fixture("").errors({std::string("schedule=") + schedule}).empty());
  CHECK(std::get<TrainOptions>(Fixture("").load({"eval_iters=all"}).stages[0].options).eval_iters == kWholeSplit);
}
