// The recipes whose data is downloaded, against a server that has small files of the same names and shapes.
#include <httplib.h>

#include <cstdlib>
#include <mutex>
#include <set>
#include <thread>

#include "parquet_files.h"
#include "tests/cli/workspace.h"
#include "tests/unit/base/temp_folder.h"

#include "tests/catch.h"

using namespace gptcore;
using gptcore::test::Outcome;
using gptcore::test::Workspace;

namespace {

class Site {
 public:
  Site() {
    server_.Get(".*", [this](const httplib::Request& request, httplib::Response& response) {
      const std::lock_guard lock(mutex_);
      asked.insert(request.path);
      const std::string file = (folder_.path / "x.parquet").string();
      write_parquet(file, rows_of(request.path), 2);
      response.set_content(read_raw(file), "application/octet-stream");
    });
    port_ = server_.bind_to_any_port("127.0.0.1");
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    while (!server_.is_running()) std::this_thread::yield();
  }
  ~Site() { stop(); }
  void stop() {
    server_.stop();
    if (thread_.joinable()) thread_.join();
  }
  std::string host() const { return "http://127.0.0.1:" + std::to_string(port_); }

  std::set<std::string> asked;

 private:
  static std::string rows_of(const std::string& path) {
    std::string one = R"({"text": "Some words of )" + path + R"(.", "id": "x", "score": 2.5})";
    if (path.find("smoltalk") != path.npos)
      one = R"({"messages": [{"content": "Hi", "role": "user"}, {"content": "Hello!", "role": "assistant"}], "source": "s"})";
    if (path.find("mmlu") != path.npos)
      one = R"({"question": "Which?", "subject": "", "choices": ["a", "b", "c", "d"], "answer": 2})";
    if (path.find("gsm8k") != path.npos) one = R"({"question": "1+1?", "answer": "#### 2"})";
    std::string out;
    for (int i = 0; i < 8; ++i) out += one + "\n";
    return out;
  }

  httplib::Server server_;
  std::thread thread_;
  std::mutex mutex_;
  TempFolder folder_;
  int port_ = 0;
};

// A short run of the recipe with a small model, its files at `host`.
Outcome train(const Workspace& w, const std::string& recipe, const std::string& host) {
  std::string text = read_raw(std::string(std::getenv("GPTCORE_SOURCE")) + "/configs/" + recipe);
  const std::string hub = "https://huggingface.co";
  REQUIRE(text.find(hub) != text.npos);
  for (size_t at = 0; (at = text.find(hub, at)) != text.npos;) text.replace(at, hub.size(), host);
  w.write(recipe, text);
  auto command = w.command({"run", recipe});
  for (const char* word : {"run.device=cpu", "run.precision=float32", "tokenizer.use=bpe_train", "tokenizer.vocab_size=270",
                           "tokenizer.min_count=1", "model.n_layer=1", "model.n_head=1", "model.n_embd=16",
                           "model.block_size=8", "model.vocab_size=320", "train.max_iters=1", "train.batch_size=2",
                           "train.gradient_accumulation_steps=1", "train.eval_iters=1"})
    command.words.insert(command.words.end(), {"--set", word});
  if (text.find("val_fraction") != text.npos) command.words.insert(command.words.end(), {"--set", "dataset.val_fraction=0.3"});
  command.environment.push_back("GPTCORE_CACHE=" + w.path("cache").string());
  return run(command);
}

}  // namespace

TEST_CASE("a recipe downloads all files of its corpus and trains on them") {
  Site site;
  const Workspace w;
  const auto [recipe, files, one] = GENERATE(
      std::tuple("fineweb_edu_124m.toml", 14, "/datasets/HuggingFaceFW/fineweb-edu/resolve/main/sample/10BT/013_00000.parquet"),
      std::tuple("openwebtext_124m.toml", 80,
                 "/datasets/Skylion007/openwebtext/resolve/main/plain_text/train-00079-of-00080.parquet"),
      std::tuple("chat_sft.toml", 6, "/datasets/HuggingFaceTB/smol-smoltalk/resolve/main/data/train-00003-of-00004.parquet"));
  const Outcome outcome = train(w, recipe, site.host());
  INFO(outcome.out << outcome.err);
  CHECK(outcome.status == 0);
  CHECK(site.asked.size() == static_cast<size_t>(files));
  CHECK(site.asked.contains(one));
  CHECK(outcome.err.find("has SHA-256") != std::string::npos);
  site.stop();
  CHECK(train(w, recipe, site.host()).status == 0);  // from the cache
}

TEST_CASE("a recipe whose files cannot be had says which, and where to put them by hand") {
  Site site;
  site.stop();
  const Workspace w;
  const Outcome outcome = train(w, "fineweb_edu_124m.toml", site.host());
  CHECK(outcome.status != 0);
  CHECK(outcome.err.find("cannot download " + site.host()) != std::string::npos);
  CHECK(outcome.err.find("put it at " + w.path("cache").string()) != std::string::npos);
}
