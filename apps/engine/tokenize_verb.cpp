// gptcore tokenize: converts text to ids and back, for people and scripts.
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "apps/engine/chosen_tokenizer.h"
#include "apps/engine/verbs.h"
#include "core/base/file_system.h"
#include "core/base/json_fault.h"
#include "core/pipeline/growing_text.h"
#include "core/pipeline/session.h"
#include "gptcore/error.h"

namespace gptcore {
namespace {

using Json = nlohmann::ordered_json;
using Ids = std::vector<int32_t>;

// Reads a file, or standard input for "-".
class Input {
 public:
  explicit Input(const std::string& path) : name_(path == "-" ? "standard input" : path), owner_(nullptr, std::fclose) {
    if (path != "-") owner_.reset(std::fopen(path.c_str(), "rb"));
    if (path != "-" && !owner_) fail();
    from_ = owner_ ? owner_.get() : stdin;
  }
  Input(const Input&) = delete;
  Input& operator=(const Input&) = delete;
  ~Input() { std::free(line_); }

  const std::string& name() const { return name_; }
  std::string all() {
    std::string text;
    std::vector<char> piece(1 << 20);
    while (const size_t got = std::fread(piece.data(), 1, piece.size(), from_)) text.append(piece.data(), got);
    if (std::ferror(from_)) fail();
    return text;
  }
  // Returns the next line without its end; nothing after the last. Valid until the next call.
  std::optional<std::string_view> line() {
    const ssize_t got = ::getline(&line_, &room_, from_);
    if (got < 0 && std::ferror(from_)) fail();
    if (got < 0) return std::nullopt;
    const auto size = static_cast<size_t>(got);
    return std::string_view(line_, size - (line_[size - 1] == '\n'));
  }

 private:
  [[noreturn]] void fail() const {
    throw Error(Code::data_missing, std::string("cannot read the text: ") + std::strerror(errno), "check the path", name_);
  }

  std::string name_;
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> owner_;
  std::FILE* from_ = nullptr;
  char* line_ = nullptr;
  size_t room_ = 0;
};

void print(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
}

// Prints on one line; bytes that are not UTF-8 become U+FFFD.
void print_json(const Json& json) {
  print(json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n");
}

void print_ids(const Ids& ids) {
  std::string out;
  char digits[16];
  for (const int32_t id : ids) {
    if (!out.empty()) out += ' ';
    out.append(digits, std::to_chars(digits, std::end(digits), id).ptr);
  }
  print(out + "\n");
}

// Parses numbers with blanks, commas or brackets between them.
Ids parsed_ids(const std::string& text, const std::string& where) {
  Ids ids;
  const char* const end = text.data() + text.size();
  for (const char* at = text.data(); at != end;) {
    if (std::strchr(" \t\r\n,[]", *at) && *at) {
      ++at;
      continue;
    }
    const auto [behind, failed] = std::from_chars(at, end, ids.emplace_back());
    if (failed != std::errc())
      throw Error(Code::data_corrupt,
                  "there is no token id at byte " + std::to_string(at - text.data()) + ": '" +
                      std::string(at, std::min<size_t>(static_cast<size_t>(end - at), 20)) + "'",
                  "--decode expects numbers, as tokenize prints them", where);
    at = behind;
  }
  return ids;
}

// Returns what each id adds to the text; joined, these are the text of all.
std::vector<std::string> pieces_of(const Tokenizer& tokenizer, const Ids& ids) {
  GrowingText text(tokenizer);
  std::vector<std::string> pieces;
  for (const int32_t id : ids) pieces.push_back(text.add(id));
  if (!pieces.empty()) pieces.back() += text.end();
  return pieces;
}

Ids ids_of(const Json& list) {
  Ids ids;
  for (const Json& id : list) {
    const auto number = id.is_number_integer() ? id.get<int64_t>() : -1;
    if (number < 0 || number > std::numeric_limits<int32_t>::max())
      throw Error(Code::data_corrupt, id.dump() + " is not a token id", R"(--decode expects {"ids": [NUMBER, ...]})");
    ids.push_back(static_cast<int32_t>(number));
  }
  return ids;
}

// Returns the answer to one line of --jsonl.
Json answer(const Tokenizer& tokenizer, const Json& asked, const TokenizeRequest& request) {
  if (request.decode) return {{"text", tokenizer.decode(ids_of(asked.at("ids")))}};
  const Ids ids = tokenizer.encode(asked.at("text").get_ref<const std::string&>());
  return request.count ? Json{{"count", ids.size()}} : Json{{"ids", ids}};
}

// Prints each answer before reading the next line: the other side of a pipe may wait for it.
void answer_lines(const Tokenizer& tokenizer, Input& in, const TokenizeRequest& request) {
  for (int64_t number = 1; const auto line = in.line(); ++number) {
    const std::string where = in.name() + ":" + std::to_string(number);
    try {
      print_json(answer(tokenizer, Json::parse(*line), request));
    } catch (const Json::exception& e) {
      const std::string wanted = request.decode ? R"({"ids": [NUMBER, ...]})" : R"({"text": "..."})";
      throw Error(Code::data_corrupt, "the line is not " + wanted + ": " + json_fault(e.what()),
                  "--jsonl expects one such object a line", where);
    } catch (const Error& e) {
      throw Error(e.code(), e.what(), e.hint(), where);
    }
    if (std::fflush(stdout) != 0) return;
  }
}

void answer_whole(const Tokenizer& tokenizer, Input& in, const TokenizeRequest& request) {
  const std::string text = in.all();
  if (request.decode) return print(tokenizer.decode(parsed_ids(text, in.name())));
  const Ids ids = tokenizer.encode(text);
  if (request.json)
    print_json({{"count", ids.size()}, {"bytes", text.size()}, {"ids", ids}, {"tokens", pieces_of(tokenizer, ids)}});
  else if (request.count)
    print(std::to_string(ids.size()) + "\n");
  else
    print_ids(ids);
}

}  // namespace

int tokenize_verb(const TokenizeRequest& request) {
  auto options = request.tokenizer.config.run.as<RunOptions>();
  options.device = "cpu";
  Session session(options, request.tokenizer.plugin_files);
  open_chosen_tokenizer(session, request.tokenizer, *posix_file_system());

  Input in(request.file);
  if (request.jsonl)
    answer_lines(*session.tokenizer, in, request);
  else
    answer_whole(*session.tokenizer, in, request);
  return 0;
}

}  // namespace gptcore
