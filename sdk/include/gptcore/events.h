// The events of a run, which loggers receive as records, and when each is emitted. event_fields.h lists the fields of each.
//
//   run_started                                          once
//   for each stage:  stage_started                       once a stage
//     loop:          step_ended                          every log_interval updates
//                    evaluation_started, evaluation_ended  every eval_interval updates, and in an evaluate stage once
//                    item_evaluated                      once a record of an evaluator
//                    operation                           each phase of an operation that fired: start, success, error,
//                                                        reevaluation, undo; rewind (operation "on_spike") after a loss spike
//                    model_edited                        when an operation changed the model or the training
//                    checkpoint_saved                    when a checkpoint is on disk
//                    sampled                             once a generated text
//                    stage_ended                         once a stage that came to its end
//   interrupted | failed                                 at most once
//   run_ended                                            once, also after interrupted and failed
//
// Metrics of evaluations and the loss of step_ended are means over all ranks.
#pragma once

#include <cstdint>
#include <string>

#include "gptcore/value.h"

namespace gptcore {

enum class Event : uint32_t {
  run_started,
  run_ended,
  stage_started,
  stage_ended,
  step_ended,
  evaluation_started,
  evaluation_ended,
  model_edited,
  checkpoint_saved,
  sampled,
  interrupted,
  failed,
  item_evaluated,
  operation,
};
inline constexpr int kEvents = 14;

// "run_started", ...
const char* name_of(Event event);

using EventSet = uint32_t;
inline constexpr EventSet kAllEvents = (EventSet{1} << kEvents) - 1;
// Returns the set of its arguments: on(Event::step_ended, Event::evaluation_ended).
template <class... Events> constexpr EventSet on(Events... events) {
  return ((EventSet{1} << static_cast<uint32_t>(events)) | ... | EventSet{0});
}

struct Record {
  Event event = Event::run_started;
  int64_t step = 0;    // updates done so far
  double seconds = 0;  // since this process started the run, monotonic
  Table fields;        // by name, see event_fields.h
};

}  // namespace gptcore
