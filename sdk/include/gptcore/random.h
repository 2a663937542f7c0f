// Counter-based random numbers: a value is a pure function of (seed, purpose, counter), so no generator state must be saved.
#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>
#include <numeric>
#include <string_view>

namespace gptcore {

// Returns the key of the stream for one purpose: stream_key(1337, "shuffle").
constexpr uint64_t stream_key(uint64_t seed, std::string_view purpose) {
  uint64_t h = 0xcbf29ce484222325ULL ^ seed;  // FNV-1a over the purpose, then over the seed's bytes
  for (char c : purpose) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  for (int i = 0; i < 8; ++i) h = (h ^ ((seed >> (8 * i)) & 0xff)) * 0x100000001b3ULL;
  return h;
}

// Returns 64 random bits for `counter` (the SplitMix64 finaliser, applied to key and counter in turn).
constexpr uint64_t random_bits(uint64_t key, uint64_t counter) {
  const auto finalise = [](uint64_t z) {
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
  };
  return finalise(finalise(key + 0x9e3779b97f4a7c15ULL) ^ (counter * 0x9e3779b97f4a7c15ULL + 0x632be59bd9b4e019ULL));
}

// Returns a uniform number in [0, 1).
constexpr double random_uniform(uint64_t key, uint64_t counter) {
  return static_cast<double>(random_bits(key, counter) >> 11) * 0x1.0p-53;
}

// Returns a standard normal number (Box-Muller on the counters 2i and 2i+1).
inline double random_normal(uint64_t key, uint64_t counter) {
  const double u = 1.0 - random_uniform(key, 2 * counter);
  const double v = random_uniform(key, 2 * counter + 1);
  return std::sqrt(-2.0 * std::log(u)) * std::cos(2.0 * std::numbers::pi * v);
}

// A keyed permutation of 0..n-1 by steps of n divided by the golden ratio, the stride that clusters least. Any position is
// computed at once, and any run of positions is spread evenly over the range. The rows of a batch therefore come from different
// parts of a corpus, which makes gradients less noisy than independent draws do.
class SpreadOrder {
 public:
  constexpr SpreadOrder(uint64_t n, uint64_t key) : n_(n), offset_(key % n) {
    stride_ = static_cast<uint64_t>(static_cast<double>(n) / std::numbers::phi);
    while (std::gcd(stride_, n_) != 1) ++stride_;
    if (key >> 63) stride_ = n_ - stride_ % n_;
  }
  // Precondition: i < n < 2^32.
  constexpr uint64_t operator()(uint64_t i) const { return (stride_ * i + offset_) % n_; }

 private:
  uint64_t n_, offset_, stride_ = 1;
};

}  // namespace gptcore
