#include "search.h"

#include <algorithm>
#include <bit>
#include <string>

#include "gptcore/error.h"

namespace gptcore::operations {
namespace {

constexpr double kNear = 1.05;     // sizes and throughputs that count as equal
constexpr double kFarthest = 8.0;  // times what fits: a step that far beyond memory may end the process

// fits_ and fails_ are indices into the sizes: all sizes up to fits_ fit, all from fails_ on do not.
class Search {
 public:
  Search(const SearchRules& rules, const std::function<BatchTrial(int64_t)>& measure)
      : rules_(rules), measure_(measure), fails_(static_cast<int64_t>(rules.sizes.size())) {}

  std::vector<Measured> run() {
    int64_t next = index_of(static_cast<double>(rules_.start));
    for (int left = rules_.trials; left > 0 && fails_ - fits_ > 1; --left) {
      attempt(next);
      next = candidate(left - 1);
    }
    if (fits_ < 0) nothing_fits();
    return std::move(all_);
  }

 private:
  int64_t size(int64_t index) const { return rules_.sizes[static_cast<size_t>(index)]; }
  int64_t end() const { return static_cast<int64_t>(rules_.sizes.size()); }

  // Returns the index of the last size that is not above `most`; at least the first.
  int64_t index_of(double most) const {
    const auto above = std::upper_bound(rules_.sizes.begin(), rules_.sizes.end(), most,
                                        [](double value, int64_t s) { return value < static_cast<double>(s); });
    return std::max<int64_t>(0, above - rules_.sizes.begin() - 1);
  }

  void attempt(int64_t index) {
    Measured m{size(index), measure_(size(index)), false};
    m.fits = m.trial.fits && (rules_.memory <= 0 || m.trial.bytes <= rules_.memory);
    (m.fits ? fits_ : fails_) = index;
    all_.push_back(m);
  }

  // Returns the next size to try. Takes a step other than halving only while enough trials are left to halve the rest to the
  // end.
  int64_t candidate(int left) const {
    const auto unknown = static_cast<uint64_t>(std::max<int64_t>(0, fails_ - fits_ - 1));
    const bool spare = left > static_cast<int>(std::bit_width(unknown));
    const int64_t middle = fits_ + (fails_ - fits_) / 2;
    if (!spare || fits_ < 0) return middle;
    const double limit = expected_limit(), fitting = static_cast<double>(size(fits_));
    if (limit <= 0 && fails_ < end()) return middle;
    const double wanted = limit > 0 ? std::min(limit, kFarthest * fitting) : 2 * fitting;
    return std::clamp(index_of(wanted), fits_ + 1, std::max(fits_ + 1, fails_ - 1));
  }

  // Returns the size at which a straight line through two trials reaches the limit; 0 when they do not say.
  double expected_limit() const {
    if (rules_.memory <= 0) return 0;
    std::vector<Measured> known;
    for (const Measured& m : all_)
      if (m.trial.fits && m.trial.bytes > 0) known.push_back(m);
    if (known.size() < 2) return 0;
    const auto distance = [&](const Measured& m) { return std::abs(static_cast<double>(m.trial.bytes - rules_.memory)); };
    std::partial_sort(known.begin(), known.begin() + 2, known.end(),
                      [&](const Measured& a, const Measured& b) { return distance(a) < distance(b); });
    const Measured &a = known[0], &b = known[1];
    const double slope = static_cast<double>(a.trial.bytes - b.trial.bytes) / static_cast<double>(a.size - b.size);
    if (!(slope > 0)) return 0;
    return std::max(1.0, static_cast<double>(a.size) + static_cast<double>(rules_.memory - a.trial.bytes) / slope);
  }

  [[noreturn]] void nothing_fits() const {
    const Measured& last = all_.back();
    const std::string size = std::to_string(last.size);
    if (last.trial.fits)
      throw Error(Code::out_of_memory,
                  "a batch of " + size + " takes " + std::to_string(last.trial.bytes) + " bytes, more than the budget of " +
                      std::to_string(rules_.memory),
                  "raise memory_budget or target_vram_percent, or use a smaller model");
    throw Error(Code::out_of_memory, "memory runs out at a batch of " + size, "use a smaller model or block_size");
  }

  const SearchRules& rules_;
  const std::function<BatchTrial(int64_t)>& measure_;
  int64_t fits_ = -1, fails_;
  std::vector<Measured> all_;
};

double throughput(const Measured& m) {
  return m.trial.seconds > 0 ? static_cast<double>(m.size) / m.trial.seconds : 0;
}

}  // namespace

std::vector<int64_t> sizes_up_to(int64_t most, int64_t own) {
  std::vector<int64_t> sizes;
  for (int64_t s = 1; s < most; s = std::max(s + 1, static_cast<int64_t>(static_cast<double>(s) * kNear))) sizes.push_back(s);
  sizes.push_back(most);
  if (own < most && !std::binary_search(sizes.begin(), sizes.end(), own))
    sizes.insert(std::upper_bound(sizes.begin(), sizes.end(), own), own);
  return sizes;
}

std::vector<int64_t> divisors_up_to(int64_t most, int64_t samples) {
  std::vector<int64_t> sizes;
  for (int64_t s = 1; s <= most && s <= samples / s; ++s)
    if (samples % s == 0) {
      sizes.push_back(s);
      if (samples / s != s) sizes.push_back(samples / s);
    }
  std::erase_if(sizes, [&](int64_t s) { return s > most; });
  std::sort(sizes.begin(), sizes.end());
  return sizes;
}

std::vector<Measured> search_batch_size(const SearchRules& rules, const std::function<BatchTrial(int64_t)>& measure) {
  return Search(rules, measure).run();
}

const Measured& chosen(const std::vector<Measured>& all) {
  double best = 0;
  for (const Measured& m : all)
    if (m.fits) best = std::max(best, throughput(m));
  const Measured* largest = nullptr;
  for (const Measured& m : all)
    if (m.fits && throughput(m) * kNear >= best && (!largest || m.size > largest->size)) largest = &m;
  return *largest;
}

}  // namespace gptcore::operations
