#include "core/pipeline/prompt.h"

#include <fstream>
#include <iostream>
#include <iterator>

#include "gptcore/error.h"

namespace gptcore {

std::string prompt_text(const std::string& given) {
  const auto read_all = [](std::istream& in) { return std::string(std::istreambuf_iterator<char>(in), {}); };
  if (given == "-") return read_all(std::cin);
  if (!given.starts_with("FILE:")) return given;
  std::ifstream file(given.substr(5), std::ios::binary);
  if (!file)
    throw Error(Code::data_missing, "cannot read the prompt file '" + given.substr(5) + "'", "check the path after FILE:");
  return read_all(file);
}

}  // namespace gptcore
