#include "core/pipeline/prompt.h"

#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>

#include "core/options/sample_options.h"
#include "gptcore/error.h"

namespace gptcore {

std::string prompt_text(const std::string& given) {
  const auto read_all = [](std::istream& in) { return std::string(std::istreambuf_iterator<char>(in), {}); };
  if (given == "-") return read_all(std::cin);
  if (!given.starts_with(kPromptFile)) return given;
  const std::string path = given.substr(kPromptFile.size());
  std::error_code none;
  if (std::filesystem::is_directory(path, none))
    throw Error(Code::data_missing, "the prompt file '" + path + "' is a folder", "give the file in it after FILE:");
  std::ifstream file(path, std::ios::binary);
  if (!file) throw Error(Code::data_missing, "cannot read the prompt file '" + path + "'", "check the path after FILE:");
  return read_all(file);
}

}  // namespace gptcore
