#include "gptcore/json.h"

#include <limits>
#include <nlohmann/json.hpp>

#include "tests/catch.h"

using namespace gptcore;

TEST_CASE("a value becomes JSON of the same types, and tables keep their order") {
  const Value value = Table{{"z", 1},       {"a", 0.5},        {"text", "é"},
                            {"flag", true}, {"none", Value()}, {"list", List{1, "b", Table{{"inner", List{}}}}}};
  CHECK(to_json<nlohmann::ordered_json>(value).dump() ==
        R"({"z":1,"a":0.5,"text":"é","flag":true,"none":null,"list":[1,"b",{"inner":[]}]})");
  CHECK(to_json<nlohmann::json>(value).dump() ==
        R"({"a":0.5,"flag":true,"list":[1,"b",{"inner":[]}],"none":null,"text":"é","z":1})");
  CHECK(to_json<nlohmann::json>(Value(Table{})).dump() == "{}");
  CHECK(to_json<nlohmann::json>(Value(std::numeric_limits<double>::quiet_NaN())).dump() == "null");
  CHECK(to_json<nlohmann::json>(Value(2.0)).dump() == "2.0");
}
