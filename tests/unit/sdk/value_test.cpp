#include "gptcore/value.h"

#include <toml++/toml.h>

#include <rapidcheck.h>
#include <limits>

#include "tests/catch.h"

using gptcore::List;
using gptcore::Table;
using gptcore::to_toml;
using gptcore::Value;

TEST_CASE("a value is written as TOML text", "[sdk][value]") {
  const auto [value, text] =
      GENERATE(table<Value, std::string>({{Value(), ""},
                                          {true, "true"},
                                          {-3, "-3"},
                                          {std::numeric_limits<int64_t>::min(), "-9223372036854775808"},
                                          {1.0, "1.0"},
                                          {0.1, "0.1"},
                                          {1e-6, "1e-06"},
                                          {1e300, "1e+300"},
                                          {std::numeric_limits<double>::infinity(), "inf"},
                                          {-std::numeric_limits<double>::infinity(), "-inf"},
                                          {6e-4, "0.0006"},
                                          {-0.0, "-0.0"},
                                          {123456789.25, "123456789.25"},
                                          {1e9, "1e+09"},
                                          {"a \"quoted\"\\\n\t\x01 é", "\"a \\\"quoted\\\"\\\\\\n\\t\\u0001 é\""},
                                          {List{1, "b", List{}}, "[1, \"b\", []]"},
                                          {Table{{"a", 1}, {"none", Value()}, {"b c", Table{}}}, "{ a = 1, \"b c\" = {} }"}}));
  CHECK(to_toml(value) == text);
}

TEST_CASE("doubles and strings come back from TOML as they went", "[sdk][value]") {
  CHECK(rc::check([](double number) {
    const auto read = toml::parse("v = " + to_toml(Value(number)))["v"].value<double>();
    RC_ASSERT(read.has_value());
    RC_ASSERT(*read == number);
  }));
  CHECK(rc::check([] {
    const auto text = *rc::gen::container<std::string>(rc::gen::inRange<char>(1, 127));
    const auto read = toml::parse("v = " + to_toml(Value(text)))["v"].value<std::string>();
    RC_ASSERT(read == text);
  }));
}

TEST_CASE("a table is searched by key", "[sdk][value]") {
  const Table table{{"a", 1}, {"b", "x"}};
  REQUIRE(gptcore::find(table, "b"));
  CHECK(*gptcore::find(table, "b") == Value("x"));
  CHECK_FALSE(gptcore::find(table, "c"));
}

TEST_CASE("a value knows TOML's name of its type", "[sdk][value]") {
  CHECK(std::string(type_name(Value(1.0))) == "float");
  CHECK(std::string(type_name(Value(List{}))) == "array");
  CHECK(std::string(type_name(Value("x"))) == "string");
}
