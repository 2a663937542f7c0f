#include "core/plugin/manifest.h"

#include <rapidcheck.h>

#include "gptcore/error.h"
#include "tests/catch.h"

using namespace gptcore;

namespace {

bool same(const ParamSpec& a, const ParamSpec& b) {
  const auto texts = [](const std::vector<Choice>& choices) {
    std::vector<std::string> out;
    for (const Choice& c : choices) out.insert(out.end(), {c.text, c.doc});
    return out;
  };
  const auto words = [](const std::vector<Word>& all) {
    std::vector<std::pair<std::string, double>> out;
    for (const Word& w : all) out.emplace_back(w.text, w.number);
    return out;
  };
  return a.name == b.name && a.type == b.type && a.fallback == b.fallback && a.required == b.required &&
         a.minimum == b.minimum && a.maximum == b.maximum && a.minimum_open == b.minimum_open &&
         a.maximum_open == b.maximum_open && texts(a.choices) == texts(b.choices) && words(a.words) == words(b.words) &&
         a.unit == b.unit && a.doc == b.doc;
}

Value any_value(int depth) {
  switch (*rc::gen::inRange(0, depth > 2 ? 5 : 7)) {
    case 0:
      return {};
    case 1:
      return *rc::gen::arbitrary<bool>();
    case 2:
      return *rc::gen::arbitrary<int64_t>();
    case 3:
      return static_cast<double>(*rc::gen::arbitrary<int32_t>()) / 7;
    case 4:
      return *rc::gen::element<std::string>("", "a", "\"\\\n", "ü€𝄞");
    case 5:
      return List{any_value(depth + 1), any_value(depth + 1)};
    default:
      return Table{{"one", any_value(depth + 1)}, {"a two", any_value(depth + 1)}};
  }
}

ParamSpec any_param() {
  ParamSpec p;
  p.name = *rc::gen::element<std::string>("a", "b_2", "");
  p.type = static_cast<Type>(*rc::gen::inRange(0, 10));
  p.fallback = any_value(0);
  p.required = *rc::gen::arbitrary<bool>();
  if (*rc::gen::arbitrary<bool>()) p.minimum = *rc::gen::arbitrary<int32_t>() / 3.0;
  if (*rc::gen::arbitrary<bool>()) p.maximum = 1e300;
  p.minimum_open = *rc::gen::arbitrary<bool>();
  p.maximum_open = *rc::gen::arbitrary<bool>();
  if (*rc::gen::arbitrary<bool>()) p.choices = {{"x", "doc"}, {"y", ""}};
  if (*rc::gen::arbitrary<bool>()) p.words = {{"all", -1}, {"half", 0.5}};
  p.unit = *rc::gen::element<std::string>("", "tokens");
  p.doc = "ein Döc";
  return p;
}

Manifest with_item(const std::string& name, const std::string& doc, std::vector<ParamSpec> params) {
  Manifest m{"some", "1", {}};
  m.items.push_back({Kind::dataset, name, doc, std::move(params), "", "", "", nullptr});
  return m;
}

ParamSpec param(const std::string& name, Type type, Value fallback) {
  ParamSpec p;
  p.name = name;
  p.type = type;
  p.fallback = std::move(fallback);
  p.doc = "doc";
  return p;
}

}  // namespace

TEST_CASE("a manifest comes back from its JSON as it was") {
  rc::check([] {
    Manifest before = with_item("item", "what it is", {});
    before.items[0].kind = static_cast<Kind>(*rc::gen::inRange(0, kKinds));
    for (int i = *rc::gen::inRange(0, 4); i > 0; --i) before.items[0].params.push_back(any_param());

    const Manifest after = parse_manifest(to_json(before), "x.so");
    RC_ASSERT(after.plugin == "some");
    RC_ASSERT(after.version == "1");
    RC_ASSERT(after.items.size() == 1u);
    RC_ASSERT(after.items[0].kind == before.items[0].kind);
    RC_ASSERT(after.items[0].name == "item");
    RC_ASSERT(after.items[0].plugin == "some");
    RC_ASSERT(after.items[0].params.size() == before.items[0].params.size());
    for (size_t i = 0; i < after.items[0].params.size(); ++i)
      RC_ASSERT(same(after.items[0].params[i], before.items[0].params[i]));
  });
}

TEST_CASE("text that is no manifest is refused with the file's name") {
  const std::string head = R"({"plugin":"p","version":"1","items":)";
  const std::string param = R"([{"kind":"dataset","name":"d","doc":"","params":[{"name":"p","doc":"","type":)";
  for (const std::string& text :
       {std::string(), std::string("{"), std::string("[]"), std::string("{}"), head + "3}", head + R"([{"kind":"toaster"}]})",
        head + param + R"("sponge"}]}]})", head + param + "3}]}]}",
        head + param + R"("table","default":)" + std::string(40, '[') + std::string(40, ']') + "}]}]}"}) {
    INFO(text);
    try {
      parse_manifest(text, "dir/x.so");
      FAIL("accepted");
    } catch (const Error& e) {
      CHECK(e.code() == Code::plugin_no_manifest);
      CHECK(e.where() == "dir/x.so");
    }
  }
}

TEST_CASE("a well described item has no mistakes") {
  ParamSpec p = param("rank", Type::integer, 8);
  p.minimum = 1;
  REQUIRE(mistakes(with_item("item", "doc", {p, param("other", Type::text, "x")})).empty());
}

TEST_CASE("every mistake of a description is found and named") {
  using Catch::Matchers::Contains;
  const auto only = [](const Manifest& m) {
    const auto found = mistakes(m);
    REQUIRE(found.size() == 1);
    return found[0];
  };
  CHECK_THAT(only(with_item("Item", "doc", {})), Contains("'Item'"));
  CHECK_THAT(only(with_item("item", "", {})), Contains("has no doc"));
  CHECK_THAT(only(with_item("item", "doc", {param("2rank", Type::integer, 1)})), Contains("'2rank'"));
  CHECK_THAT(only(with_item("item", "doc", {param("use", Type::integer, 1)})), Contains("'use'"));
  CHECK_THAT(only(with_item("item", "doc", {param("a", Type::integer, 1), param("a", Type::integer, 1)})), Contains("twice"));
  CHECK_THAT(only(with_item("item", "doc", {param("a", Type::integer, "x")})), Contains("default"));
  ParamSpec bounded = param("a", Type::integer, 9);
  bounded.maximum = 8;
  CHECK_THAT(only(with_item("item", "doc", {bounded})), Contains("default"));
  ParamSpec silent = param("a", Type::integer, 9);
  silent.doc.clear();
  CHECK_THAT(only(with_item("item", "doc", {silent})), Contains("no doc"));
  Manifest twice = with_item("item", "doc", {});
  twice.items.push_back(twice.items[0]);
  CHECK_THAT(only(twice), Contains("registered twice"));
}
