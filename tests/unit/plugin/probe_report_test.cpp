#include "core/plugin/probe_report.h"

#include "tests/catch.h"

using namespace gptcore;

TEST_CASE("a report comes back from its lines") {
  const ProbeReport good = parse_report(stage_line("libtorch") + stage_line("load") + ok_line("{\"a\":\"\n\"}"));
  CHECK(good.stage == "load");
  CHECK(good.result == "ok");
  CHECK(good.text == "{\"a\":\"\n\"}");
  const ProbeReport bad =
      parse_report(stage_line("register") + refused_line(Error(Code::plugin_no_entry, "what\nis", "do", "x")));
  CHECK(bad.stage == "register");
  CHECK(bad.result == "refused");
  CHECK(bad.code == Code::plugin_no_entry);
  CHECK(bad.text == "what\nis");
  CHECK(bad.hint == "do");
  CHECK(parse_report(threw_line("\xff")).result == "threw");
}

TEST_CASE("lines that are cut off or unknown change nothing") {
  for (const std::string text : {"", "ok", "ok {\"text\":\"x\"}", "ok {\"text\":\n", "ok {}\n", "ok [1]\n",
                                 "refused {\"text\":\"x\"}\n", "other {\"text\":\"x\"}\n", "stage {\"name\":3}\n", "\n\n"}) {
    INFO(text);
    const ProbeReport report = parse_report(text);
    CHECK(report.stage.empty());
    CHECK(report.result.empty());
  }
}
