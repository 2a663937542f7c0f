// A dataset that needs no files: token i of the stream is a fixed function of i, samples say who they are.
#pragma once

#include <ATen/ops/empty.h>

#include <string>
#include <vector>

#include "gptcore/dataset.h"
#include "gptcore/error.h"
#include "gptcore/random.h"

namespace gptcore::testing {

class CountingDataset final : public Dataset {
 public:
  CountingDataset(int64_t block_size, int64_t vocab, int64_t train_tokens, int64_t val_tokens)
      : block_(block_size), vocab_(vocab), sizes_{train_tokens, val_tokens} {}
  void open(const DatasetContext&) override {}
  int64_t tokens(Split split) const override { return sizes_[static_cast<size_t>(split)]; }
  int64_t windows(Split split) const override { return tokens(split) == 0 ? 0 : (tokens(split) - 1 + block_ - 1) / block_; }
  std::string fingerprint() const override { return "counting"; }
  void batch(const BatchRequest& r, Batch& out) override {
    if (r.order == Order::shuffled && r.split == Split::train)
      for (int64_t i = 0; i < r.count; ++i) {
        if (r.first_sample + i == fail_at) throw Error(Code::data_corrupt, "sample " + std::to_string(fail_at) + " is bad");
        samples.push_back(r.first_sample + i);
      }
    out.ids = at::empty({r.count, block_}, at::kLong);
    out.targets = at::empty({r.count, block_}, at::kLong);
    for (int64_t i = 0; i < r.count; ++i)
      for (int64_t t = 0; t < block_; ++t) {
        const int64_t sample = r.first_sample + i, at = sample * block_ + t;
        const bool beyond = r.order == Order::sequential && at + 1 >= tokens(r.split);
        const bool bad = r.order == Order::shuffled && sample >= noise_from && sample < noise_until;
        out.ids[i][t] = token(at);
        const bool empty = r.split == Split::train && sample >= empty_from && sample < empty_until;
        out.targets[i][t] = beyond || empty || (no_val_targets && r.split == Split::val) || (mask && t < sample % block_) ? -1
                            : bad ? (token(at + 1) + 5) % vocab_
                                  : token(at + 1);
      }
  }

  std::string save() const override { return quiet && control == 1 ? "" : std::to_string(control); }
  void load(std::string_view saved) override { control = saved.empty() ? 1 : std::stoll(std::string(saved)); }
  void set(std::string_view key, const Value& value) override {
    if (key != "control") return Dataset::set(key, value);
    control = value.as<int64_t>();
  }

  int64_t control = 1;
  bool quiet = false;            // says nothing until the control was set
  std::vector<int64_t> samples;  // training samples handed out so far
  int64_t fail_at = -1;
  bool no_val_targets = false;
  bool mask = false;                        // sample s has no target at its first s % T places
  int64_t noise_from = 0, noise_until = 0;  // samples whose targets are wrong
  int64_t empty_from = 0, empty_until = 0;  // training samples without a target

 private:
  int64_t token(int64_t i) const { return (i * 7 + i / 5) % vocab_; }
  int64_t block_, vocab_, sizes_[2];
};

}  // namespace gptcore::testing
