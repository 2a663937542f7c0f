// The program's verbs: what each is for, how it is called, what it does.
#pragma once

#include <string>
#include <vector>

#include "apps/gptcore/actions.h"
#include "apps/gptcore/command_line.h"

namespace gptcore {

struct Verb {
  const char* name;
  const char* doc;
  const std::vector<Action>& (*actions)();  // null: no actions; `help` and `options` say how it is called
  std::string (*help)();
  VerbOptions (*options)();
  // `arguments` exclude the global options. Returns the exit code. Throws Error or ConfigErrors for the user's mistakes.
  int (*run)(const std::vector<std::string>& arguments, const std::vector<std::string>& plugin_files);
  std::vector<std::string> (*words)() = nullptr;  // what may stand in place of a file, for completion
};

const std::vector<Verb>& verbs();
// Throws Error(usage) with a suggestion for an unknown verb.
const Verb& find_verb(const std::string& name);

int run_verb(const std::vector<std::string>& arguments, const std::vector<std::string>& plugin_files);
std::string run_help();
VerbOptions run_options();
int plan_verb(const std::vector<std::string>& arguments, const std::vector<std::string>& plugin_files);
std::string plan_help();
int sample_verb(const std::vector<std::string>& arguments, const std::vector<std::string>& plugin_files);
std::string sample_help();
VerbOptions sample_options();
int summary_verb(const std::vector<std::string>& arguments, const std::vector<std::string>& plugin_files);
std::string summary_help();
int tokenize_verb(const std::vector<std::string>& arguments, const std::vector<std::string>& plugin_files);
std::string tokenize_help();
VerbOptions tokenize_options();
int bench_verb(const std::vector<std::string>& arguments, const std::vector<std::string>& plugin_files);
std::string bench_help();
VerbOptions bench_options();
std::vector<std::string> bench_cases();
int prepare_verb(const std::vector<std::string>& arguments, const std::vector<std::string>& plugin_files);
std::string prepare_help();
VerbOptions prepare_options();
int export_verb(const std::vector<std::string>& arguments, const std::vector<std::string>& plugin_files);
std::string export_help();
VerbOptions export_options();
int import_verb(const std::vector<std::string>& arguments, const std::vector<std::string>& plugin_files);
std::string import_help();
VerbOptions import_options();
const std::vector<Action>& config_actions();
int config_verb(const std::vector<std::string>& arguments, const std::vector<std::string>& plugin_files);
const std::vector<Action>& data_actions();
int data_verb(const std::vector<std::string>& arguments, const std::vector<std::string>& plugin_files);
int help_verb(const std::vector<std::string>& arguments, const std::vector<std::string>& plugin_files);
// `gptcore complete -- WORD...`, for the shells' completion: a line "WORD<tab>MEANING" for each way to end the last word;
// nothing where a file may stand.
int complete_verb(const std::vector<std::string>& arguments, const std::vector<std::string>& plugin_files);

}  // namespace gptcore
