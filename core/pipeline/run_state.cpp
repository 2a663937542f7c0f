#include "core/pipeline/run_state.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include "core/base/file_system.h"
#include "core/base/json_fault.h"
#include "core/config/document.h"
#include "core/config/operation_keys.h"
#include "core/config/owner.h"
#include "core/pipeline/json_numbers.h"
#include "core/pipeline/completed_state.h"
#include "core/pipeline/structure_json.h"
#include "gptcore/error.h"
#include "gptcore/version.h"

namespace gptcore {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kFormat = 7, kOldestFormat = 6;
constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

void add(Settings& all, const std::string& prefix, const Section& section) {
  if (!section.use.empty()) all[prefix + ".use"] = to_toml(Value(section.use));
  for (const auto& [key, value] : section.values) all[prefix + "." + key] = to_toml(value);
}

Settings texts_of(const Table& table) {
  Settings all;
  for (const auto& [key, value] : table) all[key] = to_toml(value);
  return all;
}

Table table_of(const Json& json) {
  Table table;
  for (const auto& [key, value] : json.items()) table.emplace_back(key, parse_value(value.get<std::string>()));
  return table;
}

Json triggers_json(const std::vector<TriggerState>& triggers) {
  Json all = Json::array();
  for (const TriggerState& t : triggers)
    all.push_back({{"status", name_of(t.status)},
                   {"fired", t.fired},
                   {"last_step", t.last_step},
                   {"best_loss", number_json(t.plateau.reference)},
                   {"evaluations_since_best", t.plateau.evaluations},
                   {"metric", number_json(t.metric)},
                   {"at_iter_passed", t.at_iter_passed},
                   {"came_late", t.came_late},
                   {"completed", t.completed},
                   {"table", t.table},
                   {"policy", t.policy},
                   {"gone", t.gone}});
  return all;
}

TriggerState trigger_of(const Json& json, const std::string& where) {
  TriggerState t;
  const auto status = operation_status(json.at("status").get<std::string>());
  if (!status)
    throw Error(Code::checkpoint_corrupt, "an operation's status is " + json.at("status").dump(),
                "resume from an older checkpoint", where);
  t.status = *status;
  json.at("fired").get_to(t.fired);
  json.at("last_step").get_to(t.last_step);
  t.plateau.reference = number_of(json.at("best_loss"), kInfinity);
  json.at("evaluations_since_best").get_to(t.plateau.evaluations);
  if (!json.at("metric").is_null()) t.metric = number_of(json.at("metric"));
  json.at("at_iter_passed").get_to(t.at_iter_passed);
  if (!json.contains("table")) return t;  // of format 6
  json.at("table").get_to(t.table);
  json.at("gone").get_to(t.gone);
  if (!json.contains("policy")) return t;
  json.at("policy").get_to(t.policy);
  json.at("completed").get_to(t.completed);
  json.at("came_late").get_to(t.came_late);
  return t;
}

Json points_json(const std::vector<UndoPoint>& points) {
  Json all = Json::array();
  for (const UndoPoint& p : points)
    all.push_back({{"number", p.number},
                   {"operation", p.operation},
                   {"val_loss", number_json(p.val_loss)},
                   {"evaluations", p.evaluations},
                   {"step", p.step},
                   {"best_step", p.best_step},
                   {"judged", p.judged},
                   {"measured_iters", p.measured.iters},
                   {"measured_batch_size", p.measured.batch_size}});
  return all;
}

UndoPoint point_of(const Json& json) {
  UndoPoint p;
  json.at("number").get_to(p.number);
  json.at("operation").get_to(p.operation);
  p.val_loss = number_of(json.at("val_loss"), kNan);
  json.at("evaluations").get_to(p.evaluations);
  if (!json.contains("step")) return p;  // of format 6
  json.at("step").get_to(p.step);
  json.at("best_step").get_to(p.best_step);
  p.measured = {json.at("measured_iters").get<int64_t>(), json.at("measured_batch_size").get<int64_t>()};
  p.judged = json.value("judged", false);
  return p;
}

// Returns the table of the stage's operation `index`, with an empty name when there is none.
std::pair<std::string, Table> operation_in(const Settings& settings, const std::string& stage, size_t index) {
  const std::string prefix = stage + ".operation." + std::to_string(index) + ".";
  std::string use;
  Table values;
  for (const auto& [key, text] : settings) {
    if (!key.starts_with(prefix)) continue;
    Value value = parse_value(text);
    if (key == prefix + "use")
      use = value.is<std::string>() ? value.as<std::string>() : text;
    else
      values.emplace_back(key.substr(prefix.size()), std::move(value));
  }
  return {use, values};
}

// Fills in from the settings what older checkpoints do not store of the stage's operation `index`.
void fill_in(const Settings& settings, const std::string& stage, size_t index, TriggerState& state) {
  const auto [use, values] = operation_in(settings, stage, index);
  if (use.empty()) return;
  if (state.table.empty()) state.table = operation_table(use, values);
  state.policy = operation_policy(values);
  state.completed = operation_keys(values).completed;
}

// Returns whether an older checkpoint's point was judged: `judge_after` evaluations or more have followed it.
bool was_judged(const UndoPoint& point, const std::vector<TriggerState>& triggers) {
  const auto index = static_cast<size_t>(point.operation);
  if (index >= triggers.size()) return false;
  const auto after = triggers[index].policy.find("judge_after");
  return after != triggers[index].policy.end() && point.evaluations >= std::stoll(after->second);
}

Json round_json(const Round& r) {
  return {{"event", name_of(r.event)}, {"record", texts_of(r.record)}, {"judged", r.judged}, {"asked", r.asked}};
}

Round round_of(const Json& json, const std::string& where) {
  for (const Event event : {Event::stage_started, Event::step_ended, Event::evaluation_ended})
    if (json.at("event") == name_of(event)) {
      const bool flags = json.contains("asked");  // else of format 6
      return {event, table_of(json.at("record")), json.at("judged").get<bool>(),
              flags ? json.at("asked").get<std::vector<bool>>() : std::vector<bool>(json.at("next").get<size_t>(), true)};
    }
  throw Error(Code::checkpoint_corrupt, "operations follow the unknown event " + json.at("event").dump(),
              "resume from an older checkpoint", where);
}

Json running_json(const Running& r) {
  return {{"mean", number_json(r.mean)}, {"variance", number_json(r.variance)}, {"count", r.count}};
}

Running running_of(const Json& json) {
  return {number_of(json.at("mean"), kNan), number_of(json.at("variance"), kNan), json.at("count").get<int64_t>()};
}

// Returns whether the setting must be equal for the weights of one model to fit the other.
bool is_identity(const std::string& key) {
  return (key.starts_with("model.") && key != "model.dropout" && key != "model.preset" && key != "model.init_from") ||
         key == "tokenizer.use" || (key.starts_with("adapter.") && !key.ends_with(".train_base"));
}

}  // namespace

Settings settings_of(const PipelineConfig& config) {
  Settings all;
  add(all, "run", config.run);
  if (config.tokenizer) add(all, "tokenizer", *config.tokenizer);
  if (config.dataset) add(all, "dataset", *config.dataset);
  add(all, "model", config.model);
  for (const Section& adapter : config.adapters) add(all, adapter.path, adapter);
  for (const StageConfig& stage : config.stages)
    if (stage.kind == "train") {
      add(all, stage.name, stage.table);
      for (const Section& operation : stage.operations) add(all, operation.path.substr(std::strlen("stage.")), operation);
    }
  return all;
}

Settings observing_settings_of(const PipelineConfig& config) {
  Settings all;
  for (const StageConfig& stage : config.stages) {
    if (stage.kind != "train") add(all, stage.name, stage.table);
    for (const Section& evaluator : stage.evaluators) add(all, evaluator.path.substr(std::strlen("stage.")), evaluator);
  }
  return all;
}

std::string format_state(const SavedState& s) {
  const TrainState& t = s.train;
  Json json = {{"format", kFormat},
               {"gptcore", GPTCORE_VERSION},
               {"stage", s.stage},
               {"step", t.step},
               {"first_step", s.first_step},
               {"micro_batches", t.micro_batches},
               {"samples", t.samples},
               {"tokens", t.tokens},
               {"evaluated_step", t.evaluated_step},
               {"evaluations_since_best", t.patience.evaluations},
               {"patience_reference", number_json(t.patience.reference)},
               {"best_measured", t.best_measured ? Json{t.best_measured->iters, t.best_measured->batch_size} : Json()},
               {"former_bests", t.former_bests},
               {"skips_in_a_row", t.skips_in_a_row},
               {"train_loss", number_json(t.train_loss)},
               {"val_loss", number_json(t.val_loss)},
               {"best_val_loss", t.best_val_loss == kInfinity ? Json() : number_json(t.best_val_loss)},
               {"seconds", number_json(t.seconds)},
               {"started", t.started},
               {"round", t.round ? round_json(*t.round) : Json()},
               {"next_round", t.next_round ? round_json(*t.next_round) : Json()},
               {"changed_settings", texts_of(t.settings)},
               {"structure", structure_json(s.structure)},
               {"journal", journal_json(s.journal)},
               {"grad_norm", number_json(t.grad_norm)},
               {"operations", triggers_json(t.triggers)},
               {"undo_points", points_json(t.undo_points)},
               {"evaluator_failures", t.evaluator_failures},
               {"usual_loss", running_json(t.spikes.loss)},
               {"usual_grad_norm", running_json(t.spikes.grad_norm)},
               {"rewinds", t.spikes.rewinds},
               {"rewind_step", t.rewind_step},
               {"loss_scale", number_json(s.loss_scale)},
               {"loss_scale_growth", s.loss_scale_growth},
               {"threads", s.threads},
               {"saves", s.saves},
               {"data", s.data},
               {"vocab_size", s.vocab_size},
               {"settings", s.settings}};
  if (s.ended) json["ended_stages"] = *s.ended;
  if (s.observing_settings) json["observing_settings"] = *s.observing_settings;
  return json.dump(2) + "\n";
}

SavedState parse_state(const std::string& text, const std::string& where) {
  try {
    const Json json = Json::parse(text);
    const int64_t format = json.at("format").get<int64_t>();
    if (format < kOldestFormat || format > kFormat)
      throw Error(Code::checkpoint_mismatch,
                  "state format " + std::to_string(format) + " is none of " + std::to_string(kOldestFormat) + " to " +
                      std::to_string(kFormat),
                  "use the gptcore that wrote it", where);
    const auto loss = [&](const char* key) -> std::optional<double> {
      const Json& number = json.at(key);
      return number.is_null() ? std::nullopt : std::optional(number_of(number));
    };
    SavedState s;
    TrainState& t = s.train;
    json.at("stage").get_to(s.stage);
    json.at("step").get_to(t.step);
    json.at("first_step").get_to(s.first_step);
    json.at("micro_batches").get_to(t.micro_batches);
    json.at("samples").get_to(t.samples);
    json.at("tokens").get_to(t.tokens);
    json.at("evaluated_step").get_to(t.evaluated_step);
    json.at("evaluations_since_best").get_to(t.patience.evaluations);
    json.at("skips_in_a_row").get_to(t.skips_in_a_row);
    t.train_loss = loss("train_loss");
    t.val_loss = loss("val_loss");
    t.best_val_loss = number_of(json.at("best_val_loss"), kInfinity);
    t.patience.reference = t.best_val_loss;  // the same in checkpoints without the next key
    if (json.contains("patience_reference")) t.patience.reference = number_of(json.at("patience_reference"), kInfinity);
    if (json.contains("best_measured") && !json.at("best_measured").is_null())
      t.best_measured = {json.at("best_measured").at(0).get<int64_t>(), json.at("best_measured").at(1).get<int64_t>()};
    t.former_bests = json.value("former_bests", t.former_bests);
    t.seconds = number_of(json.at("seconds"), 0);
    json.at("started").get_to(t.started);
    t.settings = table_of(json.at("changed_settings"));
    if (!json.at("round").is_null()) t.round = round_of(json.at("round"), where);
    if (json.contains("next_round") && !json.at("next_round").is_null()) t.next_round = round_of(json.at("next_round"), where);
    if (format == 6) s.born = json.at("moments_born").get<std::map<std::string, int64_t>>();
    s.structure = structure_of(json.at("structure"));
    s.journal = journal_of(json.at("journal"));
    t.grad_norm = number_of(json.at("grad_norm"), kNan);
    for (const Json& saved : json.at("operations")) t.triggers.push_back(trigger_of(saved, where));
    for (const Json& point : json.at("undo_points")) t.undo_points.push_back(point_of(point));
    t.evaluator_failures = json.value("evaluator_failures", t.evaluator_failures);
    t.spikes = {running_of(json.at("usual_loss")), running_of(json.at("usual_grad_norm")), json.at("rewinds").get<int64_t>()};
    t.rewind_step = json.value("rewind_step", t.step);
    s.loss_scale = number_of(json.at("loss_scale"), kNan);
    json.at("loss_scale_growth").get_to(s.loss_scale_growth);
    json.at("data").get_to(s.data);
    s.vocab_size = json.value("vocab_size", int64_t{0});
    s.saves = json.value("saves", int64_t{0});
    json.at("settings").get_to(s.settings);
    if (json.contains("ended_stages")) s.ended = json.at("ended_stages").get<std::vector<std::string>>();
    if (json.contains("observing_settings")) s.observing_settings = json.at("observing_settings").get<Settings>();
    const auto threads = s.settings.find("run.threads");  // older checkpoints have no key of their own
    s.threads = json.value("threads", threads == s.settings.end() ? 0 : int64_t{std::stoll(threads->second)});
    for (size_t i = 0; i < t.triggers.size(); ++i)
      if (t.triggers[i].policy.empty() && !t.triggers[i].gone) fill_in(s.settings, s.stage, i, t.triggers[i]);
    const Json& points = json.at("undo_points");
    for (size_t i = 0; i < points.size(); ++i)
      if (!points[i].contains("judged")) t.undo_points[i].judged = was_judged(t.undo_points[i], t.triggers);
    return s;
  } catch (const Json::exception& e) {
    throw Error(Code::checkpoint_corrupt, "state.json does not fit its format: " + json_fault(e.what()),
                "resume from an older checkpoint", where);
  }
}

SavedState read_state(FileSystem& files, const Checkpoint& checkpoint) {
  SavedState saved = parse_state(checkpoint.text(files, "state.json"), (checkpoint.directory / "state.json").string());
  complete_state(saved, files, checkpoint);
  return saved;
}

void require_readable(FileSystem& files, const Checkpoint& checkpoint) {
  read_state(files, checkpoint);
  for (const FileRecord& file : checkpoint.manifest.files)
    if (file.name.ends_with(".safetensors")) checkpoint.tensors(files, file.name);
}

std::vector<OperationTable> operations_in(const Settings& settings, const std::string& stage) {
  std::vector<OperationTable> all;
  while (true) {
    const auto [use, values] = operation_in(settings, stage, all.size());
    if (use.empty()) return all;
    all.push_back(operation_table(use, values));
  }
}

bool other_model(const Settings& saved, const Settings& now) {
  const auto differs = [](const Settings& a, const Settings& b) {
    return std::any_of(a.begin(), a.end(), [&](const auto& entry) {
      if (!is_identity(entry.first)) return false;
      const auto found = b.find(entry.first);
      return found == b.end() || found->second != entry.second;
    });
  };
  return differs(saved, now) || differs(now, saved);
}

std::vector<std::string> changed_settings(const Settings& saved, const Settings& now, const std::string& checkpoint,
                                          bool allow_other_model) {
  std::vector<std::string> changes;
  std::string mismatch;
  bool other_tokens = false;
  std::set<std::string> told;  // tables that only one of them has
  const auto lacks = [](const Settings& all, const std::string& table) {
    const auto first = all.lower_bound(table + ".");
    return first == all.end() || !first->first.starts_with(table + ".");
  };
  const auto compare = [&](const std::string& key, const std::string& old_value, const std::string& new_value) {
    if (old_value == new_value || is_cosmetic(key)) return;
    if (is_identity(key) && (!allow_other_model || key == "tokenizer.use")) {
      other_tokens |= key == "tokenizer.use";
      mismatch += (mismatch.empty() ? "" : ", ") + key + " is " + new_value + " here and " + old_value + " there";
    } else if (const std::string table = key.substr(0, key.find('.')); lacks(saved, table) || lacks(now, table)) {
      if (told.insert(table).second)
        changes.push_back(table + " is " + (lacks(now, table) ? "absent" : "new") + " in this pipeline");
    } else
      changes.push_back(key + ": " + old_value + " -> " + new_value +
                        (key.starts_with("tokenizer.") ? "; its vocabulary stays the checkpoint's" : ""));
  };
  for (const auto& [key, value] : saved) {
    const auto found = now.find(key);
    compare(key, value, found == now.end() ? "absent" : found->second);
  }
  for (const auto& [key, value] : now)
    if (!saved.contains(key)) compare(key, "absent", value);
  if (!mismatch.empty())
    throw Error(
        Code::checkpoint_mismatch, "the checkpoint is of another model: " + mismatch,
        "set the old values, choose another run.name, start over with --overwrite, or " +
            (other_tokens ? "start a new run with model.init_from = \"ckpt:" + checkpoint + "\": each token's row comes along"
                          : std::string("keep what fits with --allow-arch-change")),
        checkpoint);
  return changes;
}

std::vector<std::string> replace_changed(SavedState& saved, const Settings& now) {
  std::vector<std::string> lines;
  std::erase_if(saved.train.settings, [&](const auto& set) {
    const std::string key = saved.stage + "." + set.first;
    const Settings::const_iterator before = saved.settings.find(key), fresh = now.find(key);
    if (before == saved.settings.end() || fresh == now.end() || before->second == fresh->second) return false;
    lines.push_back(key + " = " + fresh->second + " replaces " + to_toml(set.second) + ", which an operation had set");
    return true;
  });
  return lines;
}

}  // namespace gptcore
