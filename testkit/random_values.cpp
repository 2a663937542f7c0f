#include "testkit/random_values.h"

#include <algorithm>
#include <cmath>

namespace gptcore {

double RandomValues::number(const ParamSpec& spec, double largest) {
  const double low = spec.minimum.value_or(-largest);
  const double high = std::max(low, std::min(spec.maximum.value_or(largest), std::max(largest, low + 1)));
  if (low < 0 || below(2) == 0) return low + (high - low) * uniform();
  return low + std::expm1(uniform() * std::log1p(high - low));  // as often small as large
}

std::string RandomValues::text(const ParamSpec& spec) {
  if (!spec.choices.empty()) return spec.choices[below(spec.choices.size())].text;
  static constexpr const char* kOdd[] = {"", " ", "blocks.*", "wte", "\xc3\xa4\xe2\x82\xac", "a\nb\tc", "0", "../..", "%s%n"};
  const uint64_t which = below(std::size(kOdd) + 2);
  if (which < std::size(kOdd)) return kOdd[which];
  std::string out;
  for (uint64_t left = below(which == std::size(kOdd) ? 12 : 2000); left > 0; --left) out += static_cast<char>(' ' + below(95));
  return out;
}

Value RandomValues::value(const ParamSpec& spec, double largest) {
  ParamSpec element = spec;
  switch (spec.type) {
    case Type::boolean:
      return below(2) == 1;
    case Type::integer:
      return static_cast<int64_t>(std::clamp(std::round(number(spec, largest)), -9e18, 9e18));
    case Type::number:
      return number(spec, largest);
    case Type::text:
      return text(spec);
    case Type::text_list:
    case Type::integer_list:
    case Type::number_list: {
      element.type = spec.type == Type::text_list ? Type::text : spec.type == Type::integer_list ? Type::integer : Type::number;
      List list;
      for (uint64_t left = below(4); left > 0; --left) list.push_back(value(element, largest));
      return list;
    }
    case Type::any: {
      static constexpr Type kSome[] = {Type::boolean, Type::integer, Type::number, Type::text, Type::integer_list};
      element.type = kSome[below(std::size(kSome))];
      return value(element, largest);
    }
    default:
      return {};
  }
}

Table RandomValues::table(const std::vector<ParamSpec>& specs, double largest) {
  Table out;
  for (const ParamSpec& spec : specs) {
    if (below(4) == 0) continue;
    Value drawn = value(spec, largest);
    if (!drawn.empty() && !misfit(spec, drawn)) out.emplace_back(spec.name, std::move(drawn));
  }
  return out;
}

}  // namespace gptcore
