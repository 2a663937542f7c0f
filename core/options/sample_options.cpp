#include "core/options/sample_options.h"

namespace gptcore {

void SampleOptions::schema(Schema<SampleOptions>& s) {
  s.param("prompt", &SampleOptions::prompt,
          "what the text starts with, or FILE:path, which counts from the pipeline file's folder");
  s.param("num_samples", &SampleOptions::num_samples, "number of texts").range(1, 1e6);
  s.param("max_new_tokens", &SampleOptions::max_new_tokens, "length of each").range(1, 1e9).unit("tokens");
  s.param("temperature", &SampleOptions::temperature, "above 1 wilder, below 1 safer; 0 = always the likeliest").range(0, 1e3);
  s.param("top_k", &SampleOptions::top_k, "choose among this many likeliest tokens; 0 = among all").range(0, 1e9);
  s.param("top_p", &SampleOptions::top_p, "choose among the likeliest tokens that together have this probability")
      .above(0)
      .range(0, 1);
  s.param("repetition_penalty", &SampleOptions::repetition_penalty, "above 1: tokens in the context become less likely")
      .range(0.01, 100);
  s.param("stop", &SampleOptions::stop, "a text ends before the first of these");
}

}  // namespace gptcore
