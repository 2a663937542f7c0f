#include "core/config/substitute.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>

#include "gptcore/error.h"

namespace gptcore {
namespace {

bool is_variable_name(const std::string& text) {
  return !text.empty() && !std::isdigit(static_cast<unsigned char>(text[0])) &&
         std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isalnum(c) || c == '_'; });
}

std::string variable(const std::string& name) {
  if (!is_variable_name(name))
    throw Error(Code::missing_variable, "'${" + name + "}' is no environment variable's name", "write $${ for a literal ${");
  const char* value = std::getenv(name.c_str());
  if (!value)
    throw Error(Code::missing_variable, "the environment variable '" + name + "' is not set",
                "set it, or write $${ for a literal ${");
  return value;
}

std::string expanded(const std::string& text) {
  std::string out;
  for (size_t i = 0; i < text.size();) {
    if (text.compare(i, 3, "$${") == 0) {
      out += "${";
      i += 3;
    } else if (text.compare(i, 2, "${") == 0) {
      const size_t end = text.find('}', i);
      if (end == std::string::npos)
        throw Error(Code::missing_variable, "'${' without its '}' in " + to_toml(Value(text)), "write $${ for a literal ${");
      out += variable(text.substr(i + 2, end - i - 2));
      i = end + 1;
    } else {
      out += text[i++];
    }
  }
  return out;
}

std::string escaped(const std::string& text) {
  std::string out = text;
  for (size_t i = out.find("${"); i != std::string::npos; i = out.find("${", i + 3)) out.insert(i, 1, '$');
  return out;
}

template <class F> Value map_texts(const Value& value, const F& change) {
  if (value.is<std::string>()) return change(value.as<std::string>());
  if (value.is<List>()) {
    List out;
    for (const Value& item : value.as<List>()) out.push_back(map_texts(item, change));
    return out;
  }
  if (value.is<Table>()) {
    Table out;
    for (const auto& [key, item] : value.as<Table>()) out.emplace_back(key, map_texts(item, change));
    return out;
  }
  return value;
}

}  // namespace

Value expand_variables(const Value& value) {
  return map_texts(value, expanded);
}

Value escape_variables(const Value& value) {
  return map_texts(value, escaped);
}

Value absolute_paths(Type type, const Value& value, const std::filesystem::path& folder) {
  if (type != Type::path && type != Type::path_list) return value;
  return map_texts(value, [&](const std::string& text) {
    if (text.empty() || text.find("://") != std::string::npos) return text;
    const size_t scheme = text.starts_with("hf:") ? 3 : text.starts_with("ckpt:") ? 5 : 0;
    if (text.size() == scheme) return text;
    return text.substr(0, scheme) + (folder / text.substr(scheme)).lexically_normal().string();
  });
}

}  // namespace gptcore
