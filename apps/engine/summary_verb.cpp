// The model that a config describes, before anything is trained: parameters, memory, cost.
#include <cstdio>
#include <nlohmann/json.hpp>

#include "apps/engine/verbs.h"
#include "core/base/file_system.h"
#include "core/base/text.h"
#include "core/pipeline/session.h"

namespace gptcore {
namespace {

using Json = nlohmann::ordered_json;

std::string mebibytes(double bytes) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f MiB", bytes / (1 << 20));
  return text;
}

// "blocks.3.attn.qkv.weight" is printed below "blocks.3.attn": path parts open as they change.
void print_tree(const std::vector<Parameter>& parameters) {
  std::vector<std::string> open;
  for (const Parameter& p : parameters) {
    std::vector<std::string> parts;
    for (size_t begin = 0, dot = 0; dot != std::string::npos; begin = dot + 1) {
      dot = p.name.find('.', begin);
      parts.push_back(p.name.substr(begin, dot == std::string::npos ? dot : dot - begin));
    }
    size_t same = 0;
    while (same < open.size() && same + 1 < parts.size() && open[same] == parts[same]) ++same;
    for (size_t i = same; i + 1 < parts.size(); ++i) std::printf("%*s%s\n", static_cast<int>(2 * i), "", parts[i].c_str());
    parts.back() += "  ";
    std::printf("%*s%-*s%-18s %15s%s\n", static_cast<int>(2 * (parts.size() - 1)), "",
                28 - static_cast<int>(2 * (parts.size() - 1)), parts.back().c_str(), shape_text(p.tensor.sizes()).c_str(),
                grouped(p.tensor.numel()).c_str(), p.decays() ? "" : "  no decay");
    parts.pop_back();
    open = parts;
  }
}

}  // namespace

int summary_verb(const SummaryRequest& request) {
  auto options = request.config.run.as<RunOptions>();
  options.device = "cpu";
  options.threads = 1;  // nothing is computed
  Session session(options, request.plugin_files);
  // The vocabulary of a learned tokenizer is in the data: read it only when the model's size hangs on it.
  const Value* vocab = find(request.config.model.values, "vocab_size");
  if (!vocab || vocab->as<int64_t>() == 0) {
    const auto files = posix_file_system();
    session.open_tokenizer(request.config, *files, nullptr);
    session.open_dataset(request.config, static_cast<uint64_t>(options.seed), *files, nullptr);
  }
  session.open_model(request.config);
  const std::vector<Parameter> parameters = session.model->parameters();
  int64_t total = 0, positions = 0;
  Json listed = Json::array();
  for (const Parameter& p : parameters) {
    total += p.tensor.numel();
    if (p.name == "wpe.weight") positions = p.tensor.numel();
    listed.push_back(
        {{"name", p.name}, {"shape", p.tensor.sizes().vec()}, {"count", p.tensor.numel()}, {"decays", p.decays()}});
  }
  const double bytes = 4.0 * static_cast<double>(total), flops = session.model->flops_per_token();
  if (request.json) {
    std::printf("%s\n", Json{{"parameters", listed},
                             {"total", total},
                             {"without_positions", total - positions},
                             {"memory_bytes", {{"weights", bytes}, {"gradients", bytes}, {"moments", 2 * bytes}}},
                             {"flops_per_token", flops}}
                            .dump(2)
                            .c_str());
    return 0;
  }
  print_tree(parameters);
  std::printf("\nparameters         %s (%s without positions)\n", grouped(total).c_str(), grouped(total - positions).c_str());
  std::printf("memory, float32    weights %s, gradients %s, moments %s\n", mebibytes(bytes).c_str(), mebibytes(bytes).c_str(),
              mebibytes(2 * bytes).c_str());
  std::printf("FLOPs per token    %.1f M to train (6 N + 12 L H Q T, N without positions)\n", flops / 1e6);
  return 0;
}

}  // namespace gptcore
