#include "apps/gptcore/plugins_new.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string_view>

#include "apps/gptcore/command_line.h"
#include "apps/gptcore/json_output.h"
#include "core/config/core_items.h"
#include "core/plugin/installation.h"
#include "core/plugin/manifest.h"
#include "core/plugin/search.h"
#include "gptcore/abi.h"
#include "gptcore/suggest.h"

namespace gptcore {
namespace {

namespace fs = std::filesystem;
namespace po = boost::program_options;
using Words = std::map<std::string, std::string>;  // what @WORD@ of a template stands for

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

Kind kind_of(const std::string& text) {
  std::vector<std::string> names;
  for (int i = 0; i < kKinds; ++i) {
    names.push_back(name_of(static_cast<Kind>(i)));
    if (names.back() == text) return static_cast<Kind>(i);
  }
  throw Error(Code::usage, text.empty() ? "plugins new wants a --kind" : "there is no kind '" + text + "'",
              did_you_mean(text, names, "one of " + listed(names)));
}

void check_name(const std::string& name, Kind kind, const std::vector<std::string>& plugin_files) {
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

// "warm_restart" -> "WarmRestart"
std::string class_name(const std::string& name) {
  std::string out;
  bool start = true;
  for (const char c : name) {
    if (c != '_') out += start ? static_cast<char>(std::toupper(static_cast<unsigned char>(c))) : c;
    start = c == '_';
  }
  return out;
}

std::string filled(std::string text, const Words& words) {
  for (const auto& [word, value] : words)
    for (size_t at = 0; (at = text.find("@" + word + "@", at)) != std::string::npos; at += value.size())
      text.replace(at, word.size() + 2, value);
  return text;
}

std::string contents(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(in), {}};
  if (!in) throw Error(Code::io, "cannot be read", "install gptcore again", file.string());
  return text;
}

void write(const fs::path& file, const std::string& text) {
  std::ofstream out(file, std::ios::binary);
  out << text;
  out.close();
  if (!out) throw Error(Code::io, std::string("cannot be written: ") + std::strerror(errno), "", file.string());
}

// Every "<file>.in" of the template's folder, with the words in its name and text filled in.
void fill_folder(const fs::path& templates, const fs::path& to, const Words& words) {
  std::error_code failed;
  for (fs::directory_iterator it(templates, failed), end; !failed && it != end; it.increment(failed))
    write(to / filled(it->path().stem().string(), words), filled(contents(it->path()), words));
  if (failed) throw Error(Code::io, "cannot be read: " + failed.message(), "install gptcore again", templates.string());
}

// A folder beside its final place, removed unless it is put there.
class UnfinishedFolder {
 public:
  explicit UnfinishedFolder(const fs::path& place) : place_(place) {
    std::string pattern = (place.parent_path() / ("." + place.filename().string() + ".XXXXXX")).string();
    if (!::mkdtemp(pattern.data()))
      throw Error(Code::io, std::string("no folder can be made here: ") + std::strerror(errno), "--to DIR names another place",
                  place.parent_path().string());
    path_ = pattern;
    fs::permissions(path_, fs::perms(0755));
  }
  UnfinishedFolder(const UnfinishedFolder&) = delete;
  UnfinishedFolder& operator=(const UnfinishedFolder&) = delete;
  ~UnfinishedFolder() {
    std::error_code ignored;
    if (!path_.empty()) fs::remove_all(path_, ignored);
  }
  const fs::path& path() const { return path_; }
  void put_in_place() {
    fs::rename(path_, place_);
    path_.clear();
  }

 private:
  fs::path place_, path_;
};

bool on_path(const fs::path& folder) {
  const char* variable = std::getenv("PATH");
  std::string rest = variable ? variable : "";
  while (!rest.empty()) {
    const size_t colon = std::min(rest.find(':'), rest.size());
    std::error_code absent;
    if (fs::equivalent(rest.substr(0, colon), folder, absent)) return true;
    rest.erase(0, colon + 1);
  }
  return false;
}

void print_next_steps(const fs::path& folder, const std::string& name) {
  const fs::path prefix = installation_folder();
  std::printf("%s/ holds the plugin %s. Build, test and run it:\n", folder.c_str(), name.c_str());
  if (!fs::exists(prefix / "lib/cmake/gptcore-sdk"))
    std::printf(
        "  ./dev install PREFIX     # in gptcore's sources: this gptcore is not installed, and CMake needs one that is\n");
  else if (!on_path(prefix / "bin"))
    std::printf("  export PATH=%s:$PATH     # CMake finds the SDK by it\n", (prefix / "bin").c_str());
  std::printf(
      "  cd %s\n"
      "  cmake --workflow --preset default\n"
      "  gptcore --plugin ./build/lib%s.so run pipeline.toml\n",
      folder.c_str(), name.c_str());
}

}  // namespace

VerbOptions plugins_new_options() {
  VerbOptions options;
  options.visible.add_options()(
      "kind", po::value<std::string>()->value_name("tokenizer|dataset|model|adapter|operation|evaluator|logger"),
      "what the plugin is to offer");
  options.visible.add_options()("to", po::value<std::string>()->default_value(".")->value_name("DIR"),
                                "the folder to make it in");
  options.visible.add_options()("json", po::bool_switch(), "print one JSON object in place of the next steps");
  options.positional.add_options()("name", po::value<std::string>());
  options.order.add("name", 1);
  return options;
}

int plugins_new(const std::vector<std::string>& arguments, const std::vector<std::string>& plugin_files) {
  const VerbArguments given = parse_arguments(plugins_new_options(), arguments);
  const auto name = given.get<std::string>("name");
  if (name.empty()) throw Error(Code::usage, "plugins new wants a name", "gptcore plugins new NAME --kind KIND");
  const Kind kind = kind_of(given.get<std::string>("kind"));
  check_name(name, kind, plugin_files);

  const fs::path parent = fs::path(given.get<std::string>("to"));
  const fs::path folder = (parent / name).lexically_normal();
  if (!fs::is_directory(parent)) throw Error(Code::usage, "there is no such folder", "make it first", parent.string());
  if (fs::exists(fs::symlink_status(folder)))
    throw Error(Code::usage, "exists already", "choose another name or --to", folder.string());

  const fs::path templates = fs::path(installation_folder()) / "share/gptcore/templates";
  const Words words = {{"NAME", name}, {"CLASS", class_name(name)}, {"KIND", name_of(kind)}};
  UnfinishedFolder unfinished(fs::absolute(folder));
  fill_folder(templates / "common", unfinished.path(), words);
  fill_folder(templates / name_of(kind), unfinished.path(), words);
  unfinished.put_in_place();
  if (given.get<bool>("json"))
    print_json({{"name", name}, {"kind", name_of(kind)}, {"folder", folder.string()}});
  else
    print_next_steps(folder, name);
  return 0;
}

}  // namespace gptcore
