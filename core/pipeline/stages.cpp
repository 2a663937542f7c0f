#include "core/pipeline/stages.h"

#include <unistd.h>

#include "core/model/gpt.h"
#include "core/pipeline/tensor_files.h"
#include "gptcore/error.h"

namespace gptcore {
namespace {

void announce(StageContext& c) {
  int64_t count = 0;
  for (const Parameter& p : c.session.model->parameters()) count += p.tensor.numel();
  c.bus.emit(Event::run_started, c.global_step(),
             {{"name", c.run.name},
              {"run_dir", c.run_dir.string()},
              {"params", count},
              {"device", c.session.device.str()},
              {"precision", c.run.precision},
              {"threads", c.session.threads}});
}

bool run_stage(StageContext& c, const StageConfig& stage) {
  if (stage.kind == "train") return run_train_stage(c, stage);
  return stage.kind == "evaluate" ? run_evaluate_stage(c, stage) : run_sample_stage(c, stage);
}

// Train stages before the one that the checkpoint was made in are done.
bool trained_before(const StageContext& c, size_t index) {
  if (!c.resumed || !c.saved) return false;
  for (size_t later = index + 1; later < c.config.stages.size(); ++later)
    if (c.config.stages[later].name == c.saved->stage) return true;
  return false;
}

}  // namespace

bool is_terminal() {
  return isatty(STDOUT_FILENO) != 0;
}

void StageContext::load(const Checkpoint* checkpoint) {
  if (!checkpoint) {
    session.model->place(at::kCPU, session.compute);  // values come from counters on the CPU, the same for every device
    init_parameters(session.model->parameters(), static_cast<uint64_t>(run.seed));
    session.model->place(session.device, session.compute);
    return;
  }
  const std::string where = checkpoint->directory.string();
  saved = read_state(files, *checkpoint);
  journal = saved->journal;
  for (const std::string& change : changed_settings(saved->settings, settings_of(config), where))
    session.host.log(Level::info, "resume: " + change);
  if (session.dataset && saved->data != session.dataset->fingerprint())
    session.host.log(Level::warning,
                     "the data is not what it was when " + where + " was made: the run goes on, but as another run");
  load_tensors(files, *checkpoint, "model.safetensors", named_tensors(session.model->parameters()));
  resumed = *checkpoint;
  last_checkpoint = where;
  session.host.log(Level::info, "resuming from " + where);
}

int run_stages(StageContext& c) {
  announce(c);
  StageProgress progress(c.files, c.run_dir);
  for (size_t i = 0; i < c.config.stages.size(); ++i) {
    const StageConfig& stage = c.config.stages[i];
    const bool trains = stage.kind == "train";
    if (trains ? trained_before(c, i) : progress.done(stage.name, c.global_step())) continue;
    c.bus.emit(Event::stage_started, c.global_step(), {{"name", stage.name}, {"kind", stage.kind}});
    if (!run_stage(c, stage)) {
      const int signal = c.signals.received();
      c.bus.emit(Event::interrupted, c.global_step(), {{"signal", static_cast<int64_t>(signal)}});
      return StopSignals::exit_code_of(signal);
    }
    if (!trains) progress.mark(stage.name, c.global_step());
    c.bus.emit(Event::stage_ended, c.global_step(), {{"name", stage.name}, {"kind", stage.kind}});
  }
  return 0;
}

}  // namespace gptcore
