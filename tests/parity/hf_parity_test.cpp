// A Hugging Face folder against the logits that transformers computed of it: tests/parity/make_hf_reference.py.
#include <ATen/core/grad_mode.h>

#include "core/base/file_system.h"
#include "core/builtin/hf_config.h"
#include "core/interchange/hf_weights.h"
#include "core/model/gpt.h"
#include "reference.h"
#include "tests/catch.h"

using namespace gptcore;

TEST_CASE("a Hugging Face folder gives transformers' logits to 1e-5", "[parity]") {
  const Reference reference("hf_gpt2/logits");
  const std::string folder = std::string(std::getenv("GPTCORE_SOURCE")) + "/tests/parity/reference/hf_gpt2";
  GptOptions options;
  schema_of<GptOptions>().assign(read_hf_config(folder), options);
  Gpt model(options);
  model.open({});
  load_hf_weights(*posix_file_system(), folder, GptWeights(options, model.parameters()));
  model.train(false);
  const at::NoGradGuard no_grad;
  CHECK(difference(model.logits(reference.get("ids")), reference.get("logits")) < 1e-5);
}
