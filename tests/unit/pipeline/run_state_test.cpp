#include "core/pipeline/run_state.h"

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <tuple>
#include <utility>

#include "gptcore/error.h"
#include "tests/catch.h"

using namespace gptcore;

namespace {

SavedState full_state() {
  SavedState s;
  s.stage = "train";
  s.first_step = 100;
  s.train.step = 7;
  s.train.micro_batches = 28;
  s.train.samples = 336;
  s.train.tokens = 12345;
  s.train.started = true;
  s.train.round = Round{
      Event::evaluation_ended, {{"best", 1.25}, {"train_loss", 1.0 / 3}, {"whole_split", true}}, true, {true, true, false}};
  s.train.settings = {{"batch_size", int64_t{8}}, {"learning_rate", 0.1}, {"schedule", std::string("constant")}};
  s.train.triggers.resize(2);
  TriggerState& done = s.train.triggers[1];
  done.status = OperationStatus::done;
  done.fired = 3;
  done.last_step = 12;
  done.plateau = {1.0 / 7, 2};
  done.metric = 0.25;
  done.at_iter_passed = done.came_late = done.completed = true;
  done.policy = {{"on_error", "skip"}};
  s.train.triggers[1].table = {{"use", "set_lr"}, {"value", "0.5"}};
  s.train.triggers[1].gone = true;
  s.train.triggers[0].policy = {{"judge_after", "2"}};
  s.train.triggers[0].came_late = s.train.triggers[0].completed = true;
  s.train.next_round = Round{Event::evaluation_ended, {{"val_loss", 1.5}}, false, {true}};
  s.train.undo_points = {{3, 1, 1.0 / 9, 2, 5, 104, {20, 8}, true}, {}};
  s.train.undo_points[1].val_loss = 2;  // a NaN is not equal to itself
  s.train.evaluator_failures = {{"exam { file = \"a\" }", 3}};
  s.train.spikes = {{1.0 / 3, 2.0 / 7, 90}, {0.1, 0.2, 91}, 2};
  s.train.evaluated_step = 4;
  s.train.best_val_loss = 1.0 / 3;
  s.train.patience = {1.0 / 6, 2};
  s.train.best_measured = EvaluationPlan{20, 8};
  s.train.former_bests = {3, 8};
  s.train.skips_in_a_row = 1;
  s.train.seconds = 0.1;
  s.train.train_loss = 2.5;
  s.train.val_loss = 2.75;
  s.train.grad_norm = 1.0 / 11;
  s.train.rewind_step = 6;
  s.loss_scale = 32768;
  s.loss_scale_growth = 12;
  s.threads = 3;
  s.data = "abc";
  s.vocab_size = 65;
  s.structure.keys = {{"n_layer", int64_t{3}}, {"n_embd", int64_t{8}}};
  s.structure.trainable = {{"wpe.weight", false}};
  s.structure.adapters = {{"blocks.0.attn.qkv", "lora", {{"rank", int64_t{4}}, {"alpha", 0.5}}}};
  s.journal = {{95, "stack_layers", {"blocks 0, 0, 1"}}, {104, "undo", {"undo set_lr"}}};
  s.settings = {{"model.n_layer", "2"}, {"train.learning_rate", "0.001"}};
  s.saves = 4;
  s.observing_settings = Settings{{"evaluate.eval_iters", "2"}};
  s.ended = std::vector<std::string>{"warmup"};
  return s;
}

// A new member makes the binding of its struct invalid: name it there, and give it a value in full_state().
auto members(const TriggerState& t) {
  const auto& [a, b, c, d, e, f, g, h, i, j, k] = t;
  return std::tie(a, b, c, d, e, f, g, h, i, j, k);
}

auto members(const UndoPoint& p) {
  const auto& [a, b, c, d, e, f, g, h] = p;
  return std::tie(a, b, c, d, e, f, g, h);
}

auto members(const TrainState& t) {
  const auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, u, v, w, x] = t;
  return std::tie(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, u, v, w, x);
}

auto members(const SavedState& state) {
  const auto& [a, b, c, born_of_format_6, e, f, g, h, i, j, k, l, m, n, o] = state;
  return std::tie(a, b, c, e, f, g, h, i, j, k, l, m, n, o);
}

// Returns the places of the members that have the same value in both.
template <class T> std::vector<size_t> equal_members(const T& a, const T& b) {
  std::vector<size_t> equal;
  const auto compare = [&]<size_t... kPlace>(std::index_sequence<kPlace...>) {
    ((std::get<kPlace>(members(a)) == std::get<kPlace>(members(b)) ? equal.push_back(kPlace) : void()), ...);
  };
  compare(std::make_index_sequence<std::tuple_size_v<decltype(members(a))>>());
  return equal;
}

}  // namespace

TEST_CASE("the state of these tests has a value of its own in every member", "[state]") {
  const SavedState s = full_state();
  CHECK(equal_members(s, {}) == std::vector<size_t>{});
  CHECK(equal_members(s.train, {}) == std::vector<size_t>{});
  CHECK(equal_members(s.train.undo_points[0], {}) == std::vector<size_t>{});
  CHECK(equal_members(s.train.triggers[1], {}) == std::vector<size_t>{});
}

TEST_CASE("saved state comes back to the last bit", "[state]") {
  SavedState s = full_state();
  CHECK((parse_state(format_state(s), "x") == s));
  CHECK(format_state(parse_state(format_state(s), "x")) == format_state(s));
  s.train.best_val_loss = s.train.patience.reference = std::numeric_limits<double>::infinity();  // nothing evaluated yet
  s.train.train_loss.reset();
  s.train.round.reset();
  s.train.best_measured.reset();
  s.structure.adapters.reset();
  s.ended.reset();
  s.observing_settings.reset();
  CHECK((parse_state(format_state(s), "x") == s));
}

TEST_CASE("states that differ in one number are not equal", "[state]") {
  SavedState s = full_state();
  s.train.undo_points[0].measured.batch_size = 9;
  CHECK_FALSE((s == full_state()));
}

// The file is read by other tools: keys, their order and their form are part of the format.
TEST_CASE("state.json has its keys in this order", "[state]") {
  const auto json = nlohmann::ordered_json::parse(format_state(full_state()));
  std::vector<std::string> keys;
  for (const auto& [key, value] : json.items()) keys.push_back(key);
  CHECK(keys == std::vector<std::string>{"format",
                                         "gptcore",
                                         "stage",
                                         "step",
                                         "first_step",
                                         "micro_batches",
                                         "samples",
                                         "tokens",
                                         "evaluated_step",
                                         "evaluations_since_best",
                                         "patience_reference",
                                         "best_measured",
                                         "former_bests",
                                         "skips_in_a_row",
                                         "train_loss",
                                         "val_loss",
                                         "best_val_loss",
                                         "seconds",
                                         "started",
                                         "round",
                                         "next_round",
                                         "changed_settings",
                                         "structure",
                                         "journal",
                                         "grad_norm",
                                         "operations",
                                         "undo_points",
                                         "evaluator_failures",
                                         "usual_loss",
                                         "usual_grad_norm",
                                         "rewinds",
                                         "rewind_step",
                                         "loss_scale",
                                         "loss_scale_growth",
                                         "threads",
                                         "saves",
                                         "data",
                                         "vocab_size",
                                         "settings",
                                         "ended_stages",
                                         "observing_settings"});
  CHECK(json["best_measured"].dump() == "[20,8]");
  CHECK(json["structure"].dump() ==
        R"({"model":{"n_layer":"3","n_embd":"8"},"trainable":{"wpe.weight":false},"adapters":[{"layer":"blocks.0.attn.qkv",)"
        R"("use":"lora","values":{"rank":"4","alpha":"0.5"}}]})");
  CHECK(json["undo_points"][0].dump() ==
        R"({"number":3,"operation":1,"val_loss":0.1111111111111111,"evaluations":2,"step":5,"best_step":104,"judged":true,)"
        R"("measured_iters":20,"measured_batch_size":8})");
}

TEST_CASE(
    "a state knows how often the run was saved, what measured it and which stages ended, and one of before says that it does "
    "not",
    "[state]") {
  const SavedState back = parse_state(format_state(full_state()), "x");
  CHECK(back.saves == 4);
  CHECK(back.observing_settings == Settings{{"evaluate.eval_iters", "2"}});
  CHECK(back.ended == std::vector<std::string>{"warmup"});
  auto json = nlohmann::json::parse(format_state(full_state()));
  json.erase("saves");
  json.erase("observing_settings");
  json.erase("ended_stages");
  CHECK(parse_state(json.dump(), "x").saves == 0);
  CHECK_FALSE(parse_state(json.dump(), "x").observing_settings);
  CHECK_FALSE(parse_state(json.dump(), "x").ended);
}

TEST_CASE("a state of before does not know what its best val loss was measured on", "[state]") {
  const TrainState back = parse_state(format_state(full_state()), "x").train;
  CHECK((back.best_measured == EvaluationPlan{20, 8}));
  CHECK(back.former_bests == std::set<int64_t>{3, 8});
  auto json = nlohmann::json::parse(format_state(full_state()));
  json.erase("best_measured");
  json.erase("former_bests");
  CHECK_FALSE(parse_state(json.dump(), "x").train.best_measured);
  CHECK(parse_state(json.dump(), "x").train.former_bests.empty());
}

TEST_CASE("numbers that are not finite come back as they were", "[state]") {
  const double number = GENERATE(std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity(),
                                 -std::numeric_limits<double>::infinity());
  SavedState s = full_state();
  s.train.round->record = {{"val_loss", number}};
  s.train.settings = {{"learning_rate", number}};
  s.train.triggers[1].plateau.reference = number;
  s.train.triggers[1].metric = number;
  s.train.undo_points[0].val_loss = number;
  s.train.spikes.loss = {number, number, 3};
  s.train.best_val_loss = s.train.grad_norm = number;
  s.train.train_loss = s.train.val_loss = number;
  s.loss_scale = number;
  const SavedState back = parse_state(format_state(s), "x");
  CHECK(format_state(back) == format_state(s));
  const std::vector<double> read = {back.train.triggers[1].plateau.reference,
                                    back.train.triggers[1].metric.value_or(0),
                                    back.train.undo_points[0].val_loss,
                                    back.train.spikes.loss.mean,
                                    back.train.spikes.loss.variance,
                                    back.train.best_val_loss,
                                    back.train.grad_norm,
                                    back.train.train_loss.value_or(0),
                                    back.train.val_loss.value_or(0),
                                    back.loss_scale};
  for (const double one : read) CHECK((one == number || (std::isnan(one) && std::isnan(number))));
}

TEST_CASE("an evaluation without targets has no loss, which is not the same as NaN", "[state]") {
  SavedState s = full_state();
  s.train.val_loss.reset();
  CHECK_FALSE(parse_state(format_state(s), "x").train.val_loss);
  s.train.val_loss = std::numeric_limits<double>::quiet_NaN();
  CHECK(parse_state(format_state(s), "x").train.val_loss);
}

TEST_CASE("null in a state of format 6, which stood for all that is not finite, is read as no loss", "[state]") {
  std::string text = format_state(full_state());
  const auto replace = [&](const std::string& from, const std::string& to) { text.replace(text.find(from), from.size(), to); };
  replace("\"format\": 7", "\"format\": 6, \"moments_born\": {}");
  replace("\"train_loss\": 2.5", "\"train_loss\": null");
  replace("\"val_loss\": 2.75", "\"val_loss\": null");
  replace("\"best_val_loss\": 0.3333333333333333", "\"best_val_loss\": null");
  const TrainState t = parse_state(text, "x").train;
  CHECK_FALSE(t.train_loss);
  CHECK_FALSE(t.val_loss);
  CHECK(t.best_val_loss == std::numeric_limits<double>::infinity());
}

TEST_CASE("a state of format 6 knows its operations by the settings", "[state]") {
  SavedState s = full_state();
  s.settings = {{"train.operation.1.use", "\"set_lr\""},
                {"train.operation.1.value", "0.5"},
                {"train.operation.1.on_error", "\"stop\""},
                {"train.operation.1.when", "{ every = 7, at_iter = 5 }"}};
  auto json = nlohmann::json::parse(format_state(s));
  json["format"] = 6;
  for (auto& o : json["operations"]) o.erase("table"), o.erase("gone"), o.erase("policy");
  for (auto& p : json["undo_points"]) p.erase("step");
  json["moments_born"] = nlohmann::json::object();
  json["round"].erase("asked");
  json["round"]["next"] = 1;
  const SavedState back = parse_state(json.dump(), "x");
  CHECK((back.train.triggers[1].table ==
         OperationTable{{"use", "set_lr"}, {"value", "0.5"}, {"when", "every = 7, at_iter = 5"}}));
  CHECK(back.train.triggers[0].table.empty());
  CHECK(back.train.round->asked == std::vector<bool>{true});
  CHECK(back.train.undo_points[0].step == -1);
}

TEST_CASE("a state that does not say how its operations are judged takes that from the settings", "[state]") {
  SavedState s = full_state();
  s.train.triggers[1].gone = false;
  s.train.undo_points = {UndoPoint{}, UndoPoint{}};
  s.train.undo_points[0].operation = s.train.undo_points[1].operation = 1;
  s.train.undo_points[0].evaluations = 2;
  s.train.undo_points[1].evaluations = 1;
  s.settings = {{"train.operation.1.use", "\"set_lr\""},
                {"train.operation.1.value", "0.5"},
                {"train.operation.1.completed", "true"},
                {"train.operation.1.judge_after", "2"},
                {"train.operation.1.undo_if_worse", "0.25"}};
  auto json = nlohmann::json::parse(format_state(s));
  json.erase("next_round");
  for (auto& o : json["operations"]) o.erase("policy"), o.erase("completed"), o.erase("came_late");
  for (auto& p : json["undo_points"]) p.erase("judged");
  const TrainState back = parse_state(json.dump(), "x").train;
  CHECK(back.triggers[1].policy.at("judge_after") == "2");
  CHECK(back.triggers[1].policy.at("undo_if_worse") == "0.25");
  CHECK(back.triggers[1].completed);
  CHECK(back.undo_points[0].judged);
  CHECK_FALSE(back.undo_points[1].judged);
  CHECK_FALSE(back.next_round);
}

TEST_CASE("a state that lacks a field or has another format is refused", "[state]") {
  std::string text = format_state(full_state());
  CHECK_THROWS_AS(parse_state("{", "x"), Error);
  CHECK_THROWS_AS(parse_state("[]", "x"), Error);
  std::string renamed = text;
  renamed.replace(renamed.find("\"tokens\""), 8, "\"tokenz\"");
  CHECK_THROWS_WITH(parse_state(renamed, "x"), Catch::Contains("tokens"));
  std::string unasked = text;
  unasked.replace(unasked.find("evaluation_ended"), 16, "evaluation_begun");
  CHECK_THROWS_WITH(parse_state(unasked, "x"), Catch::Contains("evaluation_begun"));
  text.replace(text.find("\"format\": 7"), 11, "\"format\": 9");
  CHECK_THROWS_WITH(parse_state(text, "x"), Catch::Contains("state format 9 is none of 6 to 7"));
}

TEST_CASE("what changes on resume is named, another model is refused, cosmetics are silent", "[state]") {
  const Settings old{{"model.n_layer", "2"},
                     {"model.dropout", "0.0"},
                     {"run.name", "\"a\""},
                     {"train.learning_rate", "0.001"},
                     {"train.log_interval", "1"}};
  Settings now = old;
  CHECK(changed_settings(old, now, "c").empty());
  now["run.name"] = "\"b\"";
  now["train.log_interval"] = "10";
  CHECK(changed_settings(old, now, "c").empty());
  now["train.learning_rate"] = "0.002";
  now["model.dropout"] = "0.1";
  CHECK(changed_settings(old, now, "c") ==
        std::vector<std::string>{"model.dropout: 0.0 -> 0.1", "train.learning_rate: 0.001 -> 0.002"});
  CHECK(changed_settings({{"tokenizer.dir", "\"a\""}}, {{"tokenizer.dir", "\"b\""}}, "c") ==
        std::vector<std::string>{"tokenizer.dir: \"a\" -> \"b\"; its vocabulary stays the checkpoint's"});
  now["model.n_layer"] = "4";
  CHECK_THROWS_WITH(changed_settings(old, now, "c"), Catch::Contains("model.n_layer is 4 here and 2 there"));
}
