// The fields of a checkpoint's state.json, in the order of the file. Writing and reading both follow these lists, so that a new
// field is one line: `optional`, because older checkpoints lack it. What older checkpoints store otherwise is in older_state.h.
#pragma once

#include <concepts>

#include "core/pipeline/json_fields.h"
#include "core/pipeline/run_state.h"

namespace gptcore {

// Holds for T and const T.
template <class S, class T>
concept Is = std::same_as<std::remove_const_t<S>, T>;

nlohmann::ordered_json to_field(OperationStatus status);
nlohmann::ordered_json to_field(Event event);
nlohmann::ordered_json to_field(const EvaluationPlan& plan);
// Throw Error(checkpoint_corrupt), without a place, for an unknown name.
void from_field(const nlohmann::ordered_json& json, OperationStatus& status);
void from_field(const nlohmann::ordered_json& json, Event& event);
void from_field(const nlohmann::ordered_json& json, EvaluationPlan& plan);

template <class Fields, Is<AdapterInfo> S> void list_fields(Fields& f, S& adapter) {
  f.required("layer", adapter.layer);
  f.required("use", adapter.item);
  f.required("values", adapter.values);
}

template <class Fields, Is<Structure> S> void list_fields(Fields& f, S& structure) {
  f.required("model", structure.keys);
  f.required("trainable", structure.trainable);
  f.required("adapters", structure.adapters);
}

template <class Fields, Is<JournalEntry> S> void list_fields(Fields& f, S& entry) {
  f.required("step", entry.step);
  f.required("operation", entry.operation);
  f.required("changes", entry.changes);
}

template <class Fields, Is<TriggerState> S> void list_fields(Fields& f, S& t) {
  f.required("status", t.status);
  f.required("fired", t.fired);
  f.required("last_step", t.last_step);
  f.required("best_loss", t.plateau.reference);
  f.required("evaluations_since_best", t.plateau.evaluations);
  f.required("metric", t.metric);
  f.required("at_iter_passed", t.at_iter_passed);
  f.optional("came_late", t.came_late);
  f.optional("completed", t.completed);
  f.optional("table", t.table);
  f.optional("policy", t.policy);
  f.optional("gone", t.gone);
}

template <class Fields, Is<UndoPoint> S> void list_fields(Fields& f, S& p) {
  f.required("number", p.number);
  f.required("operation", p.operation);
  f.required("val_loss", p.val_loss);
  f.required("evaluations", p.evaluations);
  f.optional("step", p.step);
  f.optional("best_step", p.best_step);
  f.optional("judged", p.judged);
  f.optional("measured_iters", p.measured.iters);
  f.optional("measured_batch_size", p.measured.batch_size);
}

template <class Fields, Is<Round> S> void list_fields(Fields& f, S& round) {
  f.required("event", round.event);
  f.sorted("record", round.record);
  f.required("judged", round.judged);
  f.optional("asked", round.asked);
}

template <class Fields, Is<Running> S> void list_fields(Fields& f, S& running) {
  f.required("mean", running.mean);
  f.required("variance", running.variance);
  f.required("count", running.count);
}

template <class Fields, Is<SavedState> S> void list_fields(Fields& f, S& s) {
  auto& t = s.train;
  f.required("stage", s.stage);
  f.required("step", t.step);
  f.required("first_step", s.first_step);
  f.required("micro_batches", t.micro_batches);
  f.required("samples", t.samples);
  f.required("tokens", t.tokens);
  f.required("evaluated_step", t.evaluated_step);
  f.required("evaluations_since_best", t.patience.evaluations);
  f.optional("patience_reference", t.patience.reference);
  f.optional("best_measured", t.best_measured);
  f.optional("former_bests", t.former_bests);
  f.required("skips_in_a_row", t.skips_in_a_row);
  f.required("train_loss", t.train_loss);
  f.required("val_loss", t.val_loss);
  f.unless_infinite("best_val_loss", t.best_val_loss);
  f.required("seconds", t.seconds);
  f.required("started", t.started);
  f.required("round", t.round);
  f.optional("next_round", t.next_round);
  f.sorted("changed_settings", t.settings);
  f.required("structure", s.structure);
  f.required("journal", s.journal);
  f.required("grad_norm", t.grad_norm);
  f.required("operations", t.triggers);
  f.required("undo_points", t.undo_points);
  f.optional("evaluator_failures", t.evaluator_failures);
  f.required("usual_loss", t.spikes.loss);
  f.required("usual_grad_norm", t.spikes.grad_norm);
  f.required("rewinds", t.spikes.rewinds);
  f.optional("rewind_step", t.rewind_step);
  f.required("loss_scale", s.loss_scale);
  f.required("loss_scale_growth", s.loss_scale_growth);
  f.optional("threads", s.threads);
  f.optional("saves", s.saves);
  f.required("data", s.data);
  f.optional("vocab_size", s.vocab_size);
  f.required("settings", s.settings);
  f.if_known("ended_stages", s.ended);
  f.if_known("observing_settings", s.observing_settings);
}

}  // namespace gptcore
