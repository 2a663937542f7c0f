#include "core/plugin/probe.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "core/plugin/child_process.h"
#include "core/plugin/installation.h"
#include "core/plugin/manifest.h"
#include "core/plugin/probe_memory.h"
#include "core/plugin/probe_report.h"
#include "core/plugin/trust.h"
#include "gptcore/error.h"

namespace gptcore {
namespace {

constexpr double kSeconds = 10;
// A slow read of LibTorch from a cold disk is not the plugin's fault.
constexpr double kTorchSeconds = 120;

double seconds_allowed() {
  const char* text = std::getenv("GPTCORE_PROBE_SECONDS");
  if (!text || !*text) return kSeconds;
  char* end = nullptr;
  const double seconds = std::strtod(text, &end);
  if (*end != '\0' || !(seconds > 0) || seconds > 86400)
    throw Error(Code::usage, "GPTCORE_PROBE_SECONDS expects a number of seconds above 0, got '" + std::string(text) + "'");
  return seconds;
}

std::string seconds_text(double seconds) {
  char text[32];
  std::snprintf(text, sizeof text, "%g s", seconds);
  return text;
}

std::string first_line(const std::string& text) {
  return text.substr(0, text.find('\n'));
}

// LibTorch's message for a second TORCH_LIBRARY block of one namespace, up to the name.
constexpr std::string_view kTwoLibraries = "Only a single TORCH_LIBRARY can be used to register the namespace ";

[[noreturn]] void refuse_namespace(const std::string& what, const PluginFile& plugin, const std::vector<PluginFile>& others) {
  const std::string rest = what.substr(what.find(kTwoLibraries) + kTwoLibraries.size());
  std::string owner;
  for (const PluginFile& other : others)
    owner += (owner.empty() ? "plugin '" : " or plugin '") + other.name + "' (" + other.path + ")";
  throw Error(Code::plugin_torch_library,
              "plugin '" + plugin.name + "' opens the operator namespace '" + rest.substr(0, rest.find_first_of("; ")) +
                  "' by TORCH_LIBRARY, which " + (owner.empty() ? "LibTorch" : owner) + " has done already",
              "give each plugin a namespace of its own, or write TORCH_LIBRARY_FRAGMENT", plugin.path);
}

// Throws the Error of a child that hung, threw, crashed or ended the process.
[[noreturn]] void refuse_death(const ChildOutcome& child, const ProbeReport& report, const PluginFile& plugin, double seconds) {
  const bool in_setup = report.stage == "register";
  const std::string place = in_setup ? "in its setup function" : "while it was loaded, in a static initialiser";
  const std::string name = "plugin '" + plugin.name + "' ";
  if (child.timed_out)
    throw Error(Code::plugin_hangs, name + "did not return within " + seconds_text(seconds) + " " + place,
                "fix it, or allow more time with GPTCORE_PROBE_SECONDS", plugin.path);
  if (report.result == "threw")
    throw Error(
        in_setup ? Code::plugin_setup_failed : Code::plugin_init_throws,
        name + "threw an exception " + place + ": " + report.text,
        in_setup ? "nothing may leave a noexcept function" : "do that work in setup() or open(), where it can be reported",
        plugin.path);
  const std::string how =
      child.signal != 0 ? "crashed (SIG" + std::string(::sigabbrev_np(child.signal) ? ::sigabbrev_np(child.signal) : "?") + ")"
                        : "ended the process with status " + std::to_string(child.status);
  throw Error(in_setup ? Code::plugin_setup_failed : Code::plugin_init_crashes, name + how + " " + place,
              "run it under a debugger: gptcore-probe --check " + plugin.path, plugin.path);
}

[[noreturn]] void probe_failed(const std::string& message, const std::string& program, const PluginFile& plugin) {
  throw Error(Code::plugin_probe_failed, "cannot be checked, since " + program + " " + message,
              "build or install gptcore again: the program and its probe belong together", plugin.path);
}

void judge(const ChildOutcome& child, const PluginFile& plugin, const std::vector<PluginFile>& others, double seconds,
           const std::string& program) {
  const ProbeReport report = parse_report(child.out);
  if (!child.started) probe_failed("cannot be started: " + child.err, program, plugin);
  if (report.result == "refused")
    throw Error(report.code, report.text, report.hint, report.stage == "libtorch" ? "" : plugin.path);
  if (report.result == "threw" && report.text.find(kTwoLibraries) != report.text.npos)
    refuse_namespace(report.text, plugin, others);
  if (report.stage != "load" && report.stage != "register")
    probe_failed("ended too early: " + (child.timed_out ? "it took too long" : first_line(child.err)), program, plugin);
  if (report.result != "ok") refuse_death(child, report, plugin, seconds);
  if (report.text != to_json({plugin.name, plugin.version, plugin.items}))
    throw Error(Code::plugin_manifest_differs, "plugin '" + plugin.name + "' registers other items than its manifest lists",
                "build it again; a schema must not depend on the machine", plugin.path);
}

}  // namespace

void probe_plugin(const PluginFile& plugin, const std::vector<PluginFile>& before) {
  if (is_installed_plugin(plugin.path)) return;
  std::vector<PluginFile> others;
  for (const PluginFile& other : before)
    if (plugin.registers_operators && other.registers_operators) others.push_back(other);

  const std::string program = installation_folder() + "/bin/gptcore-probe";
  const std::string key = probe_key(plugin, others, program);
  if (is_remembered(key)) return;
  std::vector<std::string> words = {program, "--check", plugin.path};
  for (const PluginFile& other : others) words.push_back(other.path);
  const double seconds = seconds_allowed();
  const ChildOutcome child = run_child(words, [&](std::string_view out) {
    const std::string stage = parse_report(out).stage;
    return stage == "load" || stage == "register" ? seconds : std::max(seconds, kTorchSeconds);
  });
  judge(child, plugin, others, seconds, program);
  remember(key);
}

void probe_files(const std::vector<std::string>& files) {
  std::vector<PluginFile> before;
  for (const std::string& file : files) {
    require_safe(file);
    before.push_back(read_plugin_file(file));
    probe_plugin(before.back(), {before.begin(), before.end() - 1});
  }
}

}  // namespace gptcore
