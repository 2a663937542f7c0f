#include "core/options/run_options.h"

#include <algorithm>

#include "core/options/counts.h"

namespace gptcore {
namespace {

bool is_device(const std::string& text) {
  if (text == "auto" || text == "cpu" || text == "cuda") return true;
  constexpr size_t kPrefix = 5;  // "cuda:"
  return text.starts_with("cuda:") && text.size() > kPrefix && text.size() <= kPrefix + 3 &&
         std::all_of(text.begin() + kPrefix, text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// A run's name is also a folder's name.
bool is_folder_name(const std::string& text) {
  return !text.empty() && text.size() <= 100 && text.front() != '.' && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
  });
}

}  // namespace

void RunOptions::schema(Schema<RunOptions>& s) {
  s.param("name", &RunOptions::name, "results go to runs/<name>; default: the pipeline file's name").cosmetic();
  s.param("out_dir", &RunOptions::out_dir, "folder of the results; \"\" = runs/<name> under the current folder")
      .path()
      .cosmetic();
  s.param("seed", &RunOptions::seed, "start of every random sequence").at_least(0);
  s.param("device", &RunOptions::device, "auto | cpu | cuda | cuda:N");
  s.param("precision", &RunOptions::precision, "of the forward and backward pass")
      .choice("float32")
      .choice("bfloat16", "autocast")
      .choice("float16", "autocast with a gradient scaler");
  s.param("threads", &RunOptions::threads, "CPU threads; 0 = OMP_NUM_THREADS, else all processors this process may use")
      .range(0, static_cast<double>(kMostThreads))
      .cosmetic();
  s.param("peak_tflops", &RunOptions::peak_tflops, "for MFU; 0 = the device's known peak, on a CPU a measured sgemm")
      .at_least(0)
      .cosmetic();

  s.check([](const RunOptions& o, Problems& found) {
    if (!is_device(o.device))
      found.push_back({"device", "'device' expects auto, cpu, cuda or cuda:N, got " + to_toml(Value(o.device)), {}});
    if (!is_folder_name(o.name))
      found.push_back({"name", "'name' expects letters, digits, '.', '_' and '-', got " + to_toml(Value(o.name)),
                       "give a folder elsewhere as out_dir"});
  });
}

}  // namespace gptcore
