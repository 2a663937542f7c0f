// Turns a value into JSON. The SDK needs no JSON library: the caller names its own JSON type, which is made as nlohmann::json
// is.
#pragma once

#include <type_traits>
#include <variant>

#include "gptcore/value.h"

namespace gptcore {

// Returns the value as `Json`; an empty value is null. NaN and the infinities stay as they are, and nlohmann writes them as
// null.
template <class Json> Json to_json(const Value& value) {
  const auto convert = []<class T>(const T& data) -> Json {
    if constexpr (std::is_same_v<T, std::monostate>) {
      return nullptr;
    } else if constexpr (std::is_same_v<T, List>) {
      Json list = Json::array();
      for (const Value& one : data) list.push_back(to_json<Json>(one));
      return list;
    } else if constexpr (std::is_same_v<T, Table>) {
      Json object = Json::object();
      for (const auto& [key, one] : data) object[key] = to_json<Json>(one);
      return object;
    } else {
      return data;
    }
  };
  return std::visit(convert, value.data);
}

}  // namespace gptcore
