// The edits that training itself makes of what the operations plan, with no more effects than each declares.
#include "core/surgery/planned_edit.h"
#include "noted_edit.h"
#include "tests/catch.h"

using namespace gptcore;

namespace {

Table completed(const std::string& item, const Table& values) {
  if (item != "lora") throw Error(Code::unknown_name, "no adapter '" + item + "'");
  Table all = {{"rank", 8}, {"alpha", 16.0}, {"mode", "add"}};
  for (auto& [key, value] : all)
    if (const Value* given = find(values, key)) value = *given;
  return all;
}

Lines accepted(Planning& p, const std::string& name, const Table& values) {
  const auto operation = p.open(name, values);
  TrainOptions options;
  options.learning_rate = p.now.learning_rate;
  options.min_lr = 1e-4;
  options.warmup_iters = 100;
  options.max_iters = p.now.max_iters;
  options.batch_size = p.now.batch_size;
  options.gradient_accumulation_steps = p.now.gradient_accumulation_steps;
  EditSupport support;
  support.options = &options;
  support.adapter_values = completed;
  support.data_vocab_size = p.data_vocab_size;
  PlannedEdit edit(p.model, operations().item(Kind::operation, name).effects, support);
  operation->plan(p.now, edit);
  with_settings(options, edit.settings);
  return edit.lines();
}

Lines accepted(const std::string& name, const Table& values) {
  Planning p;
  return accepted(p, name, values);
}

}  // namespace

TEST_CASE("Training accepts the settings that operations plan") {
  CHECK(accepted("set_lr", {{"value", 5e-5}}) == Lines{"learning_rate = 0.00005", "min_lr = 0.00005"});
  CHECK(accepted("change_lr", {{"value", 2}}) == Lines{"learning_rate = 0.002"});
  CHECK(accepted("set_batch_size", {{"value", 4}}) == Lines{"batch_size = 4"});
  CHECK(accepted("change_batch_size", {{"value", 0.5}}) == Lines{"batch_size = 6"});
  CHECK(accepted("change_grad_accum", {{"value", 2}}) == Lines{"gradient_accumulation_steps = 80"});
  CHECK(accepted("set_warmup_iters", {{"value", 7}}) == Lines{"warmup_iters = 7"});
  CHECK(accepted("change_warmup_iters", {{"value", 0.5}}) == Lines{"warmup_iters = 50", "lr_decay_iters = 2500"});
  CHECK(accepted("set_eval_iters", {{"value", "all"}}) == Lines{"eval_iters = \"all\""});
  CHECK(accepted("change_eval_iters", {{"value", 0.5}}) == Lines{"eval_iters = 100"});
  CHECK(accepted("change_eval_interval", {{"value", 0.5}}) == Lines{"eval_interval = 1000"});
  CHECK(accepted("reset_lr_schedule", {}) == Lines{"lr_schedule_offset = 500"});
}

TEST_CASE("Training accepts the shapes that operations plan") {
  CHECK(accepted("stack_layers", {{"factor", 1.5}}) == Lines{"blocks 0 1 0"});
  CHECK(accepted("stack_layers", {{"layers", List{0, -1, 1}}}) == Lines{"blocks 0 new 1"});
  CHECK(accepted("widen_mlp", {{"value", 2.0}}) == Lines{"MLP of 128 units"});
  CHECK(accepted("widen_embedding", {{"value", 2.0}, {"noise", 0.01}}) == Lines{"embedding of width 32, noise 0.01"});
  CHECK(accepted("resize_vocabulary", {{"size", 70}, {"source", 3}}) ==
        Lines{"vocabulary of 70, new rows from row 3, noise 0.01"});
  CHECK(accepted("resize_vocabulary", {{"size", 70}}).size() == 1);
}

TEST_CASE("Training freezes the layers that operations name") {
  CHECK(accepted("freeze_layer", {{"value", List{"attn.1", "lm_head"}}}) ==
        Lines{"freeze blocks.1.attn.proj.weight", "freeze blocks.1.attn.qkv.weight", "freeze wte.weight"});
  CHECK(accepted("freeze_layer", {{"value", "blocks.0"}}).size() == 6);
  CHECK(accepted("set_embedding_finetune_mode", {{"value", true}}).size() == 13);  // all but wte and wpe
  CHECK(accepted("set_embedding_freeze_mode", {{"value", true}}) == Lines{"freeze wte.weight", "freeze wpe.weight"});
}

TEST_CASE("Training accepts the adapters that operations plan") {
  CHECK(accepted("set_attn_lora_rank", {{"value", 4}}) ==
        Lines{"adapter lora on blocks.0.attn.qkv (rank = 4, alpha = 16.0, mode = \"add\")",
              "adapter lora on blocks.1.attn.qkv (rank = 4, alpha = 16.0, mode = \"add\")", "freeze blocks.0.attn.qkv.weight",
              "freeze blocks.1.attn.qkv.weight"});
  CHECK(accepted("set_layer_lora_rank", {{"value", List{"wte", 4}}, {"freeze", "all"}}).size() == 1);
  CHECK(accepted("decrease_vocab_lora_scaling", {{"value", 2}, {"divisor", 8}}).size() == 2);
  Planning p;
  p.model.adapt("blocks.0.attn.qkv", 4);
  CHECK(accepted(p, "change_lora_alpha", {{"value", 0.5}}) ==
        Lines{"adapter lora on blocks.0.attn.qkv (rank = 4, alpha = 8.0, mode = \"add\")"});
  CHECK(accepted(p, "merge_lora_weights", {}) == Lines{"merge and restart adapters of blocks.0.attn.qkv"});
  CHECK(accepted(p, "set_attn_lora_rank", {{"value", 0}})[0] == "merge and drop adapters of blocks.0.attn.qkv");
}

TEST_CASE("Training accepts the data controls that operations plan") {
  CHECK(accepted("set_curriculum_alpha", {{"value", 0.5}}) == Lines{"data.curriculum_alpha = 0.5"});
  CHECK(accepted("disable_vocab_remapping", {}) == Lines{"data.vocab_remapping = false"});
}
