#include <rapidcheck.h>

#include <algorithm>
#include <numeric>

#include "plugins/dataset/documents/packing.h"
#include "tests/unit/plugins/built_in.h"

#include "tests/catch.h"

using namespace gptcore;
using namespace gptcore::datasets;

namespace {

std::vector<int64_t> starts_of(const std::vector<int64_t>& lengths, int64_t& tokens) {
  std::vector<int64_t> starts;
  tokens = 0;
  for (const int64_t length : lengths) {
    starts.push_back(tokens);
    tokens += length;
  }
  return starts;
}

PackedRows rows_of(const std::vector<int64_t>& lengths, int64_t block, Packing packing) {
  int64_t tokens = 0;
  const auto starts = starts_of(lengths, tokens);
  return {starts, tokens, block, 1, Split::train, packing, "test"};
}

}  // namespace

TEST_CASE("every token but a document's first is predicted once, in a row with room, inside its document") {
  for (const Packing packing : {Packing::documents, Packing::best_fit})
    CHECK(rc::check([packing] {
      const auto lengths = *rc::gen::nonEmpty(rc::gen::container<std::vector<int64_t>>(rc::gen::inRange<int64_t>(2, 60)));
      const auto block = *rc::gen::inRange<int64_t>(1, 40);
      int64_t tokens = 0;
      const auto starts = starts_of(lengths, tokens);
      const PackedRows rows(starts, tokens, block, 1, Split::train, packing, "test");
      std::vector<int> times(static_cast<size_t>(tokens));
      for (int64_t r = 0; r < rows.rows(); ++r) {
        int64_t used = 0;
        for (const Piece& piece : rows.row(r)) {
          used += piece.length;
          const auto document = std::upper_bound(starts.begin(), starts.end(), piece.start) - 1;
          const int64_t end = document + 1 == starts.end() ? tokens : *(document + 1);
          RC_ASSERT(piece.length > 0 && piece.start + piece.length < end);
          for (int64_t t = 1; t <= piece.length; ++t) ++times[static_cast<size_t>(piece.start + t)];
        }
        RC_ASSERT(used <= block);
      }
      for (const int64_t start : starts) RC_ASSERT(times[static_cast<size_t>(start)]++ == 0);
      RC_ASSERT(std::all_of(times.begin(), times.end(), [](int n) { return n == 1; }));
    }));
}

TEST_CASE("best fit fills rows as tightly as these lengths allow") {
  // Pieces of 7, 5, 3 and 1 predicted tokens twice over: four rows of 8 are full.
  const PackedRows rows = rows_of({2, 8, 6, 4, 2, 8, 6, 4}, 8, Packing::best_fit);
  REQUIRE(rows.rows() == 4);
  for (int64_t r = 0; r < 4; ++r) {
    int64_t used = 0;
    for (const Piece& piece : rows.row(r)) used += piece.length;
    CHECK(used == 8);
  }
}

TEST_CASE("a long document goes on in further rows, and one of a single token has none") {
  const PackedRows rows = rows_of({1, 10, 1}, 4, Packing::documents);
  REQUIRE(rows.rows() == 3);
  CHECK(rows.row(0)[0].start == 1);
  CHECK(rows.row(1)[0].start == 5);
  CHECK(rows.row(2)[0].length == 1);
  CHECK(error_of([] { rows_of({1, 1}, 4, Packing::documents); }).code() == Code::data_too_short);
}
