// The program's verbs: what each is for, how it is called, what it does.
#pragma once

#include <string>
#include <vector>

namespace gptcore {

struct Verb {
  const char* name;
  const char* doc;
  std::string (*help)();  // null: the verb prints it itself when its argument is --help
  // `arguments` without the global options; returns the exit code. User's mistakes are thrown as Error or ConfigErrors.
  int (*run)(const std::vector<std::string>& arguments, const std::vector<std::string>& plugin_files);
};

const std::vector<Verb>& verbs();

int run_verb(const std::vector<std::string>& arguments, const std::vector<std::string>& plugin_files);
std::string run_help();
int plan_verb(const std::vector<std::string>& arguments, const std::vector<std::string>& plugin_files);
std::string plan_help();
int sample_verb(const std::vector<std::string>& arguments, const std::vector<std::string>& plugin_files);
std::string sample_help();
int summary_verb(const std::vector<std::string>& arguments, const std::vector<std::string>& plugin_files);
std::string summary_help();
int tokenize_verb(const std::vector<std::string>& arguments, const std::vector<std::string>& plugin_files);
std::string tokenize_help();
int bench_verb(const std::vector<std::string>& arguments, const std::vector<std::string>& plugin_files);
std::string bench_help();
int config_verb(const std::vector<std::string>& arguments, const std::vector<std::string>& plugin_files);
std::string config_help();
int prepare_verb(const std::vector<std::string>& arguments, const std::vector<std::string>& plugin_files);
std::string prepare_help();
int data_verb(const std::vector<std::string>& arguments, const std::vector<std::string>& plugin_files);
std::string data_help();
int export_verb(const std::vector<std::string>& arguments, const std::vector<std::string>& plugin_files);
std::string export_help();
int import_verb(const std::vector<std::string>& arguments, const std::vector<std::string>& plugin_files);
std::string import_help();

}  // namespace gptcore
