#include "apps/gptcore/plugins_test.h"

#include "apps/gptcore/command_line.h"
#include "apps/gptcore/engine_library.h"
#include "gptcore/error.h"

namespace gptcore {

namespace po = boost::program_options;

VerbOptions plugins_test_options() {
  VerbOptions options;
  options.overrides = true;
  options.visible.add_options()("filter", po::value<std::string>()->value_name("TEXT"), "only cases whose name contains it");
  options.visible.add_options()("set", po::value<std::string>()->value_name("ITEM.KEY=VALUE"),
                                "a parameter of an item; ${GPTCORE_TINY_TEXT} stands for the path of a small text file");
  options.visible.add_options()("override", po::bool_switch(), "the plugin means to replace built-in items of the same name");
  options.visible.add_options()("list", po::bool_switch(), "print the names of the cases and run none");
  options.visible.add_options()("json", po::bool_switch(), "print JSON");
  options.visible.add_options()("reproduce", po::value<uint64_t>()->value_name("SEED"), "the random values of an earlier test");
  options.visible.add_options()("timeout", po::value<double>()->default_value(30)->value_name("SECONDS"),
                                "that a case may take");
  options.visible.add_options()("in-process", po::bool_switch(), "no process a case, for a debugger: a crash ends the program");
  options.positional.add_options()("file", po::value<std::string>());
  options.order.add("file", 1);
  return options;
}

int plugins_test(const std::vector<std::string>& arguments, const std::vector<std::string>&) {
  const VerbArguments given = parse_arguments(plugins_test_options(), arguments);
  ConformanceRequest request;
  request.file = given.get<std::string>("file");
  if (request.file.empty()) throw Error(Code::usage, "plugins test expects a plugin's file", "gptcore plugins test ./myop.so");
  request.filter = given.get<std::string>("filter");
  request.replaces = given.get<bool>("override");
  request.list = given.get<bool>("list");
  request.json = given.get<bool>("json");
  request.in_process = given.get<bool>("in-process");
  request.seconds = given.get<double>("timeout");
  if (!(request.seconds > 0)) throw Error(Code::usage, "'--timeout' expects seconds above 0");
  if (given.values.count("reproduce")) request.seed = given.get<uint64_t>("reproduce");
  for (const Override& item : given.overrides) {
    const size_t equals = item.text.find('=');
    if (equals == std::string::npos) throw Error(Code::usage, "'" + item.written + "' has no value", "--set ITEM.KEY=VALUE");
    request.settings.emplace_back(item.text.substr(0, equals), item.text.substr(equals + 1));
  }
  return call(&EngineTable::test, request);
}

}  // namespace gptcore
