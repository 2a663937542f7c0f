// Encodes what tokenizer_vs_tiktoken.py sends, by the built-in plugin, and says how long that took.
// Standard input: lines "THREADS BYTES", each followed by so many bytes of text. For each the answer is "IDS SECONDS" and a
// newline, then the ids as little-endian int32. With more than one thread each encodes the whole text, and the ids are one's.
#include <chrono>
#include <cstdio>
#include <string>
#include <thread>
#include <vector>

#include "core/plugin/loader.h"
#include "core/plugin/program_host.h"

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "tokenizer_peer PLUGIN FOLDER-OF-THE-VOCABULARY\n");
    return 2;
  }
  gptcore::Log log(gptcore::Level::warning);
  gptcore::ProgramHost host(log);
  gptcore::PluginSet plugins;
  plugins.load(argv[1]);
  const auto tokenizer = plugins.tokenizer("gpt2", {{"dir", argv[2]}});
  tokenizer->open(host);
  tokenizer->encode("");  // reads the vocabulary

  size_t threads = 0, bytes = 0;
  std::string text;
  while (std::scanf("%zu %zu", &threads, &bytes) == 2 && std::getchar() == '\n') {
    text.resize(bytes);
    if (std::fread(text.data(), 1, bytes, stdin) != bytes) return 1;
    std::vector<std::vector<int32_t>> ids(threads);
    const auto start = std::chrono::steady_clock::now();
    std::vector<std::thread> others;
    for (size_t i = 1; i < threads; ++i) others.emplace_back([&, i] { ids[i] = tokenizer->encode(text); });
    ids[0] = tokenizer->encode(text);
    for (std::thread& other : others) other.join();
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
    for (const auto& other : ids)
      if (other != ids[0]) return 1;
    std::printf("%zu %.9f\n", ids[0].size(), taken.count());
    std::fwrite(ids[0].data(), sizeof(int32_t), ids[0].size(), stdout);
    std::fflush(stdout);
  }
  return 0;
}
