#include "core/model/trainable_table.h"

#include <ATen/ops/zeros.h>

#include "tests/catch.h"

using namespace gptcore;

namespace {

using Lines = std::vector<std::string>;

Parameter parameter(const std::string& name, at::IntArrayRef shape, bool trained) {
  return {name, at::zeros(shape).set_requires_grad(trained), {}};
}

}  // namespace

TEST_CASE("equal parameters of several blocks are one row, in the order of the first", "[table]") {
  std::vector<Parameter> all = {parameter("wte.weight", {65, 128}, false)};
  for (int i = 0; i < 12; ++i) {
    all.push_back(parameter("blocks." + std::to_string(i) + ".ln_1.bias", {128}, false));
    all.push_back(parameter("blocks." + std::to_string(i) + ".attn.qkv.weight", {384, 128}, false));
  }
  for (int i = 0; i < 12; ++i) all.push_back(parameter("blocks." + std::to_string(i) + ".attn.qkv.lora.a", {8, 128}, true));
  CHECK(trainable_table(all) == Lines{"wte.weight                    (65, 128)          8,320  frozen",
                                      "blocks.0..11.ln_1.bias        12 x (128)         1,536  frozen",
                                      "blocks.0..11.attn.qkv.weight  12 x (384, 128)  589,824  frozen",
                                      "blocks.0..11.attn.qkv.lora.a  12 x (8, 128)     12,288  trained",
                                      "12,288 of 611,968 parameters are trained (2.01 %)"});
}

TEST_CASE("the frozen parameters of a model with adapters are one row, and so are the trained ones where few are frozen",
          "[table]") {
  const bool adapted = GENERATE(true, false);
  std::vector<Parameter> all;
  for (const char* name :
       {"wte.weight", "wpe.weight", "blocks.0.ln_1.weight", "blocks.1.ln_1.weight", "ln_f.weight", "ln_f.bias"})
    all.push_back(parameter(name, {10, 10}, !adapted));
  for (const char* name : {"blocks.0.attn.qkv.lora.a", "blocks.1.attn.qkv.lora.a"})
    all.push_back(parameter(name, {2, 5}, adapted));
  const std::string few = adapted ? "trained" : "frozen", most = adapted ? "frozen" : "trained";
  CHECK(trainable_table(all) ==
        Lines{"blocks.0..1.attn.qkv.lora.a  2 x (2, 5)   20  " + few, "6 others                                 600  " + most,
              adapted ? "20 of 620 parameters are trained (3.23 %)" : "600 of 620 parameters are trained (96.77 %)"});
}

TEST_CASE("blocks that differ in shape or in being trained have rows of their own", "[table]") {
  const std::vector<Parameter> all = {parameter("h.0.w", {2}, false), parameter("h.1.w", {2}, true),
                                      parameter("h.2.w", {2}, true),  parameter("h.3.w", {3}, true),
                                      parameter("h.4.w", {2}, true),  parameter("h.5.w", {2}, false)};
  CHECK(trainable_table(all) == Lines{"h.0,5.w     2 x (2)  4  frozen", "h.1..2,4.w  3 x (2)  6  trained",
                                      "h.3.w       (3)      3  trained", "9 of 13 parameters are trained (69.23 %)"});
}

TEST_CASE("names that only look alike are not put together", "[table]") {
  const std::vector<Parameter> all = {parameter("a.0.w", {1}, true), parameter("b.1.w", {1}, true),
                                      parameter("a.1.v", {1}, true), parameter("a1.w", {1}, true),
                                      parameter("scale", {}, true),  parameter("a.01x.w", {1}, true)};
  CHECK(trainable_table(all).size() == 7);
  CHECK(trainable_table(all)[4] == "scale    ()   1  trained");
}

TEST_CASE("a model without parameters has a total only", "[table]") {
  CHECK(trainable_table({}) == Lines{"0 of 0 parameters are trained (0.00 %)"});
}
