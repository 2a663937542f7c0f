#include <ATen/TensorOperators.h>
#include <ATen/ops/equal.h>

#include "gptcore/error.h"
#include "testkit/cases.h"
#include "testkit/random_values.h"

namespace gptcore {
namespace {

constexpr int64_t kBlock = testing::TinyModel::kBlockSize;

std::string text_of(const BatchRequest& r) {
  return std::string(name_of(r.split)) + (r.order == Order::shuffled ? ", shuffled" : ", sequential") + ", samples " +
         std::to_string(r.first_sample) + " to " + std::to_string(r.first_sample + r.count - 1);
}

Batch batch_of(Dataset& dataset, const BatchRequest& request) {
  Batch batch;
  dataset.batch(request, batch);
  return batch;
}

bool equal(const Batch& a, const Batch& b) {
  return at::equal(a.ids, b.ids) && at::equal(a.targets, b.targets);
}

// Returns some requests of every sort that the dataset can answer.
std::vector<BatchRequest> requests(const Dataset& dataset, RandomValues& random) {
  std::vector<BatchRequest> out;
  for (const Split split : {Split::train, Split::val}) {
    const int64_t windows = dataset.windows(split);
    if (windows == 0) continue;
    for (const int64_t count : {int64_t{1}, int64_t{3}, int64_t{4}}) {
      out.push_back({split, Order::shuffled, static_cast<int64_t>(random.below(1000)), count});
      out.push_back({split, Order::shuffled, static_cast<int64_t>(random.below(uint64_t{1} << 40)), count});
      if (count <= windows)
        out.push_back(
            {split, Order::sequential, static_cast<int64_t>(random.below(static_cast<uint64_t>(windows - count + 1))), count});
    }
  }
  return out;
}

void shapes(const ItemSubject& s) {
  const auto world = s.world();
  const auto dataset = world->dataset(s.item.name, s.values());
  expect(dataset->tokens(Split::train) > 0 && dataset->windows(Split::train) > 0, "the training split is empty");
  RandomValues random(s.seed);
  for (const BatchRequest& r : requests(*dataset, random)) {
    const Batch batch = batch_of(*dataset, r);
    for (const at::Tensor& t : {batch.ids, batch.targets}) {
      expect(t.defined() && t.is_cpu() && t.scalar_type() == at::kLong, "a batch (" + text_of(r) + ") is not int64 on the CPU");
      expect(t.sizes() == at::IntArrayRef({r.count, kBlock}),
             "a batch (" + text_of(r) + ") is not of shape (" + std::to_string(r.count) + ", " + std::to_string(kBlock) + ")");
    }
  }
}

void depends_on_request_alone(const ItemSubject& s) {
  const auto world = s.world();
  const Table values = s.values();
  const auto dataset = world->dataset(s.item.name, values), second = world->dataset(s.item.name, values);
  RandomValues random(s.seed);
  const auto all = requests(*dataset, random);
  std::vector<Batch> first;
  for (const BatchRequest& r : all) {
    first.push_back(batch_of(*dataset, r));
    first.back().ids = first.back().ids.clone();
    first.back().targets = first.back().targets.clone();
  }
  for (size_t i = all.size(); i-- > 0;) {
    expect(equal(first[i], batch_of(*dataset, all[i])),
           "a request (" + text_of(all[i]) + ") gives another batch the second time");
    expect(equal(first[i], batch_of(*second, all[i])),
           "a request (" + text_of(all[i]) + ") gives another batch from a second object");
  }
  const BatchRequest whole{Split::train, Order::shuffled, 100, 4};
  const Batch four = batch_of(*dataset, whole);
  for (int64_t i = 0; i < 4; ++i) {
    const Batch one = batch_of(*dataset, {Split::train, Order::shuffled, 100 + i, 1});
    expect(at::equal(four.ids[i], one.ids[0]), "sample " + std::to_string(100 + i) + " depends on the batch it is in");
  }
}

void ids_in_range(const ItemSubject& s) {
  const auto world = s.world();
  const auto dataset = world->dataset(s.item.name, s.values());
  const int64_t own = dataset->vocab_size();
  const int64_t vocab = own > 0 ? own : testing::TinyModel::kVocabSize;
  RandomValues random(s.seed);
  for (const BatchRequest& r : requests(*dataset, random)) {
    const Batch batch = batch_of(*dataset, r);
    const auto low = batch.ids.min().item<int64_t>(), high = batch.ids.max().item<int64_t>();
    expect(low >= 0 && high < vocab, "a batch (" + text_of(r) + ") holds the id " + std::to_string(low < 0 ? low : high) +
                                         "; the vocabulary has " + std::to_string(vocab));
    expect(batch.targets.min().item<int64_t>() >= -1 && batch.targets.max().item<int64_t>() < vocab,
           "a batch (" + text_of(r) + ") has targets that are neither ids nor -1");
  }
}

// The targets of all sequential windows, in order, are the split's tokens after the first, each once.
void sequential_covers_all(const ItemSubject& s) {
  const auto world = s.world();
  const auto dataset = world->dataset(s.item.name, s.values());
  for (const Split split : {Split::train, Split::val}) {
    const int64_t windows = dataset->windows(split);
    if (windows == 0 || windows > 100000) continue;
    int64_t predicted = 0, last = -1;
    for (int64_t i = 0; i < windows; ++i) {
      const Batch batch = batch_of(*dataset, {split, Order::sequential, i, 1});
      const at::Tensor kept = batch.targets[0].masked_select(batch.targets[0] >= 0);
      predicted += kept.numel();
      const auto first = batch.ids[0][0].item<int64_t>();
      expect(last < 0 || first == last, std::string(name_of(split)) + ": window " + std::to_string(i) +
                                            " does not begin with the last token that the window before predicted");
      if (kept.numel() > 0) last = kept[-1].item<int64_t>();
    }
    expect(predicted == dataset->tokens(split) - 1,
           std::string(name_of(split)) + ": the sequential windows predict " + std::to_string(predicted) + " tokens of " +
               std::to_string(dataset->tokens(split)) + ", and all but the first must be predicted once");
  }
}

void targets_follow_ids(const ItemSubject& s) {
  const auto world = s.world();
  const auto dataset = world->dataset(s.item.name, s.values());
  RandomValues random(s.seed);
  for (const BatchRequest& r : requests(*dataset, random)) {
    const Batch batch = batch_of(*dataset, r);
    // The last target before padding is a token that ids do not hold.
    const at::Tensor next = batch.ids.slice(1, 1), target = batch.targets.slice(1, 0, kBlock - 1);
    const at::Tensor at_end = batch.targets.slice(1, 1) == -1;
    expect(((next == target) | (target == -1) | at_end).all().item<bool>(),
           "a batch (" + text_of(r) + ") has a target that is not the next id");
  }
}

void refuses_small_vocab(const ItemSubject& s) {
  const auto world = s.world();
  const Table values = s.values();
  try {
    world->dataset(s.item.name, values, /*vocab_limit=*/1);
  } catch (const Error& error) {
    if (error.code() == Code::token_out_of_range) return;
    throw;
  }
  throw CaseFailed("open() with vocab_limit 1 succeeds; it must throw Error(token_out_of_range)");
}

void fingerprint_and_state(const ItemSubject& s) {
  const auto world = s.world();
  const Table values = s.values();
  const auto first = world->dataset(s.item.name, values), second = world->dataset(s.item.name, values);
  expect(!first->fingerprint().empty(), "fingerprint() is empty");
  expect(first->fingerprint() == second->fingerprint(), "fingerprint() of the same data differs between two objects");
  const BatchRequest request{Split::train, Order::shuffled, 7, 3};
  const Batch before = batch_of(*first, request);
  second->load(first->save());
  expect(equal(before, batch_of(*second, request)), "load(save()) changes what a request gives");
}

}  // namespace

void add_dataset_cases(const ItemSubject& subject, Cases& cases) {
  add_case(subject, cases, "shapes", shapes);
  add_case(subject, cases, "depends_on_request_alone", depends_on_request_alone);
  add_case(subject, cases, "ids_in_range", ids_in_range);
  add_case(subject, cases, "targets_follow_ids", targets_follow_ids);
  add_case(subject, cases, "sequential_covers_all", sequential_covers_all);
  add_case(subject, cases, "refuses_small_vocab", refuses_small_vocab);
  add_case(subject, cases, "fingerprint_and_state", fingerprint_and_state);
}

}  // namespace gptcore
