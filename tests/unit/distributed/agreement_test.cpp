// What ranks tell each other.
#include "core/distributed/agreement.h"

#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "core/distributed/thread_group.h"

#include "tests/catch.h"

using namespace gptcore;

namespace {

// Calls `work(rank, group)` on a thread for each rank.
template <class Work> void on_ranks(int64_t ranks, Work work) {
  std::vector<std::thread> threads;
  for (auto& group : thread_process_groups(ranks))
    threads.emplace_back([&work, own = std::move(group)] { work(own->rank(), *own); });
  for (std::thread& t : threads) t.join();
}

}  // namespace

TEST_CASE("a rank's failure is every rank's, with its code, hint and place") {
  const int64_t ranks = GENERATE(1, 2, 3);
  std::vector<std::string> lines(3);
  on_ranks(ranks, [&](int64_t rank, ProcessGroup& group) {
    std::optional<Error> own;
    if (rank == ranks - 1) own.emplace(Code::disk_full, "no space", "free some", "out/ckpt");
    if (const auto any = failure_of_any(group, at::kCPU, own)) lines[static_cast<size_t>(rank)] = any->line();
  });
  const std::string line = Error(Code::disk_full, "no space", "free some", "out/ckpt").line();
  for (int64_t rank = 0; rank < ranks; ++rank) CHECK(lines[static_cast<size_t>(rank)] == line);
}

TEST_CASE("a rank with a failure of its own keeps it, and no failure is none") {
  std::vector<std::string> said(3);
  on_ranks(3, [&](int64_t rank, ProcessGroup& group) {
    CHECK_FALSE(failure_of_any(group, at::kCPU, std::nullopt));
    std::optional<Error> own;
    if (rank > 0) own.emplace(Code::io, "rank " + std::to_string(rank));
    said[static_cast<size_t>(rank)] = failure_of_any(group, at::kCPU, own)->what();
  });
  CHECK(said == std::vector<std::string>{"rank 1", "rank 1", "rank 2"});
}
