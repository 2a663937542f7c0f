// Makes the owner of a table whose keys the core reads itself.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/config/owner.h"

namespace gptcore {

template <class T> Owner core_owner(std::string title, std::vector<std::string> reserved = {}) {
  const auto problems = [](const Table& values) {
    T object;
    schema_of<T>().assign(values, object);
    return schema_of<T>().problems(object);
  };
  return {std::move(title), schema_of<T>().specs(), std::move(reserved), problems, {}};
}

}  // namespace gptcore
