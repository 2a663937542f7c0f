#include "core/plugin/breadcrumb.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdio>
#include <mutex>
#include <set>

namespace gptcore {

constexpr size_t kThreads = 128, kDepth = 8;  // further threads and deeper calls are not marked

struct ThreadCalls {
  struct Frame {
    std::atomic<const Callee*> callee{nullptr};
    std::atomic<const char*> method{nullptr};
    std::atomic<uint64_t> number{0};
  };
  std::atomic<bool> taken{false};
  std::atomic<size_t> depth{0};
  std::atomic<uint64_t> made{0};  // number of calls so far
  std::array<Frame, kDepth> frames;
};

namespace {

// Globals, because a signal handler can reach nothing else.
std::array<ThreadCalls, kThreads> g_threads;
thread_local ThreadCalls* t_calls = nullptr;
std::atomic<int64_t> g_step{-1}, g_rank{0};

constexpr auto kRelaxed = std::memory_order_relaxed;

ThreadCalls* take_place() noexcept {
  struct Release {
    ~Release() {
      if (!t_calls || t_calls->depth.load(kRelaxed) > 0) return;  // exit() within a call runs this, too
      t_calls->taken = false;
      t_calls = nullptr;
    }
  };
  for (ThreadCalls& place : g_threads) {
    if (place.taken.exchange(true)) continue;
    t_calls = &place;
    static thread_local const Release at_end_of_thread;
    static_cast<void>(at_end_of_thread);
    break;
  }
  return t_calls;
}

PluginCall call_at(const ThreadCalls& calls, size_t depth) noexcept {
  const ThreadCalls::Frame& frame = calls.frames[depth];
  const uint64_t number = frame.number.load(std::memory_order_acquire);
  return {frame.callee.load(kRelaxed), frame.method.load(kRelaxed), number, static_cast<size_t>(&calls - g_threads.data()),
          depth};
}

}  // namespace

const Callee& lasting(const Callee& callee) {
  static auto& all = *new std::set<Callee>;  // never destroyed
  static auto& mutex = *new std::mutex;
  const std::lock_guard lock(mutex);
  return *all.insert(callee).first;
}

Breadcrumb::Breadcrumb(const Callee& callee, const char* method) noexcept : calls_(t_calls ? t_calls : take_place()) {
  if (!calls_) return;
  const size_t depth = calls_->depth.load(kRelaxed);
  if (depth < kDepth) {
    ThreadCalls::Frame& frame = calls_->frames[depth];
    const uint64_t number = calls_->made.load(kRelaxed) + 1;
    calls_->made.store(number, kRelaxed);
    frame.callee.store(&callee, kRelaxed);
    frame.method.store(method, kRelaxed);
    frame.number.store(number, std::memory_order_release);
  }
  calls_->depth.store(depth + 1, std::memory_order_release);
}

Breadcrumb::~Breadcrumb() {
  if (calls_) calls_->depth.store(calls_->depth.load(kRelaxed) - 1, std::memory_order_release);
}

PluginCall current_call() noexcept {
  const size_t depth = t_calls ? std::min(t_calls->depth.load(kRelaxed), kDepth) : 0;
  return depth == 0 ? PluginCall{} : call_at(*t_calls, depth - 1);
}

size_t calls_in_progress(std::span<PluginCall> out) noexcept {
  size_t found = 0;
  for (const ThreadCalls& calls : g_threads) {
    const size_t depth = std::min(calls.depth.load(std::memory_order_acquire), kDepth);
    for (size_t i = 0; i < depth && found < out.size(); ++i) out[found++] = call_at(calls, i);
  }
  return found;
}

void set_breadcrumb_place(int64_t step, int64_t rank) noexcept {
  g_step = step;
  g_rank = rank;
}

// snprintf is not on the list of functions that a handler may call, but glibc's allocates nothing for these formats.
size_t describe(const PluginCall& call, std::span<char> text) noexcept {
  if (text.empty()) return 0;
  std::array<char, 64> place{};
  if (g_step >= 0)
    std::snprintf(place.data(), place.size(), ", step %lld, rank %lld", static_cast<long long>(g_step.load()),
                  static_cast<long long>(g_rank.load()));
  const Callee& c = *call.callee;
  const bool has_item = !c.item.empty();
  const int size =
      std::snprintf(text.data(), text.size(), "plugin '%s'%s%s%s%s%s, in %s()%s", c.plugin.c_str(), has_item ? ", " : "",
                    c.kind.c_str(), has_item ? " '" : "", c.item.c_str(), has_item ? "'" : "", call.method, place.data());
  return std::min(static_cast<size_t>(std::max(size, 0)), text.size() - 1);
}

std::string described(const PluginCall& call) {
  std::array<char, 1024> text{};
  return {text.data(), describe(call, text)};
}

}  // namespace gptcore
