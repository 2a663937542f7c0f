#include "apps/gptcore/plugin_name.h"

#include <algorithm>
#include <array>

#include "core/builtin/core_items.h"
#include "core/plugin/manifest.h"
#include "core/plugin/search.h"
#include "gptcore/abi.h"
#include "gptcore/error.h"

namespace gptcore {
namespace {

constexpr std::array kCppKeywords = {"alignas",
                                     "alignof",
                                     "and",
                                     "and_eq",
                                     "asm",
                                     "auto",
                                     "bitand",
                                     "bitor",
                                     "bool",
                                     "break",
                                     "case",
                                     "catch",
                                     "char",
                                     "char16_t",
                                     "char32_t",
                                     "char8_t",
                                     "class",
                                     "co_await",
                                     "co_return",
                                     "co_yield",
                                     "compl",
                                     "concept",
                                     "const",
                                     "const_cast",
                                     "consteval",
                                     "constexpr",
                                     "constinit",
                                     "continue",
                                     "decltype",
                                     "default",
                                     "delete",
                                     "do",
                                     "double",
                                     "else",
                                     "enum",
                                     "explicit",
                                     "export",
                                     "extern",
                                     "false",
                                     "float",
                                     "for",
                                     "friend",
                                     "goto",
                                     "if",
                                     "inline",
                                     "int",
                                     "long",
                                     "mutable",
                                     "namespace",
                                     "new",
                                     "noexcept",
                                     "not",
                                     "not_eq",
                                     "nullptr",
                                     "operator",
                                     "or",
                                     "or_eq",
                                     "private",
                                     "protected",
                                     "public",
                                     "register",
                                     "requires",
                                     "return",
                                     "short",
                                     "signed",
                                     "sizeof",
                                     "static",
                                     "struct",
                                     "switch",
                                     "template",
                                     "this",
                                     "throw",
                                     "true",
                                     "try",
                                     "typedef",
                                     "typeid",
                                     "typename",
                                     "union",
                                     "unsigned",
                                     "using",
                                     "virtual",
                                     "void",
                                     "volatile",
                                     "wchar_t",
                                     "while",
                                     "xor",
                                     "xor_eq",
                                     "static_cast",
                                     "dynamic_cast",
                                     "final",
                                     "override",
                                     "import",
                                     "module",
                                     "int8_t",
                                     "thread_local",
                                     "static_assert",
                                     "reinterpret_cast"};
// Targets that CMake keeps for itself.
constexpr std::array kCMakeTargets = {"all",     "clean",          "depend",     "edit_cache",    "help", "install",
                                      "package", "package_source", "preinstall", "rebuild_cache", "test"};
constexpr size_t kLongestName = sizeof(gptcore_descriptor::name) - 1;

template <class List> bool holds(const List& list, const std::string& text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

}  // namespace

void check_plugin_name(const std::string& name, Kind kind, const std::vector<std::string>& plugin_files) {
  const auto refuse = [&](const std::string& why, const std::string& hint) {
    throw Error(Code::usage, "a plugin cannot be called '" + name + "': " + why, hint);
  };
  if (name.find('/') != std::string::npos) refuse("it has a slash", "--to DIR says where the folder goes");
  if (!is_name(name)) refuse("a name is [a-z][a-z0-9_]*", "use lower-case letters, digits and _");
  if (name.size() > kLongestName) refuse("it is longer than " + std::to_string(kLongestName) + " characters", "shorten it");
  if (holds(kCppKeywords, name)) refuse("it is a word of C++", "for example " + name + "_" + name_of(kind));
  if (holds(kCMakeTargets, name)) refuse("CMake has a target of that name", "for example " + name + "_" + name_of(kind));

  Catalog core;
  add_core_items(core);
  std::vector<Error> refused;  // plugins that cannot be used clash with nothing
  const Catalog catalog = read_catalog(plugin_files, refused, std::move(core));
  for (const ItemInfo& item : catalog.items())
    if ((item.kind == kind && item.name == name) || item.plugin == name)
      refuse(item.plugin == name ? "there is a plugin of that name" : "there is such a " + std::string(name_of(kind)),
             "gptcore plugins info " + std::string(name_of(item.kind)) + "/" + item.name + " describes it");
}

}  // namespace gptcore
