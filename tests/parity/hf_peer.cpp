// The other side of hf_vs_transformers.py: logits of a Hugging Face folder, as the model "gpt" computes them.
// Standard input: lines "B T" and then B T ids. For each the answer is B T V float32 in the machine's bytes.
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>

#include <cstdio>

#include "core/base/file_system.h"
#include "core/builtin/hf_config.h"
#include "core/interchange/hf_weights.h"
#include "core/model/gpt.h"

int main(int argc, char** argv) {
  using namespace gptcore;
  if (argc != 2) {
    std::fprintf(stderr, "hf_peer FOLDER\n");
    return 2;
  }
  GptOptions options;
  schema_of<GptOptions>().assign(read_hf_config(argv[1]), options);
  Gpt model(options);
  model.open({});
  load_hf_weights(*posix_file_system(), argv[1], GptWeights(options, model.parameters()));
  model.train(false);
  const at::NoGradGuard no_grad;
  long rows = 0, columns = 0;
  while (std::scanf("%ld %ld", &rows, &columns) == 2) {
    const at::Tensor ids = at::empty({rows, columns}, at::kLong);
    for (int64_t i = 0; i < ids.numel(); ++i) {
      long id = 0;
      if (std::scanf("%ld", &id) != 1) return 1;
      ids.mutable_data_ptr<int64_t>()[i] = id;
    }
    const at::Tensor logits = model.logits(ids).contiguous();
    std::fwrite(logits.const_data_ptr(), 1, logits.nbytes(), stdout);
    std::fflush(stdout);
  }
  return 0;
}
