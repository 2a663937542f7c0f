#include "chat_mixture.h"

#include <utility>

#include "gptcore/error.h"
#include "record.h"

namespace gptcore::datasets {
namespace {

[[noreturn]] void refuse(const std::string& message, const std::string& hint) {
  throw Error(Code::data_corrupt, message, hint);
}

constexpr const char* kApart = "\n\n";  // between the system's and the user's words

// Returns the choices as lines, each after its letter.
std::string lettered(const nlohmann::json& choices) {
  std::string out;
  char letter = 'A';
  for (const auto& choice : choices) {
    if (!choice.is_string()) refuse(std::string("a choice is a ") + choice.type_name() + ", not a text", "fix this line");
    out += std::string("\n") + letter++ + ". " + choice.get_ref<const std::string&>();
  }
  return out;
}

}  // namespace

ChatMixture::ChatMixture() : names_{"<|bos|>", "<|user_start|>", "<|user_end|>", "<|assistant_start|>", "<|assistant_end|>"} {
  pack_ = "best_fit";
  end_of_text_ = "none";
}

void ChatMixture::schema(Schema<ChatMixture>& s) {
  add_schema(s);
}

void ChatMixture::use(const Tokenizer& tokenizer) {
  for (size_t mark = 0; mark < names_.size(); ++mark) {
    const auto id = tokenizer.special(names_[mark]);
    if (!id)
      throw Error(Code::conflict, "the tokenizer has no token '" + names_[mark] + "', which conversations need",
                  "write chat_tokens = true in [tokenizer] with use = \"gpt2\"");
    ids_[mark] = *id;
  }
}

std::string ChatMixture::options() const {
  return "conversations with all that the system says, the assistant's turns predicted";
}

void ChatMixture::add_turn(Document& out, bool assistant, std::string text) const {
  out.push_back({{}, ids_[assistant ? assistant_start : user_start], false});
  out.push_back({std::move(text), std::nullopt, assistant});
  out.push_back({{}, ids_[assistant ? assistant_end : user_end], assistant});
}

Document ChatMixture::parse(std::string_view line) const {
  const nlohmann::json record = parse_record(line);
  if (record.contains("messages")) return messages(record);
  if (record.contains("choices")) return choices(record);
  if (record.contains("question")) return question(record);
  refuse("the object has neither 'messages' nor 'question'",
         "conversations look like {\"messages\": [{\"role\": \"user\", \"content\": \"...\"}, ...]}");
}

// Parses SmolTalk's shape. The system's words go before the user's next words; when none follow, they are a turn like the
// user's.
Document ChatMixture::messages(const nlohmann::json& record) const {
  const nlohmann::json& all = record["messages"];
  if (!all.is_array() || all.empty()) refuse("'messages' is not a list of messages", "fix this line");
  Document out = {{{}, ids_[bos], false}};
  std::string system;
  bool answered = false;
  for (const auto& message : all) {
    if (!message.is_object()) refuse("a message is not an object", "a message has the fields role and content");
    const std::string& role = text_in(message, "role");
    const std::string& content = text_in(message, "content");
    if (role == "system") {
      system += (system.empty() ? "" : kApart) + content;
    } else if (role == "user") {
      add_turn(out, false, system.empty() ? content : std::exchange(system, {}) + kApart + content);
    } else if (role == "assistant") {
      if (!system.empty()) add_turn(out, false, std::exchange(system, {}));
      add_turn(out, true, content);
      answered = true;
    } else {
      refuse("there is no role '" + role + "'", "roles are system, user and assistant");
    }
  }
  if (!system.empty()) add_turn(out, false, std::move(system));
  if (!answered) refuse("nobody answers in the conversation", "leave it out: it has nothing to learn from");
  return out;
}

// Parses MMLU's shape: a question, its choices, and the number of the right one.
Document ChatMixture::choices(const nlohmann::json& record) const {
  const nlohmann::json& all = record["choices"];
  if (!all.is_array() || all.size() < 2 || all.size() > 26) refuse("'choices' is not a list of 2 to 26 texts", "fix this line");
  const auto answer = record.find("answer");
  const bool fits = answer != record.end() && answer->is_number_integer() && *answer >= 0 && *answer < all.size();
  if (!fits)
    refuse("'answer' is not the number of one of the " + std::to_string(all.size()) + " choices, counted from 0",
           "fix this line");
  Document out = {{{}, ids_[bos], false}};
  add_turn(out, false, text_in(record, "question") + lettered(all) + "\nAnswer with the letter.");
  add_turn(out, true, std::string(1, static_cast<char>('A' + answer->get<int>())));
  return out;
}

// Parses GSM8K's shape: a question and its answer.
Document ChatMixture::question(const nlohmann::json& record) const {
  Document out = {{{}, ids_[bos], false}};
  add_turn(out, false, text_in(record, "question"));
  add_turn(out, true, text_in(record, "answer"));
  return out;
}

}  // namespace gptcore::datasets
