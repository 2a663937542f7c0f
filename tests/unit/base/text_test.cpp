#include "core/base/text.h"

#include <limits>
#include <vector>

#include "tests/catch.h"

using namespace gptcore;

TEST_CASE("long numbers are grouped by thousands", "[base]") {
  CHECK(grouped(0) == "0");
  CHECK(grouped(999) == "999");
  CHECK(grouped(1000) == "1,000");
  CHECK(grouped(-999) == "-999");
  CHECK(grouped(-123456) == "-123,456");
  CHECK(grouped(std::numeric_limits<int64_t>::max()) == "9,223,372,036,854,775,807");
}

TEST_CASE("a shape is its sizes in parentheses", "[base]") {
  CHECK(shape_text({}) == "()");
  CHECK(shape_text(std::vector<int64_t>{3}) == "(3)");
  CHECK(shape_text(std::vector<int64_t>{3, 4}) == "(3, 4)");
}
