// What edits do to weights and moments, element by element, and that a grown run resumes as the same run.
#include <ATen/TensorOperators.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/zeros_like.h>

#include <csignal>
#include <thread>

#include "core/distributed/thread_group.h"
#include "tests/catch.h"
#include "tests/unit/train/operated.h"

using namespace gptcore;
using namespace gptcore::testing;

namespace {

// Updates of one learning rate that nothing else scales.
TrainOptions bare_updates(int64_t max_iters) {
  TrainOptions o = short_run();
  o.max_iters = max_iters;
  o.eval_interval = 0;
  o.warmup_iters = 0;
  o.schedule = "constant";
  o.weight_decay = 0;
  o.grad_clip = 0;
  o.beta2 = 0.999;
  return o;
}

}  // namespace

TEST_CASE("arranged blocks are copies of their sources, weights and moments alike", "[surgery]") {
  const Operated o = operated([](ModelEdit& e) { e.arrange_blocks({1, 0, 1}); });
  const int64_t sources[] = {1, 0, 1};
  int compared = 0;
  for (const auto& [name, tensor] : o.after) {
    if (!name.starts_with("blocks.")) {
      CHECK(at::equal(tensor, o.before.at(name)));
      CHECK(at::equal(first(o.moments_after, name), first(o.moments_before, name)));
      continue;
    }
    const std::string source = "blocks." + std::to_string(sources[name[7] - '0']) + name.substr(8);
    CAPTURE(name, source);
    CHECK(at::equal(tensor, o.before.at(source)));
    CHECK(at::equal(first(o.moments_after, name), first(o.moments_before, source)));
    CHECK(at::equal(second(o.moments_after, name), second(o.moments_before, source)));
    ++compared;
  }
  CHECK(compared == 3 * 12);
  CHECK(find(o.record.fields, "moments_carried")->as<int64_t>() == static_cast<int64_t>(o.after.size()));
  CHECK(at::equal(o.moments_after.at("step.wte.weight"), o.moments_before.at("step.wte.weight")));
}

TEST_CASE("new blocks add nothing at first, start without moments, and learn", "[surgery]") {
  const Operated o = operated(
      [](ModelEdit& e) {
        e.arrange_blocks({kNewBlock, 0, kNewBlock, 1});
        e.expect_same_function(1e-6);
      },
      [](ModelEdit& e) { e.set_adapter("attn.*", "low", low_rank(2), false); });
  CHECK(o.moved() < 1e-6);
  CHECK(find(o.record.fields, "moments_new")->as<int64_t>() == 2 * 12);
  for (const char* name : {"attn.qkv.weight", "mlp.fc.weight", "ln_1.bias"}) {
    const std::string old = std::string("blocks.0.") + name, stays = std::string("blocks.1.") + name,
                      added = std::string("blocks.2.") + name;
    CHECK(at::equal(o.after.at(stays), o.before.at(old)));
    CHECK_FALSE(at::equal(o.after.at(added), o.before.at(old)));
    CHECK(o.after.at(added).sizes() == o.before.at(old).sizes());
    CHECK(first(o.moments_after, added).eq(0).all().item<bool>());
  }
  CHECK(o.after.at("blocks.0.ln_2.weight").eq(1).all().item<bool>());
  CHECK(o.after.at("blocks.0.attn.proj.weight").eq(0).all().item<bool>());
  CHECK_FALSE(o.after.contains("blocks.0.attn.qkv.low.a"));
  CHECK(o.after.contains("blocks.3.attn.qkv.low.a"));

  TrainOptions options = short_run();
  Rig rig(options, 0, 1, two_blocks());
  at_iter(rig, 5, [](ModelEdit& e) { e.arrange_blocks({0, kNewBlock, 1}); });
  rig.run();
  for (const auto& [name, tensor] : weights(rig))
    if (name.starts_with("blocks.1.")) CHECK(tensor.ne(0).any().item<bool>());
}

TEST_CASE("the first update after unfreezing or adding is as large as the learning rate", "[surgery]") {
  TrainOptions o = bare_updates(9);
  o.eps = 1e-12;
  Rig rig(o, 0, 1, two_blocks());
  at_iter(rig, 0, [](ModelEdit& e) { e.freeze("blocks.0"); });
  at_iter(rig, 8, [](ModelEdit& e) {
    e.unfreeze("blocks.0");
    e.set_adapter("blocks.1.attn.qkv", "low", low_rank(2), true);
  });
  Tensors before, after;
  rig.act = [&](const Record& r) {
    if (r.event == Event::model_edited && r.step == 8) before = weights(rig);
    if (r.event == Event::step_ended && r.step == 9) after = weights(rig);
  };
  rig.run();
  for (const char* name : {"blocks.0.attn.qkv.weight", "blocks.0.mlp.fc.bias", "blocks.1.attn.qkv.low.b"}) {
    CAPTURE(name);
    CHECK((after.at(name) - before.at(name)).abs().max().item<double>() == Approx(o.learning_rate).epsilon(1e-3));
  }
  const auto updates = updates_of(rig.optimizer->moments());
  CHECK(updates.at("wte.weight") == 9);
  CHECK(updates.at("blocks.0.attn.qkv.weight") == 1);
  CHECK(updates.at("blocks.1.attn.qkv.low.b") == 1);
}

TEST_CASE("a parameter that was frozen for a while goes on with the moments and the count it had", "[surgery]") {
  TrainOptions o = short_run();
  Rig rig(o, 0, 1, two_blocks());
  at_iter(rig, 3, [](ModelEdit& e) { e.freeze("blocks.0"); });
  at_iter(rig, 10, [](ModelEdit& e) { e.unfreeze("blocks.0"); });
  std::map<std::string, int64_t> frozen;
  rig.act = [&](const Record& r) {
    if (r.event == Event::step_ended && r.step == 7) frozen = updates_of(rig.optimizer->moments());
  };
  rig.run();
  CHECK(frozen.at("blocks.0.mlp.fc.weight") == 3);
  CHECK(frozen.at("blocks.1.mlp.fc.weight") == 7);
  const auto updates = updates_of(rig.optimizer->moments());
  CHECK(updates.at("blocks.0.mlp.fc.weight") == 5);
  CHECK(updates.at("blocks.1.mlp.fc.weight") == 12);
}

TEST_CASE("a widened MLP computes the same, with moments divided as its gradients are", "[surgery]") {
  const Operated o = operated([](ModelEdit& e) {
    e.widen_mlp(100, 0);
    e.expect_same_function(1e-5);
  });
  CHECK(o.moved() < 1e-5);
  CHECK(find(o.record.fields, "logits_moved")->as<double>() < 1e-5);
  const std::string fc = "blocks.1.mlp.fc.weight", proj = "blocks.1.mlp.proj.weight", bias = "blocks.1.mlp.fc.bias";
  const at::Tensor &w0 = o.before.at(fc), &w1 = o.after.at(fc);
  REQUIRE(w1.size(0) == 100);
  std::vector<int64_t> source(100), copied(64, 0);
  for (int64_t j = 0; j < 100; ++j)
    for (int64_t i = 0; i < 64; ++i)
      if (at::equal(w1[j], w0[i])) source[static_cast<size_t>(j)] = i;
  for (const int64_t i : source) ++copied[static_cast<size_t>(i)];
  for (int64_t j = 0; j < 100; ++j) {
    const int64_t i = source[static_cast<size_t>(j)];
    const auto k = static_cast<double>(copied[static_cast<size_t>(i)]);
    CAPTURE(j, i, k);
    if (j < 64) CHECK(i == j);
    CHECK(at::allclose(o.after.at(proj).select(1, j), o.before.at(proj).select(1, i) / k, 1e-6, 0));
    CHECK(at::allclose(first(o.moments_after, fc)[j], first(o.moments_before, fc)[i] / k, 1e-6, 0));
    CHECK(at::allclose(second(o.moments_after, fc)[j], second(o.moments_before, fc)[i] / (k * k), 1e-6, 0));
    CHECK(at::allclose(second(o.moments_after, bias)[j], second(o.moments_before, bias)[i] / (k * k), 1e-6, 0));
    CHECK(at::equal(first(o.moments_after, proj).select(1, j), first(o.moments_before, proj).select(1, i)));
  }
  CHECK(at::equal(o.after.at("blocks.1.mlp.proj.bias"), o.before.at("blocks.1.mlp.proj.bias")));  // the seed drew it anew
}

TEST_CASE("new rows of the vocabulary copy a row, start without momentum, and leave the old logits alone", "[surgery]") {
  const Operated o = operated([](ModelEdit& e) {
    e.resize_vocabulary(15, 3, 0);
    e.expect_same_function(1e-6);
  });
  const at::Tensor &w = o.after.at("wte.weight"), &m = first(o.moments_after, "wte.weight");
  CHECK(at::equal(w.narrow(0, 0, 11), o.before.at("wte.weight")));
  CHECK(at::equal(m.narrow(0, 0, 11), first(o.moments_before, "wte.weight")));
  for (int64_t row = 11; row < 15; ++row) {
    CHECK(at::equal(w[row], w[3]));
    CHECK(m[row].eq(0).all().item<bool>());
    CHECK(at::allclose(second(o.moments_after, "wte.weight")[row], second(o.moments_before, "wte.weight")[3], 1e-5, 0));
  }
  CHECK(o.moved() < 1e-6);
  CHECK(o.logits_after.size(-1) == 15);
}

TEST_CASE("rows added to a vocabulary late take first updates that are no larger than those of the other rows", "[surgery]") {
  const int64_t source = GENERATE(-1, 3);
  const TrainOptions o = bare_updates(3008);
  Rig rig(o, 0, 1, two_blocks());
  at_iter(rig, 3000, [source](ModelEdit& e) { e.resize_vocabulary(15, source, 0); });
  std::vector<at::Tensor> tables;
  rig.act = [&](const Record& r) {
    if (r.event == Event::model_edited || (r.event == Event::step_ended && r.step > 3000))
      tables.push_back(weights(rig).at("wte.weight"));
  };
  rig.run();
  REQUIRE(tables.size() == 9);
  for (size_t i = 1; i < tables.size(); ++i) {
    const at::Tensor moved = (tables[i] - tables[i - 1]).abs() / o.learning_rate;
    const auto added = moved.narrow(0, 11, 4).mean().item<double>(), known = moved.narrow(0, 0, 11).mean().item<double>();
    UNSCOPED_INFO("update " << i << ": " << added << " x lr, the other rows " << known << ", largest "
                            << moved.narrow(0, 11, 4).max().item<double>());
    CHECK(added < 1.5);
  }
}

TEST_CASE("a head of its own grows with the vocabulary", "[surgery]") {
  GptOptions sizes = two_blocks();
  sizes.tie_word_embeddings = false;
  TrainOptions options = short_run();
  options.max_iters = 5;
  Rig rig(options, 0, 1, sizes);
  at_iter(rig, 3, [](ModelEdit& e) {
    e.resize_vocabulary(15, 3, 0);
    e.expect_same_function(1e-6);
  });
  at_iter(rig, 4, [](ModelEdit& e) { e.freeze("lm_head"); });
  rig.run();
  CHECK(rig.model.vocab_size() == 15);
  const Tensors after = weights(rig);
  for (const char* name : {"wte.weight", "lm_head.weight"}) CHECK(after.at(name).size(0) == 15);
  for (const Parameter& p : rig.model.parameters()) CHECK(p.tensor.requires_grad() == (p.name != "lm_head.weight"));
}

TEST_CASE("an adapter starts without effect and moments, counts its own updates, and freezes the base", "[surgery]") {
  const Operated o = operated([](ModelEdit& e) {
    e.set_adapter("attn.*", "low", low_rank(2), false);
    e.expect_same_function(1e-6);
  });
  CHECK(o.moved() < 1e-6);
  CHECK(find(o.record.fields, "trainable")->as<int64_t>() == 2 * (2 * 16 + 48 * 2 + 2 * 16 + 16 * 2));
  CHECK(o.moments_after.at("step.blocks.0.attn.qkv.low.a").item<float>() == 0);
  CHECK(o.after.contains("blocks.0.attn.qkv.low.a"));
  for (const auto& [name, tensor] : o.before) {
    CHECK(at::equal(tensor, o.after.at(name)));
    CHECK(at::equal(first(o.moments_after, name), first(o.moments_before, name)));  // parked, not lost
  }
}

TEST_CASE("an adapter of another rank keeps what it adds when the rank suffices", "[surgery]") {
  const auto adapt = [](ModelEdit& e) { e.set_adapter("blocks.*.attn.qkv", "low", low_rank(2), true); };
  const Operated grown = operated(
      [](ModelEdit& e) {
        e.set_adapter("blocks.*.attn.qkv", "low", {{"rank", int64_t{5}}}, true);
        e.expect_same_function(1e-5);
      },
      adapt);
  CHECK(grown.moved() < 1e-5);
  CHECK(grown.after.at("blocks.0.attn.qkv.low.a").size(0) == 5);
  CHECK(first(grown.moments_after, "blocks.0.attn.qkv.low.a").eq(0).all().item<bool>());
  const Operated louder = operated(
      [](ModelEdit& e) {
        e.set_adapter("blocks.*.attn.qkv", "low", {{"alpha", 16.0}}, true);
      },
      adapt);
  const std::string b = "blocks.1.attn.qkv.low.b";
  CHECK(at::equal(louder.after.at(b), louder.before.at(b)));
  CHECK(at::equal(first(louder.moments_after, b), first(louder.moments_before, b)));
  CHECK(louder.moved() > 0);
}

TEST_CASE("a merged adapter leaves the function and the weights' moments as they were", "[surgery]") {
  const bool drop = GENERATE(true, false);
  const Operated o = operated(
      [drop](ModelEdit& e) {
        e.merge_adapter("blocks.*", drop);
        e.expect_same_function(1e-5);
      },
      [](ModelEdit& e) { e.set_adapter("blocks.*.mlp.*", "low", low_rank(3), true); });
  const std::string fc = "blocks.0.mlp.fc", a = fc + ".low.a", b = fc + ".low.b";
  CHECK(o.moved() < 1e-5);
  const at::Tensor delta = o.before.at(b).matmul(o.before.at(a)) * (8.0 / 3);
  CHECK(delta.abs().max().item<double>() > 1e-4);
  CHECK(at::allclose(o.after.at(fc + ".weight"), o.before.at(fc + ".weight") + delta, 1e-6, 1e-7));
  CHECK(at::equal(first(o.moments_after, fc + ".weight"), first(o.moments_before, fc + ".weight")));
  CHECK(o.after.contains(b) == !drop);
  if (!drop) {
    CHECK(o.after.at(b).eq(0).all().item<bool>());
    CHECK_FALSE(o.after.at(a).eq(0).all().item<bool>());
    CHECK(second(o.moments_after, a).eq(0).all().item<bool>());
  }
}

TEST_CASE("a replaced parameter keeps or loses its moments as it is told", "[surgery]") {
  const Moments rule = GENERATE(Moments::kept, Moments::zeroed);
  const Operated o = operated([rule](ModelEdit& e) { e.replace("ln_f.weight", e.model().value("ln_f.weight") * 2, rule); });
  CHECK(at::equal(o.after.at("ln_f.weight"), o.before.at("ln_f.weight") * 2));
  CHECK(at::equal(first(o.moments_after, "ln_f.weight"),
                  rule == Moments::kept ? first(o.moments_before, "ln_f.weight") : at::zeros_like(o.after.at("ln_f.weight"))));
}

TEST_CASE("an edit that breaks its promise is rolled back, and nothing has changed", "[surgery]") {
  TrainOptions o = short_run();
  Rig rig(o, 0, 1, two_blocks());
  Tensors before, moments;
  at_iter(rig, 3, [&](ModelEdit& e) {
    before = weights(rig);
    moments = copies(rig.optimizer->state());
    e.set("learning_rate", 1.0);
    e.freeze("wte");
    e.arrange_blocks({1, 1});
    e.expect_same_function(1e-3);
  });
  CHECK_THROWS_WITH(rig.run(), Catch::Contains("rolled back") && Catch::Contains("promised at most 0.001"));
  const Tensors after = weights(rig), moments_after = copies(rig.optimizer->state());
  for (const auto& [name, tensor] : before) CHECK(at::equal(tensor, after.at(name)));
  for (const auto& [name, tensor] : moments) CHECK(at::equal(tensor, moments_after.at(name)));
  for (const Parameter& p : rig.model.parameters()) CHECK(p.tensor.requires_grad());
  CHECK(rig.state.settings.empty());
  CHECK(rig.journal.empty());
}

TEST_CASE("a control of the dataset is taken back when another part of its plan fails", "[surgery]") {
  const Plan fail = GENERATE(Plan([](ModelEdit& e) {
                               e.arrange_blocks({1, 1});
                               e.expect_same_function(1e-3);
                             }),
                             Plan([](ModelEdit& e) { e.set_data("no_such_control", int64_t{1}); }));
  Rig rig(short_run(), 0, 1, two_blocks());
  at_iter(rig, 2, [](ModelEdit& e) { e.set_data("control", int64_t{2}); });
  at_iter(rig, 3, [&](ModelEdit& e) {
    CHECK(rig.dataset.control == 2);
    e.set_data("control", int64_t{3});
    fail(e);
  });
  CHECK_THROWS(rig.run());
  CHECK(rig.dataset.control == 2);
}

TEST_CASE("a control is taken back to where the dataset had nothing to save", "[surgery]") {
  Rig rig(short_run());
  rig.dataset.quiet = true;
  at_iter(rig, 3, [](ModelEdit& e) {
    e.set_data("control", int64_t{3});
    e.set_data("no_such_control", int64_t{1});
  });
  CHECK_THROWS(rig.run());
  CHECK(rig.dataset.control == 1);
}

TEST_CASE("a run that could not rebuild its optimizer has changed nothing", "[surgery]") {
  Rig rig(short_run(), 0, 1, two_blocks());
  Tensors before;
  at_iter(rig, 3, [&](ModelEdit& e) {
    before = weights(rig);
    e.arrange_blocks({0, 1, 1});
    e.freeze("wte");
    rig.refuse_rebuild = true;
  });
  CHECK_THROWS_WITH(rig.run(), Catch::Contains("no memory"));
  const Tensors after = weights(rig);
  CHECK(after.size() == before.size());
  for (const auto& [name, tensor] : before) CHECK(at::equal(tensor, after.at(name)));
  for (const Parameter& p : rig.model.parameters()) CHECK(p.tensor.requires_grad());
}

TEST_CASE("a run that grows, adapts, merges and freezes resumes at any update as the same run", "[surgery]") {
  const int64_t stop = GENERATE(range(1, 12));
  CAPTURE(stop);
  const auto planned = [](Rig& rig) {
    at_iter(rig, 2, [](ModelEdit& e) { e.arrange_blocks({0, 0, 1}); });
    at_iter(rig, 4, [](ModelEdit& e) { e.widen_mlp(80, 1e-4), e.freeze("mlp.1"); });
    at_iter(rig, 5, [](ModelEdit& e) { e.set_adapter("attn.*", "low", low_rank(2), false), e.set("batch_size", int64_t{3}); });
    at_iter(rig, 7, [](ModelEdit& e) { e.set_adapter("blocks.0.attn.qkv", "low", {{"rank", int64_t{4}}}, false); });
    at_iter(rig, 8, [](ModelEdit& e) { e.merge_adapter("blocks.*", true), e.unfreeze("*"); });
    at_iter(rig, 9, [](ModelEdit& e) { e.resize_vocabulary(13, -1, 0), e.freeze("wpe"); });
    at_iter(rig, 10, [](ModelEdit& e) { e.widen_embedding(32, 1e-2); });
    at_iter(rig, 11, [](ModelEdit& e) { e.arrange_blocks({0, 1, kNewBlock, 2}); });
  };
  Rig whole(short_run(), 0.1, 1, two_blocks());
  planned(whole);
  whole.run();
  Rig start(short_run(), 0.1, 1, two_blocks());
  planned(start);
  start.act = [&](const Record& r) {
    if (r.event == Event::step_ended && r.step == stop) std::raise(SIGUSR1);
  };
  CHECK(start.run() == StageEnd::interrupted);
  Rig rest(short_run(), 0.1, 1, two_blocks());
  planned(rest);
  rest.take(start);
  CHECK(rest.run() == StageEnd::finished);
  const Tensors a = weights(whole), b = weights(rest);
  REQUIRE(a.size() == b.size());
  for (const auto& [name, tensor] : a) {
    CAPTURE(name);
    CHECK(at::equal(tensor, b.at(name)));
  }
  CHECK(whole.state.val_loss == rest.state.val_loss);
  CHECK(whole.journal.size() == 8);
}

TEST_CASE("ranks have the same weights after every edit, and a rank that plans otherwise is refused", "[surgery]") {
  const bool differ = GENERATE(false, true);
  auto groups = thread_process_groups(2);
  std::vector<std::unique_ptr<Rig>> rigs;
  std::vector<std::vector<Tensors>> seen(2);
  std::vector<std::string> failures(2);
  for (size_t rank = 0; rank < 2; ++rank) {
    rigs.push_back(std::make_unique<Rig>(short_run(), 0, 1, two_blocks()));
    Rig& rig = *rigs.back();
    rig.group = std::move(groups[rank]);
    rig.use_group();
    rig.act = [&, rank](const Record& r) {
      if (r.event == Event::model_edited && find(r.fields, "params")) seen[rank].push_back(weights(rig));
    };
    at_iter(rig, 2, [=](ModelEdit& e) { e.arrange_blocks({0, 1, differ && rank == 1 ? 0 : 1}); });
    at_iter(rig, 4, [](ModelEdit& e) { e.widen_mlp(90, 1e-2); });
    at_iter(rig, 5, [](ModelEdit& e) { e.widen_embedding(48, 1e-2); });
    at_iter(rig, 6, [](ModelEdit& e) { e.set_adapter("attn.*", "low", low_rank(2), false); });
  }
  std::vector<std::thread> threads;
  for (size_t rank = 0; rank < 2; ++rank)
    threads.emplace_back([&, rank] {
      try {
        rigs[rank]->run();
      } catch (const Error& e) {
        failures[rank] = e.what();
        rigs[rank]->group.reset();
      }
    });
  for (std::thread& t : threads) t.join();
  if (differ) {
    CHECK_THAT(failures[0], Catch::Contains("what the operation plans differs between ranks"));
    CHECK_FALSE(failures[1].empty());
    return;
  }
  CHECK(failures[0] + failures[1] == "");
  REQUIRE(seen[0].size() == 4);
  REQUIRE(seen[1].size() == 4);
  for (size_t i = 0; i < 4; ++i)
    for (const auto& [name, tensor] : seen[0][i]) CHECK(at::equal(tensor, seen[1][i].at(name)));
  for (const auto& [name, tensor] : weights(*rigs[0])) CHECK(at::equal(tensor, weights(*rigs[1]).at(name)));
}
