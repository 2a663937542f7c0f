#include "gptcore/schema.h"

#include <cmath>
#include <limits>

#include "tests/catch.h"

using namespace gptcore;

namespace {

struct Lora {
  int64_t rank = 8;
  double alpha = 16;
  bool on = true;
  std::string init = "zero";
  std::string file = "a.bin";
  std::vector<std::string> targets{"qkv", "proj"};
  std::vector<int64_t> layers;
  std::vector<double> scales;
  Table extra;
  std::optional<double> limit;
  int64_t iters = -1;
  int64_t off = 0;

  static void schema(Schema<Lora>& s) {
    s.param("rank", &Lora::rank, "rank of the update").range(1, 1024);
    s.param("alpha", &Lora::alpha, "scale").above(0).unit("units");
    s.param("on", &Lora::on, "switch");
    s.param("init", &Lora::init, "start").choice("zero").choice("gaussian");
    s.param("file", &Lora::file, "file").path();
    s.param("targets", &Lora::targets, "names").choice("qkv").choice("proj");
    s.param("layers", &Lora::layers, "indices").at_least(0);
    s.param("scales", &Lora::scales, "factors").at_least(0).below(1);
    s.param("extra", &Lora::extra, "free");
    s.param("limit", &Lora::limit, "limit").required();
    s.param("iters", &Lora::iters, "batches").at_least(1).word("all", -1);
    s.param("off", &Lora::off, "0 = off").at_least(10);
    s.check([](const Lora& o, Problems& found) {
      if (o.rank > o.alpha) found.push_back({"rank", "rank is above alpha", "lower it"});
    });
  }
};

const ParamSpec& spec(const std::string& name) {
  static const Schema<Lora> schema = schema_of<Lora>();
  for (const ParamSpec& s : schema.specs())
    if (s.name == name) return s;
  throw std::logic_error(name);
}

}  // namespace

TEST_CASE("a value that does not fit is told what is wanted and what was found", "[sdk][schema]") {
  const double nan = std::nan(""), inf = std::numeric_limits<double>::infinity();
  const auto [name, value, wrong_type, text] = GENERATE_COPY(table<std::string, Value, bool, std::string>({
      {"alpha", "sixteen", true, "expects a float, got string \"sixteen\""},
      {"alpha", 0, false, "expects >0 units, got 0"},
      {"alpha", nan, false, "expects >0 units, got nan"},
      {"alpha", inf, false, "expects >0 units, got inf"},
      {"rank", 2.0, true, "expects an integer, got float 2.0"},
      {"rank", 0, false, "expects 1..1024, got 0"},
      {"rank", 1025, false, "expects 1..1024, got 1025"},
      {"rank", true, true, "expects an integer, got boolean true"},
      {"on", 1, true, "expects a boolean, got integer 1"},
      {"on", "yes", true, "expects a boolean, got string \"yes\""},
      {"init", "zeros", false, "expects one of zero | gaussian, got \"zeros\""},
      {"init", 3, true, "expects a string, got integer 3"},
      {"file", List{"a"}, true, "expects a path, got array [\"a\"]"},
      {"targets", "qkv", true, "expects a list of strings, got string \"qkv\""},
      {"targets", List{"qkv", 1}, true, "expects a list of strings, got array [\"qkv\", 1]"},
      {"targets", List{"qkv", "mlp"}, false, "expects one of qkv | proj, got \"mlp\""},
      {"layers", 3, true, "expects a list of integers, got integer 3"},
      {"layers", List{1, -1}, false, "expects >=0, got -1"},
      {"layers", List{1.5}, true, "expects a list of integers, got array [1.5]"},
      {"scales", List{0.5, 1}, false, "expects >=0 and <1, got 1"},
      {"extra", List{}, true, "expects a table, got array []"},
      {"iters", "some", true, "expects an integer or \"all\", got string \"some\""},
      {"iters", 0, false, "expects >=1 or \"all\", got 0"},
      {"off", 9, false, "expects >=10, got 9"},
  }));
  INFO(name << " = " << to_toml(value));
  const auto wrong = misfit(spec(name), value);
  REQUIRE(wrong);
  CHECK(wrong->text == text);
  CHECK(wrong->wrong_type == wrong_type);
}

TEST_CASE("a value that fits is accepted", "[sdk][schema]") {
  const auto [name, value] = GENERATE(table<std::string, Value>({{"rank", 1},
                                                                 {"rank", 1024},
                                                                 {"alpha", 1},
                                                                 {"alpha", 0.5},
                                                                 {"init", "gaussian"},
                                                                 {"targets", List{}},
                                                                 {"targets", List{"proj"}},
                                                                 {"scales", List{0, 0.5}},
                                                                 {"extra", Table{{"x", 1}}},
                                                                 {"limit", 3},
                                                                 {"iters", "all"},
                                                                 {"iters", 7},
                                                                 {"off", 0}}));
  INFO(name << " = " << to_toml(value));
  CHECK_FALSE(misfit(spec(name), value));
}

TEST_CASE("a large integer is compared exactly", "[sdk][schema]") {
  ParamSpec s;
  s.type = Type::integer;
  s.maximum = 9007199254740992.0;  // 2^53: its neighbour above is no double
  CHECK_FALSE(misfit(s, Value(int64_t{9007199254740992})));
  CHECK(misfit(s, Value(int64_t{9007199254740993})));
}

TEST_CASE("a long value is cut in the message, between characters", "[sdk][schema]") {
  std::string text;
  for (int i = 0; i < 100; ++i) text += "é";
  const auto wrong = misfit(spec("rank"), text);
  REQUIRE(wrong);
  CHECK(wrong->text.size() < 110);
  CHECK(wrong->text.ends_with("é..."));
}

TEST_CASE("a range reads as its owner wrote it", "[sdk][schema]") {
  CHECK(range_text(spec("rank")) == "1..1024");
  CHECK(range_text(spec("alpha")) == ">0");
  CHECK(range_text(spec("scales")) == ">=0 and <1");
  CHECK(range_text(spec("init")) == "one of zero | gaussian");
  CHECK(range_text(spec("iters")) == ">=1 or \"all\"");
  CHECK(range_text(spec("on")).empty());
}

TEST_CASE("defaults come from the members", "[sdk][schema]") {
  CHECK(spec("rank").fallback == Value(8));
  CHECK(spec("targets").fallback == Value(List{"qkv", "proj"}));
  CHECK(spec("limit").fallback.empty());
  CHECK(spec("limit").required);
  CHECK(spec("file").type == Type::path);
}

TEST_CASE("assign sets what is given and keeps the rest", "[sdk][schema]") {
  Lora lora;
  schema_of<Lora>().assign({{"rank", 4},
                            {"alpha", 2},
                            {"on", false},
                            {"targets", List{"proj"}},
                            {"layers", List{1, 2}},
                            {"scales", List{0, 0.5}},
                            {"limit", 3},
                            {"iters", "all"},
                            {"init", Value()},
                            {"unknown", 1}},
                           lora);
  CHECK(lora.rank == 4);
  CHECK(lora.alpha == 2.0);
  CHECK_FALSE(lora.on);
  CHECK(lora.targets == std::vector<std::string>{"proj"});
  CHECK(lora.layers == std::vector<int64_t>{1, 2});
  CHECK(lora.scales == std::vector<double>{0, 0.5});
  CHECK(lora.limit == 3.0);
  CHECK(lora.iters == -1);
  CHECK(lora.init == "zero");
  CHECK(lora.file == "a.bin");
}

TEST_CASE("a word stands for its number", "[sdk][schema]") {
  Lora lora;
  lora.iters = 5;
  schema_of<Lora>().assign({{"iters", "all"}}, lora);
  CHECK(lora.iters == -1);
}

TEST_CASE("a rule over several fields names its key", "[sdk][schema]") {
  Lora lora;
  CHECK(schema_of<Lora>().problems(lora).empty());
  lora.rank = 17;
  const Problems found = schema_of<Lora>().problems(lora);
  REQUIRE(found.size() == 1);
  CHECK(found[0].key == "rank");
}

TEST_CASE("a struct without schema() has no parameters", "[sdk][schema]") {
  struct Plain {};
  CHECK(schema_of<Plain>().specs().empty());
}
