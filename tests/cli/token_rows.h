// The rows of a checkpoint's embedding or head by the tokenizer's ids.
#pragma once

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "tests/cli/workspace.h"

namespace gptcore::test {

// Of a float32 table (rows, columns) in a safetensors file: its rows.
inline std::vector<std::vector<float>> table_in(const std::filesystem::path& file, const std::string& name) {
  const std::string bytes = read(file);
  uint64_t size = 0;
  std::memcpy(&size, bytes.data(), sizeof size);
  const auto tensor = nlohmann::json::parse(bytes.substr(sizeof size, size)).at(name);
  const size_t columns = tensor.at("shape").at(1);
  std::vector<std::vector<float>> rows(tensor.at("shape").at(0).get<size_t>(), std::vector<float>(columns));
  const char* at = bytes.data() + sizeof size + size + tensor.at("data_offsets").at(0).get<size_t>();
  for (std::vector<float>& row : rows) {
    std::memcpy(row.data(), at, columns * sizeof(float));
    at += columns * sizeof(float);
  }
  return rows;
}

// As the checkpoint's vocabulary.json has the ids of its first rows; without that file row i is of the token i.
inline std::map<int, std::vector<float>> token_rows(const std::filesystem::path& checkpoint, const std::string& name) {
  const auto table = table_in(checkpoint / "model.safetensors", name);
  std::map<int, std::vector<float>> rows;
  if (std::filesystem::exists(checkpoint / "vocabulary.json")) {
    const auto ids = nlohmann::json::parse(read(checkpoint / "vocabulary.json")).at("ids").get<std::vector<int>>();
    for (size_t number = 0; number < ids.size(); ++number) rows[ids[number]] = table.at(number);
  } else {
    for (size_t id = 0; id < table.size(); ++id) rows[static_cast<int>(id)] = table[id];
  }
  return rows;
}

}  // namespace gptcore::test
