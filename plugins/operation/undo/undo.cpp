// Undoes the stage's last operation and the training since.
#include "../scheduled.h"
#include "gptcore/plugin.h"

namespace {

using namespace gptcore;

struct UndoLast final : operations::Scheduled {
  static constexpr Effects effects = kUndoes;
  static void schema(Schema<UndoLast>&) {}
  void plan(const TrainingView&, ModelEdit& edit) override {
    auto* const undo = extension_of<Undo>(edit);
    if (!undo) throw Error(Code::plugin_refused, "this program cannot undo operations", "use a newer gptcore");
    undo->last_operation();
  }
};

void setup(Registrar& r) {
  r.operation<UndoLast>("undo", "goes back to before the stage's last operation, and on without it");
}

}  // namespace

GPTCORE_PLUGIN("undo", GPTCORE_VERSION, setup)
