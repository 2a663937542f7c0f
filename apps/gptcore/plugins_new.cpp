#include "apps/gptcore/plugins_new.h"

#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>

#include "apps/gptcore/command_line.h"
#include "apps/gptcore/json_output.h"
#include "apps/gptcore/plugin_name.h"
#include "core/builtin/core_items.h"
#include "core/plugin/installation.h"
#include "core/plugin/manifest.h"
#include "gptcore/suggest.h"

namespace gptcore {
namespace {

namespace fs = std::filesystem;
namespace po = boost::program_options;
using Words = std::map<std::string, std::string>;  // what @WORD@ of a template stands for

Kind kind_of(const std::string& text) {
  std::vector<std::string> names;
  for (int i = 0; i < kKinds; ++i) {
    names.push_back(name_of(static_cast<Kind>(i)));
    if (names.back() == text) return static_cast<Kind>(i);
  }
  throw Error(Code::usage, text.empty() ? "plugins new expects a --kind" : "there is no kind '" + text + "'",
              did_you_mean(text, names, "one of " + listed(names)));
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

// Writes every "<file>.in" of the template's folder, with the words in its name and text filled in.
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
  if (name.empty()) throw Error(Code::usage, "plugins new expects a name", "gptcore plugins new NAME --kind KIND");
  const Kind kind = kind_of(given.get<std::string>("kind"));
  check_plugin_name(name, kind, plugin_files);

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
