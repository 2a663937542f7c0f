#include <ATen/TensorOperators.h>

#include "built_in.h"
#include "chat_bytes.h"
#include "tests/catch.h"

using namespace gptcore;
using Catch::Matchers::Contains;

namespace {

struct Chat : TempFolder {
  explicit Chat(const std::string& lines, int64_t block = 16, const char* pack = "documents") {
    const auto file = path / "chat.jsonl";
    write_raw(file, lines);
    dataset = built_in().dataset(
        "chat_mixture",
        {{"files", List{file.string()}}, {"cache", (path / "cache").string()}, {"val_fraction", 0.0}, {"pack", pack}});
    dataset->open(context_of(&tokenizer, block, 1, host));
  }
  Row row(int64_t i) { return row_of(*dataset, Split::train, Order::sequential, i); }
  SilentHost host;
  ChatBytes tokenizer;
  std::unique_ptr<Dataset> dataset;
};

constexpr int64_t kBos = 256, kUser = 257, kUserEnd = 258, kAssistant = 259, kEnd = 260;

Error error_with(const std::string& line) {
  return error_of([&] { Chat chat(line + "\n"); });
}

}  // namespace

TEST_CASE("of a conversation only the assistant's words and their end are predicted") {
  Chat chat(R"({"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "yo"},)"
            R"( {"role": "user", "content": "?"}, {"role": "assistant", "content": "!"}]})"
            "\n");
  // Worked out by hand: each column is an id and what it must predict.
  const Row row = chat.row(0);
  CHECK(row.ids == std::vector<int64_t>{kBos, kUser, 'h', 'i', kUserEnd, kAssistant, 'y', 'o', kEnd, kUser, '?', kUserEnd,
                                        kAssistant, '!', 0, 0});
  CHECK(row.targets == std::vector<int64_t>{-1, -1, -1, -1, -1, 'y', 'o', kEnd, -1, -1, -1, -1, '!', kEnd, -1, -1});
}

TEST_CASE("the mask is the same for a window that begins inside a conversation") {
  const std::string line = R"({"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "yo"}]})"
                           "\n";
  Chat chat(line, 3);
  CHECK(chat.row(1).ids == std::vector<int64_t>{'i', kUserEnd, kAssistant});
  CHECK(chat.row(1).targets == std::vector<int64_t>{-1, -1, 'y'});
  CHECK(chat.row(2).targets == std::vector<int64_t>{'o', kEnd, -1});
  Chat stream(line + line, 3, "stream");
  CHECK(stream.row(2).ids == std::vector<int64_t>{'y', 'o', kEnd});
  CHECK(stream.row(2).targets == std::vector<int64_t>{'o', kEnd, -1});
  for (int64_t i = 0; i < 50; ++i) {  // nothing is predicted in the first window of a conversation
    const Row row = row_of(*chat.dataset, Split::train, Order::shuffled, i);
    CHECK(std::any_of(row.targets.begin(), row.targets.end(), [](int64_t t) { return t >= 0; }));
  }
}

TEST_CASE("the shapes of MMLU and GSM8K become a question and an answer") {
  Chat chat(R"({"question": "2+2?", "choices": ["3", "4"], "answer": 1, "subject": "maths"})"
            "\n"
            R"({"question": "7?", "answer": "It is 7.\n#### 7"})"
            "\n",
            64);
  const auto text = [](const std::vector<int64_t>& ids) {
    std::string out;
    for (const int64_t id : ids) out += id >= 256 ? '|' : id > 0 ? static_cast<char>(id) : '_';
    return out.substr(0, out.find('_'));
  };
  CHECK(text(chat.row(0).ids) == "||2+2?\nA. 3\nB. 4\nAnswer with the letter.||B");
  CHECK(text(chat.row(1).ids) == "||7?||It is 7.\n#### 7");
  const auto predicted = [](const Row& row) {
    std::vector<int64_t> out;
    for (const int64_t t : row.targets)
      if (t >= 0) out.push_back(t);
    return out;
  };
  CHECK(predicted(chat.row(0)) == std::vector<int64_t>{'B', kEnd});
  CHECK(predicted(chat.row(1)).size() == 16);
}

TEST_CASE("what the system says stands before the user's next words") {
  Chat chat(R"({"messages": [{"role": "system", "content": "be"}, {"role": "user", "content": "x"},)"
            R"( {"role": "assistant", "content": "y"}]})"
            "\n");
  CHECK(chat.row(0).ids ==
        std::vector<int64_t>{kBos, kUser, 'b', 'e', '\n', '\n', 'x', kUserEnd, kAssistant, 'y', 0, 0, 0, 0, 0, 0});
}

TEST_CASE("what the system says without a user's words behind it is a turn of its own") {
  Chat chat(R"({"messages": [{"role": "system", "content": "be"}, {"role": "assistant", "content": "y"},)"
            R"( {"role": "system", "content": "ok"}]})"
            "\n");
  const Row row = chat.row(0);
  CHECK(row.ids ==
        std::vector<int64_t>{kBos, kUser, 'b', 'e', kUserEnd, kAssistant, 'y', kEnd, kUser, 'o', 'k', 0, 0, 0, 0, 0});
  CHECK(row.targets == std::vector<int64_t>{-1, -1, -1, -1, -1, 'y', kEnd, -1, -1, -1, -1, -1, -1, -1, -1, -1});
}

TEST_CASE("a record that is no conversation is refused with file and line") {
  const auto check = [](const std::string& line, const std::string& part) {
    const Error e = error_with(line);
    INFO(e.line());
    CHECK(e.code() == Code::data_corrupt);
    CHECK_THAT(e.what(), Contains(part));
    CHECK_THAT(e.where(), Contains("chat.jsonl:1"));
  };
  check(R"({"text": "x"})", "neither 'messages' nor 'question'");
  check(R"({"messages": []})", "not a list of messages");
  check(R"({"messages": ["hi"]})", "a message is not an object");
  check(R"({"messages": [{"role": "user"}]})", "no field 'content'");
  check(R"({"messages": [{"role": "robot", "content": "x"}]})", "no role 'robot'");
  check(R"({"messages": [{"role": "user", "content": "x"}]})", "nobody answers");
  check(R"({"question": "q", "choices": ["a", "b"], "answer": 2})", "one of the 2 choices");
  check(R"({"question": "q", "choices": ["a", "b"], "answer": "B"})", "one of the 2 choices");
  check(R"({"question": "q", "choices": ["a", 3], "answer": 0})", "a choice is a number");
  check(R"({"question": "q"})", "no field 'answer'");
}

TEST_CASE("a tokenizer without chat tokens is refused by the token that it lacks") {
  const TempFolder folder;
  write_raw(folder.path / "a.jsonl", "{}\n");
  const Table values = {{"files", List{(folder.path / "a.jsonl").string()}}, {"cache", folder.path.string()}};
  const Error e = error_of([&] { OpenDataset("chat_mixture", values, 4, "byte"); });
  CHECK(e.code() == Code::conflict);
  CHECK_THAT(e.what(), Contains("'<|bos|>'"));
}
