#include "core/pipeline/text_generation.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "core/pipeline/growing_text.h"
#include "core/pipeline/utf8_stream.h"
#include "gptcore/error.h"
#include "gptcore/value.h"

namespace gptcore {
namespace {

// Grows one text. Holds back an end that may become a stop string.
class Growing {
 public:
  Growing(const Tokenizer& tokenizer, std::span<const int32_t> prompt, const std::vector<std::string>& stop)
      : bytes_(tokenizer, prompt), stop_(stop) {}

  // Returns false when a stop string has come.
  bool add(const NextToken& choice) {
    out.tokens.push_back(choice);
    seen_ += characters_.add(bytes_.add(choice.token));
    size_t end = std::string::npos;
    for (const std::string& stop : stop_) end = std::min(end, seen_.find(stop));
    if (end != std::string::npos) {
      out.stopped = true;
      seen_.resize(end);
    }
    release(out.stopped ? 0 : held());
    return !out.stopped;
  }
  void end() {
    if (!out.stopped) seen_ += characters_.add(bytes_.end()) + characters_.end();
    release(0);
    ended = true;
  }
  // Returns the text that was not taken yet.
  std::string_view fresh() {
    const std::string_view piece = std::string_view(out.text).substr(taken_);
    taken_ = out.text.size();
    return piece;
  }

  GeneratedText out;
  bool ended = false;

 private:
  // Returns the length of the longest end of the seen text that begins a stop string.
  size_t held() const {
    size_t longest = 0;
    for (const std::string& stop : stop_)
      for (size_t n = std::min(stop.size() - 1, seen_.size()); n > longest; --n)
        if (std::string_view(seen_).ends_with(std::string_view(stop).substr(0, n))) longest = n;
    return longest;
  }
  void release(size_t keep) {
    out.text.append(seen_, 0, seen_.size() - keep);
    seen_.erase(0, seen_.size() - keep);
  }

  GrowingText bytes_;
  const std::vector<std::string>& stop_;
  Utf8Stream characters_;
  std::string seen_;
  size_t taken_ = 0;
};

// Returns the token that starts a text without tokens of its own, as a newline is in some vocabularies.
std::optional<int32_t> beginning(const Tokenizer& tokenizer) {
  for (const char* name : {"<|bos|>", "<|endoftext|>", "<s>"})
    if (const auto id = tokenizer.special(name)) return id;
  return std::nullopt;
}

}  // namespace

std::vector<int32_t> prompt_ids(const Tokenizer& tokenizer, const std::string& prompt) {
  std::vector<int32_t> ids = tokenizer.encode(prompt);
  if (ids.empty())
    if (const auto id = beginning(tokenizer)) ids.push_back(*id);
  if (ids.empty())
    throw Error(Code::usage, "the prompt " + to_toml(Value(prompt)) + " has no token", "give one with a letter in it");
  return ids;
}

TextRequest text_request(const SampleOptions& options, std::vector<std::string> prompts, uint64_t seed) {
  TextRequest request;
  request.prompts = std::move(prompts);
  request.num_samples = options.num_samples;
  request.max_new_tokens = options.max_new_tokens;
  request.sampling = {options.temperature, options.top_k, options.top_p, options.repetition_penalty, seed};
  request.stop = options.stop;
  return request;
}

void generate_texts(Model& model, at::Device device, const Tokenizer& tokenizer, const TextRequest& request,
                    const TextEvents& events) {
  std::vector<std::string> stop = request.stop;
  std::erase(stop, "");
  std::vector<Prompt> prompts;
  std::vector<Growing> texts;
  for (size_t p = 0; p < request.prompts.size(); ++p) {
    const std::vector<int32_t> ids = prompt_ids(tokenizer, request.prompts[p]);
    for (int64_t sample = 0; sample < request.num_samples; ++sample) {
      prompts.push_back({ids, sample});
      texts.emplace_back(tokenizer, ids, stop);
      texts.back().out.prompt = p;
      texts.back().out.sample = sample;
    }
  }
  size_t shown = 0;
  bool going = true;
  const auto show = [&] {
    for (; going && shown < texts.size(); ++shown) {
      const std::string_view piece = texts[shown].fresh();
      if (!piece.empty() && events.piece && !events.piece(shown, piece)) going = false;
      if (!texts[shown].ended) return;
      if (going && events.done) events.done(shown, texts[shown].out);
    }
  };
  Sampling sampling = request.sampling;
  sampling.vocab_size = tokenizer.vocab_size();
  generate(model, device, prompts, request.max_new_tokens, sampling, [&](size_t index, const NextToken& choice) {
    Growing& text = texts[index];
    const bool more = text.add(choice) && static_cast<int64_t>(text.out.tokens.size()) < request.max_new_tokens;
    if (!more) text.end();
    show();
    return more && going;
  });
}

}  // namespace gptcore
