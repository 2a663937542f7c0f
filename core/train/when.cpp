#include "core/train/when.h"

namespace gptcore {

void When::schema(Schema<When>& s) {
  s.param("every", &When::every, "after each update whose number this divides").at_least(1);
  s.param("at_iter", &When::at_iter, "once, after so many updates; 0 = before the first").at_least(0);
  s.param("loss_below", &When::loss_below, "once, at an evaluation with a val loss below this");
  s.param("after_iters", &When::after_iters, "once, at an evaluation after so many updates").at_least(0);
  s.check([](const When& w, Problems& found) {
    const int kinds = w.every.has_value() + w.at_iter.has_value() + (w.loss_below || w.after_iters);
    if (kinds != 1)
      found.push_back({"when", kinds == 0 ? "'when' has no condition" : "'when' has conditions of several kinds",
                       "give every, or at_iter, or loss_below and after_iters (either fires)"});
  });
}

bool When::fires(Event event, int64_t step, double val_loss) const {
  if (event == Event::stage_started) return at_iter == 0;
  if (event == Event::step_ended) return (every && step % *every == 0) || (at_iter && step == *at_iter);
  return event == Event::evaluation_ended && ((loss_below && val_loss < *loss_below) || (after_iters && step >= *after_iters));
}

}  // namespace gptcore
