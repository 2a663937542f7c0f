#include "core/config/yaml.h"

#include <yaml-cpp/eventhandler.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <sstream>

namespace gptcore {
namespace {

constexpr int kDeepest = 8;
constexpr int kMostValues = 10000;  // an alias may repeat a part of the text

bool one_of(const std::string& text, std::initializer_list<const char*> words) {
  return std::any_of(words.begin(), words.end(), [&](const char* word) { return text == word; });
}

template <class T> bool whole(const std::string& text, T& out) {
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), out);
  return failure == std::errc() && end == text.data() + text.size();
}

// Returns a number without its `+` and the `_` between digits, or "" when the text cannot be a number.
std::string digits_of(const std::string& text) {
  if (text.empty() || text.find_first_not_of("0123456789+-._eE") != std::string::npos) return {};
  std::string out = text.substr(text[0] == '+');
  if (out.empty() || out[0] == '_' || out[0] == '+') return {};
  std::erase(out, '_');
  return out;
}

Value plain_scalar(const std::string& text) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  if (one_of(text, {"", "~", "null", "Null", "NULL"})) return {};
  if (one_of(text, {"true", "True", "TRUE"})) return true;
  if (one_of(text, {"false", "False", "FALSE"})) return false;
  if (one_of(text, {".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF", "Infinity"})) return kInfinity;
  if (one_of(text, {"-.inf", "-.Inf", "-.INF", "-Infinity"})) return -kInfinity;
  if (one_of(text, {".nan", ".NaN", ".NAN", "NaN"})) return std::numeric_limits<double>::quiet_NaN();
  const std::string digits = digits_of(text);
  if (int64_t integer = 0; whole(digits, integer)) return integer;
  if (double number = 0; whole(digits, number)) return number;
  return text;
}

Value scalar(const YAML::Node& node) {
  const std::string& tag = node.Tag();
  if (tag == "?" || tag.empty()) return plain_scalar(node.Scalar());
  if (tag == "!" || tag == "tag:yaml.org,2002:str") return node.Scalar();  // in quotes
  throw Error(Code::wrong_type, "the tag '" + tag + "' is not allowed here", "leave it out");
}

class Converter {
 public:
  Value convert(const YAML::Node& node, int depth) {
    if (depth > kDeepest || ++count_ > kMostValues)
      throw Error(Code::wrong_type, depth > kDeepest ? "more than " + std::to_string(kDeepest) + " levels of lists and maps"
                                                     : "more than " + std::to_string(kMostValues) + " values");
    if (node.IsScalar()) return scalar(node);
    if (node.IsSequence()) return list(node, depth);
    if (node.IsMap()) return table(node, depth);
    return {};
  }

 private:
  Value held(const YAML::Node& node, int depth) {
    Value value = convert(node, depth + 1);
    if (value.empty()) throw Error(Code::wrong_type, "null inside a list or map", "leave it out");
    return value;
  }

  Value list(const YAML::Node& node, int depth) {
    List out;
    for (const YAML::Node& item : node) out.push_back(held(item, depth));
    return out;
  }

  Value table(const YAML::Node& node, int depth) {
    Table out;
    for (const auto& pair : node) {
      if (!pair.first.IsScalar()) throw Error(Code::wrong_type, "a key that is not text", {});
      const std::string& key = pair.first.Scalar();
      if (find(out, key)) throw Error(Code::wrong_type, "the key '" + key + "' is given twice", "leave one out");
      out.emplace_back(key, held(pair.second, depth));
    }
    return out;
  }

  int count_ = 0;
};

// Notes where the last document began.
struct Beginning final : YAML::EventHandler {
  void OnDocumentStart(const YAML::Mark& mark) override { at = mark; }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t, const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {}
  void OnMapEnd() override {}
  YAML::Mark at = YAML::Mark::null_mark();
};

// Returns how many documents begin, up to 2, and where the last of them does. yaml-cpp's LoadAll() finds documents
// without end after a stray comma.
std::pair<int, YAML::Mark> begin_documents(const std::string& text) {
  std::istringstream in(text);
  YAML::Parser parser(in);
  Beginning handler;
  int count = 0;
  while (count < 2 && parser.HandleNextDocument(handler)) ++count;
  return {count, handler.at};
}

}  // namespace

Origin yaml_origin(const YAML::Mark& mark, const std::string& shown) {
  if (mark.is_null()) return {Source::file, {shown}, {}};
  return {Source::file, {shown, static_cast<uint32_t>(mark.line) + 1, static_cast<uint32_t>(mark.column) + 1}, {}};
}

YAML::Node parse_yaml(const std::string& text, const std::string& shown, ErrorList& errors) {
  try {
    const auto [documents, second] = begin_documents(text);
    if (documents == 1) return YAML::Load(text);
    const char* const what = documents == 0 ? "has no operations" : "the list of operations has ended before this";
    errors.add(Code::config_syntax, what, "write one list", yaml_origin(second, shown));
  } catch (const YAML::Exception& e) {
    errors.add(Code::config_syntax, "neither YAML nor JSON: " + e.msg, "indent by spaces, all keys of a map alike",
               yaml_origin(e.mark, shown));
  }
  return YAML::Node(YAML::NodeType::Undefined);
}

Value yaml_value(const YAML::Node& node) {
  return Converter().convert(node, 0);
}

}  // namespace gptcore
