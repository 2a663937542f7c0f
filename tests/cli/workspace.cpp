#include "tests/cli/workspace.h"

#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>

namespace gptcore::test {
namespace {

namespace fs = std::filesystem;

// One thread: two would wait for each other on a busy machine.
constexpr const char* kPipeline = R"([run]
name = "tiny"
out_dir = "out"
device = "cpu"
threads = 1

[tokenizer]
use = "byte"

[dataset]
use = "text"
files = ["input.txt"]

[model]
n_layer = 2
n_head = 2
n_embd = 16
block_size = 16
dropout = 0.1

[[stage]]
kind = "train"
max_iters = 400
batch_size = 4
gradient_accumulation_steps = 2
learning_rate = 1e-2
min_lr = 1e-3
warmup_iters = 5
eval_interval = 50
eval_iters = 2
log_interval = 10

[[stage]]
kind = "sample"
prompt = "the "
max_new_tokens = 40

[[logger]]
use = "console"

[[logger]]
use = "jsonl"
)";

std::string some_text() {
  constexpr const char* kWords[] = {"the", "cat", "sat", "on", "a", "mat", "and", "saw", "two", "birds", "sing"};
  std::string text;
  uint32_t state = 7;
  while (text.size() < 20000) {
    state = state * 1664525u + 1013904223u;
    text += kWords[(state >> 16) % std::size(kWords)];
    text += (state >> 8) % 9 == 0 ? ".\n" : " ";
  }
  return text;
}

}  // namespace

std::string program() {
  const char* build = std::getenv("GPTCORE_BUILD");
  if (!build) throw std::runtime_error("GPTCORE_BUILD is not set; run this test by ctest");
  return std::string(build) + "/bin/gptcore";
}

Workspace::Workspace() {
  std::string name = (fs::temp_directory_path() / "gptcore-cli-XXXXXX").string();
  if (!::mkdtemp(name.data())) throw std::runtime_error("cannot make the folder " + name);
  folder_ = name;
  write("input.txt", some_text());
  write("tiny.toml", kPipeline);
}

Workspace::~Workspace() {
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

fs::path Workspace::write(const std::string& name, const std::string& text) const {
  std::ofstream out(path(name), std::ios::binary);
  out << text;
  if (!out.flush()) throw std::runtime_error("cannot write " + path(name).string());
  return path(name);
}

void Workspace::add_to_train_stage(const std::string& text) const {
  std::string pipeline = read(path("tiny.toml"));
  pipeline.insert(pipeline.find("\n[[stage]]", pipeline.find("log_interval")), "\n" + text);
  write("tiny.toml", pipeline);
}

Command Workspace::command(std::vector<std::string> words) const {
  words.insert(words.begin(), program());
  return {std::move(words), folder_, {}, 60};
}

Command Workspace::training(const std::vector<std::string>& words) const {
  std::vector<std::string> all = {"run", "tiny.toml"};
  all.insert(all.end(), words.begin(), words.end());
  return command(std::move(all));
}

std::string read(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) throw std::runtime_error("cannot read " + file.string());
  return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<nlohmann::json> records(const fs::path& run_dir, const std::string& event) {
  std::vector<nlohmann::json> found;
  std::istringstream in(read(run_dir / "metrics.jsonl"));
  for (std::string line; std::getline(in, line);)
    if (auto json = nlohmann::json::parse(line); json.at("event") == event) found.push_back(std::move(json));
  return found;
}

fs::path newest_checkpoint(const fs::path& run_dir) {
  fs::path newest;
  for (const auto& entry : fs::directory_iterator(run_dir / "ckpt"))
    if (entry.is_directory() && entry.path().filename().string().starts_with("step-") && !entry.path().has_extension())
      newest = std::max(newest, entry.path());
  if (newest.empty()) throw std::runtime_error("no checkpoint in " + run_dir.string());
  return newest;
}

std::vector<std::string> lines_with(const std::string& text, const std::string& part) {
  std::vector<std::string> found;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);)
    if (line.find(part) != std::string::npos) found.push_back(line);
  return found;
}

std::string refusal(const Outcome& outcome) {
  const std::string mark = "error[";
  auto errors = lines_with(outcome.err, mark);
  std::erase_if(errors, [](const std::string& line) { return line.find("warning: ") != std::string::npos; });
  if (errors.size() != 1) return outcome.out + outcome.err;
  const size_t code = errors[0].find(mark) + mark.size();
  return errors[0].substr(code, errors[0].find(']', code) - code);
}

}  // namespace gptcore::test
