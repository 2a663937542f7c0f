// Draws random parameter values that fit a schema.
#pragma once

#include <cstdint>
#include <string>

#include "gptcore/random.h"
#include "gptcore/schema.h"

namespace gptcore {

// A value is a function of the seed and of the number of values drawn before it.
class RandomValues {
 public:
  explicit RandomValues(uint64_t seed) : key_(stream_key(seed, "parameter values")) {}

  uint64_t bits() { return random_bits(key_, drawn_++); }
  // Returns one of 0 .. n-1.
  uint64_t below(uint64_t n) { return bits() % n; }
  double uniform() { return random_uniform(key_, drawn_++); }
  // Returns a value that fits `spec`. Numbers are of every size that its range allows, or at most `largest` when its range
  // allows that.
  Value value(const ParamSpec& spec, double largest);
  // Returns values of some of the parameters. Leaves out those for which value() finds none that fits (files, tables).
  Table table(const std::vector<ParamSpec>& specs, double largest);

 private:
  double number(const ParamSpec& spec, double largest);
  std::string text(const ParamSpec& spec);

  uint64_t key_, drawn_ = 0;
};

}  // namespace gptcore
