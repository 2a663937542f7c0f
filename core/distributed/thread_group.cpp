#include "core/distributed/thread_group.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/maximum.h>

#include <condition_variable>
#include <functional>
#include <mutex>

#include "gptcore/error.h"

namespace gptcore {
namespace {

// State shared by the ranks: each puts a tensor on the table, the last one to come computes, all take the result.
struct Meeting {
  explicit Meeting(int64_t ranks) : table(static_cast<size_t>(ranks)) {}
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<at::Tensor> table;
  at::Tensor result;
  int64_t present = 0, round = 0;
  bool lost = false;
};

class ThreadGroup final : public ProcessGroup {
 public:
  ThreadGroup(std::shared_ptr<Meeting> meeting, int64_t rank) : meeting_(std::move(meeting)), rank_(rank) {}
  ~ThreadGroup() override {
    const std::lock_guard lock(meeting_->mutex);
    meeting_->lost = true;
    meeting_->changed.notify_all();
  }
  int64_t rank() const override { return rank_; }
  int64_t size() const override { return static_cast<int64_t>(meeting_->table.size()); }
  void all_reduce_sum(at::Tensor& tensor) override {
    meet(tensor, [](const std::vector<at::Tensor>& all) {
      at::Tensor sum = all[0].clone();
      for (size_t i = 1; i < all.size(); ++i) sum.add_(all[i]);
      return sum;
    });
  }
  void all_reduce_max(at::Tensor& tensor) override {
    meet(tensor, [](const std::vector<at::Tensor>& all) {
      at::Tensor most = all[0].clone();
      for (size_t i = 1; i < all.size(); ++i) most = at::maximum(most, all[i]);
      return most;
    });
  }
  void broadcast(at::Tensor& tensor, int64_t root) override {
    meet(tensor, [root](const std::vector<at::Tensor>& all) { return all[static_cast<size_t>(root)].clone(); });
  }
  void barrier() override {
    at::Tensor nothing;
    meet(nothing, [](const std::vector<at::Tensor>&) { return at::Tensor(); });
  }

 private:
  void meet(at::Tensor& tensor, const std::function<at::Tensor(const std::vector<at::Tensor>&)>& compute) {
    const at::NoGradGuard no_grad;
    std::unique_lock lock(meeting_->mutex);
    Meeting& m = *meeting_;
    m.table[static_cast<size_t>(rank_)] = tensor;
    const int64_t round = m.round;
    if (++m.present == size()) {
      m.result = compute(m.table);
      m.present = 0;
      ++m.round;
      m.changed.notify_all();
    }
    m.changed.wait(lock, [&] { return m.round != round || m.lost; });
    if (m.round == round) throw Error(Code::peer_lost, "a rank has ended", "its own error says why");
    if (tensor.defined()) tensor.copy_(m.result);
  }

  std::shared_ptr<Meeting> meeting_;
  int64_t rank_;
};

}  // namespace

std::vector<std::unique_ptr<ProcessGroup>> thread_process_groups(int64_t size) {
  const auto meeting = std::make_shared<Meeting>(size);
  std::vector<std::unique_ptr<ProcessGroup>> groups;
  for (int64_t rank = 0; rank < size; ++rank) groups.push_back(std::make_unique<ThreadGroup>(meeting, rank));
  return groups;
}

}  // namespace gptcore
