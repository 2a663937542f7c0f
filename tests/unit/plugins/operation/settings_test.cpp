#include <set>

#include "noted_edit.h"
#include "tests/catch.h"

using namespace gptcore;
using Catch::Matchers::Contains;

TEST_CASE("Absolute operations set their key of the stage") {
  const struct {
    const char* name;
    Value value;
    const char* line;
  } cases[] = {{"set_lr", 5e-4, "learning_rate = 0.0005"},
               {"set_batch_size", 32, "batch_size = 32"},
               {"set_grad_accum", 5, "gradient_accumulation_steps = 5"},
               {"set_warmup_iters", 0, "warmup_iters = 0"},
               {"set_eval_iters", 50, "eval_iters = 50"},
               {"set_eval_iters", "all", "eval_iters = \"all\""},
               {"set_eval_interval", 100, "eval_interval = 100"}};
  for (const auto& c : cases) {
    INFO(c.name);
    CHECK(Planning().plan(c.name, {{"value", c.value}}) == Lines{c.line});
  }
}

TEST_CASE("Relative operations multiply and cut off after the point") {
  const struct {
    const char* name;
    double factor;
    Lines lines;
  } cases[] = {{"change_lr", 0.5, {"learning_rate = 0.0005"}},
               {"change_batch_size", 1.3, {"batch_size = 15"}},  // 15.6
               {"change_batch_size", 0.01, {"batch_size = 1"}},
               {"change_grad_accum", 0.33, {"gradient_accumulation_steps = 13"}},  // 13.2
               {"change_eval_iters", 0.001, {"eval_iters = 1"}},
               {"change_eval_interval", 2, {"eval_interval = 500"}},
               {"change_warmup_iters", 0.255, {"warmup_iters = 25", "lr_decay_iters = 1275"}},  // of max_iters
               {"change_batch_size", 1.01, {}}};
  for (const auto& c : cases) {
    INFO(c.name << " " << c.factor);
    CHECK(Planning().plan(c.name, {{"value", c.factor}}) == c.lines);
  }
}

TEST_CASE("change_warmup_iters multiplies lr_decay_iters where it is given") {
  Planning p;
  p.edit.settings["lr_decay_iters"] = 3000;
  CHECK(p.plan("change_warmup_iters", {{"value", 2}}) == Lines{"warmup_iters = 200", "lr_decay_iters = 6000"});
  p.edit.settings["warmup_iters"] = 0;
  CHECK(p.plan("change_warmup_iters", {{"value", 0.0001}}) == Lines{"warmup_iters = 0", "lr_decay_iters = 1"});
}

TEST_CASE("A learning rate below min_lr lowers min_lr with it") {
  CHECK(Planning().plan("set_lr", {{"value", 5e-5}}) == Lines{"learning_rate = 0.00005", "min_lr = 0.00005"});
  CHECK(Planning().plan("change_lr", {{"value", 0.01}}).size() == 2);
}

TEST_CASE("change_lr works on the rate that earlier operations left") {
  Planning p;
  p.now.learning_rate = 4e-4;
  CHECK(p.plan("change_lr", {{"value", 2.0}}) == Lines{"learning_rate = 0.0008"});
}

TEST_CASE("reset_lr_schedule starts the schedule at the present update, whatever its value") {
  CHECK(Planning().plan("reset_lr_schedule", {}) == Lines{"lr_schedule_offset = 500"});
  CHECK(Planning().plan("reset_lr_schedule", {{"value", true}}) == Lines{"lr_schedule_offset = 500"});
}

TEST_CASE("set_batch_size_relative cuts off to a multiple of 8 and stays at 8 or more") {
  Planning p;
  p.now.batch_size = 100;
  CHECK(p.plan("set_batch_size_relative", {{"value", 0.5}}) == Lines{"batch_size = 48"});
  CHECK(p.plan("set_batch_size_relative", {{"value", 1}}) == Lines{"batch_size = 96"});
  CHECK(p.plan("set_batch_size_relative", {{"value", 0.01}}) == Lines{"batch_size = 8"});
  p.now.batch_size = 8;
  CHECK(p.plan("set_batch_size_relative", {{"value", 0.9}}).empty());
  p.now.batch_size = 4;  // a factor below 1 never makes it larger
  CHECK(p.plan("set_batch_size_relative", {{"value", 0.75}}) == Lines{"batch_size = 3"});
  CHECK(p.plan("set_batch_size_relative", {{"value", 0.01}}) == Lines{"batch_size = 1"});
  CHECK(p.plan("set_batch_size_relative", {{"value", 1}}).empty());
}

TEST_CASE("An evaluation interval of 0 stays off") {
  Planning p;
  p.edit.settings["eval_interval"] = 0;
  CHECK(p.plan("change_eval_interval", {{"value", 2.0}}).empty());
}

TEST_CASE("A whole split has no multiple") {
  for (const Value& all : {Value(-1), Value("all")}) {
    Planning p;
    p.edit.settings["eval_iters"] = all;
    const Error e = p.refusal("change_eval_iters", {{"value", 2.0}});
    CHECK(e.code() == Code::conflict);
    CHECK_THAT(e.line(), Contains("'eval_iters' is not a number now") && Contains("set_eval_iters"));
  }
}

TEST_CASE("A multiple that no count can be is refused") {
  for (const char* name : {"change_eval_iters", "change_batch_size", "change_warmup_iters"})
    CHECK_THROWS_WITH(Planning().plan(name, {{"value", 1e300}}), Contains("is more than a count may be"));
}

TEST_CASE("Settings refuse values that can never be right") {
  const struct {
    const char* name;
    Value value;
    Code code;
  } cases[] = {{"set_lr", -1.0, Code::out_of_range},
               {"set_lr", "fast", Code::wrong_type},
               {"change_lr", 0, Code::out_of_range},
               {"change_lr", -0.5, Code::out_of_range},
               {"set_batch_size", 0, Code::out_of_range},
               {"set_batch_size", 1.5, Code::wrong_type},
               {"change_batch_size", 0.0, Code::out_of_range},
               {"set_grad_accum", 0, Code::out_of_range},
               {"set_eval_iters", 0, Code::out_of_range},
               {"set_eval_interval", -1, Code::out_of_range},
               {"set_warmup_iters", -1, Code::out_of_range},
               {"set_batch_size_relative", 1.5, Code::out_of_range},
               {"set_batch_size_relative", 0, Code::out_of_range}};
  for (const auto& c : cases) {
    INFO(c.name << " " << to_toml(c.value));
    CHECK(Planning().refusal(c.name, {{"value", c.value}}).code() == c.code);
  }
}

TEST_CASE("The built-in operations are the seed's, each with a parameter `value` and asked by its `when` alone") {
  std::set<std::string> names;
  for (const PluginFile& plugin : operations().plugins())
    for (const ItemInfo& item : plugin.items) {
      if (item.name == "undo") continue;  // it has no argument
      INFO(item.name);
      CHECK(item.events == 0);
      CHECK(item.effects != 0);
      CHECK(item.params.front().name == "value");
      names.insert(item.name);
    }
  CHECK(names == std::set<std::string>{"set_lr",
                                       "change_lr",
                                       "set_batch_size",
                                       "change_batch_size",
                                       "set_batch_size_relative",
                                       "adjust_batch_size",
                                       "set_grad_accum",
                                       "change_grad_accum",
                                       "set_warmup_iters",
                                       "change_warmup_iters",
                                       "set_eval_iters",
                                       "change_eval_iters",
                                       "set_eval_interval",
                                       "change_eval_interval",
                                       "reset_lr_schedule",
                                       "stack_layers",
                                       "widen_mlp",
                                       "widen_embedding",
                                       "set_attn_lora_rank",
                                       "set_embedding_lora_rank",
                                       "set_layer_lora_rank",
                                       "resize_lora_rank",
                                       "change_lora_alpha",
                                       "merge_lora_weights",
                                       "decrease_attn_lora_scaling",
                                       "decrease_vocab_lora_scaling",
                                       "resize_vocabulary",
                                       "freeze_layer",
                                       "unfreeze_layer",
                                       "set_embedding_finetune_mode",
                                       "set_embedding_freeze_mode",
                                       "disable_vocab_remapping",
                                       "set_curriculum_alpha"});
}

TEST_CASE("undo says so when the program offers no undoing") {
  const Error e = Planning().refusal("undo", {});
  CHECK(e.code() == Code::plugin_refused);
  CHECK_THAT(e.what(), Contains("cannot undo operations"));
}
