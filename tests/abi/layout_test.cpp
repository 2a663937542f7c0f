// The layout that plugins of this epoch were compiled against. A line here changes only together with GPTCORE_ABI_EPOCH;
// what is appended to an interface gets a line of its own.
#include <cstddef>
#include <cstring>

#include "gptcore/draft/datasets.h"
#include "gptcore/draft/kv_cache.h"
#include "gptcore/draft/preparation.h"
#include "gptcore/draft/tokenizer_json.h"
#include "gptcore/plugin.h"
#include "tests/catch.h"

using namespace gptcore;

static_assert(GPTCORE_ABI_EPOCH == 2, "a new epoch: write its golden numbers and freeze its header");
static_assert(sizeof(gptcore_descriptor) == 256 && offsetof(gptcore_descriptor, abi_tag) == 24 &&
              offsetof(gptcore_descriptor, name) == 88 && offsetof(gptcore_descriptor, build_id) == 160);
static_assert(sizeof(gptcore_status) == 512 && sizeof(gptcore_plugin) == 24);

extern "C" unsigned gptcore_c_size_of_plugin(void);

namespace {

// The place of a virtual method in its vtable, from the pointer to it (Itanium C++ ABI 2.3: 1 + the offset in bytes). Places 0
// and 1 are the destructors.
template <class Method> size_t place_of(Method method) {
  static_assert(sizeof method == 2 * sizeof(ptrdiff_t));
  ptrdiff_t word = 0;
  std::memcpy(&word, &method, sizeof word);
  return static_cast<size_t>(word - 1) / sizeof(void*);
}

struct Place {
  const char* name;
  size_t found;
};

// Each of the methods stands one place behind the one before it, from `expected` on.
void in_order(const std::vector<Place>& methods, size_t expected = 2) {
  for (const Place& method : methods) {
    CAPTURE(method.name);
    CHECK(method.found == expected++);
  }
}

}  // namespace

#define AT(Class, method)                         \
  Place {                                         \
#Class "::" #method, place_of(&Class::method) \
  }

TEST_CASE("C and C++ see the same structures", "[abi]") {
  CHECK(gptcore_c_size_of_plugin() == sizeof(gptcore_plugin));
}

TEST_CASE("the interfaces' methods keep their places", "[abi]") {
  in_order({AT(Host, log), AT(Host, progress), AT(Host, fetch), AT(Host, service)});
  in_order({AT(Tokenizer, open), AT(Tokenizer, ready), AT(Tokenizer, learn), AT(Tokenizer, save), AT(Tokenizer, load),
            AT(Tokenizer, vocab_size), AT(Tokenizer, encode), AT(Tokenizer, decode), AT(Tokenizer, special),
            AT(Tokenizer, extension)});
  in_order({AT(Dataset, open), AT(Dataset, vocab_size), AT(Dataset, tokens), AT(Dataset, windows), AT(Dataset, batch),
            AT(Dataset, fingerprint), AT(Dataset, save), AT(Dataset, load), AT(Dataset, set), AT(Dataset, extension)});
  in_order({AT(Model, open), AT(Model, place), AT(Model, parameters), AT(Model, block_size), AT(Model, vocab_size),
            AT(Model, logits), AT(Model, loss), AT(Model, share), AT(Model, train), AT(Model, flops_per_token),
            AT(Model, layers), AT(Model, set_adapter), AT(Model, extension)});
  in_order({AT(ModelView, block_size), AT(ModelView, vocab_size), AT(ModelView, layers), AT(ModelView, parameters),
            AT(ModelView, value), AT(ModelView, logits), AT(ModelView, loss), AT(ModelView, adapters)});
  in_order({AT(Adapter, open), AT(Adapter, parameters), AT(Adapter, forward), AT(Adapter, delta), AT(Adapter, take),
            AT(Adapter, train), AT(Adapter, extension)});
  in_order({AT(Operation, open), AT(Operation, plan), AT(Operation, save), AT(Operation, load), AT(Operation, extension)});
  in_order({AT(ModelEdit, model), AT(ModelEdit, setting), AT(ModelEdit, set), AT(ModelEdit, freeze), AT(ModelEdit, unfreeze),
            AT(ModelEdit, arrange_blocks), AT(ModelEdit, widen_mlp), AT(ModelEdit, resize_vocabulary),
            AT(ModelEdit, set_adapter), AT(ModelEdit, merge_adapter), AT(ModelEdit, drop_adapter), AT(ModelEdit, replace),
            AT(ModelEdit, set_data), AT(ModelEdit, expect_same_function), AT(ModelEdit, extension),
            AT(ModelEdit, widen_embedding)});
  in_order({AT(BatchTrials, run), AT(BatchTrials, memory_limit)});
  in_order({AT(Undo, last_operation)});
  in_order({AT(Evaluator, open), AT(Evaluator, evaluate), AT(Evaluator, extension)});
  in_order({AT(Results, add), AT(Results, item)});
  in_order({AT(Logger, open), AT(Logger, record), AT(Logger, sink), AT(Logger, close), AT(Logger, extension)});
}

TEST_CASE("the ports' methods keep their places", "[abi]") {
  in_order({AT(TokenizerPort, extension), AT(TokenizerPort, open), AT(TokenizerPort, ready), AT(TokenizerPort, learn),
            AT(TokenizerPort, save), AT(TokenizerPort, load), AT(TokenizerPort, vocab_size), AT(TokenizerPort, encode),
            AT(TokenizerPort, decode), AT(TokenizerPort, special)});
  in_order({AT(DatasetPort, extension), AT(DatasetPort, open), AT(DatasetPort, vocab_size), AT(DatasetPort, tokens),
            AT(DatasetPort, windows), AT(DatasetPort, batch), AT(DatasetPort, fingerprint), AT(DatasetPort, save),
            AT(DatasetPort, load), AT(DatasetPort, set)});
  in_order({AT(ModelPort, extension), AT(ModelPort, open), AT(ModelPort, place), AT(ModelPort, parameters),
            AT(ModelPort, block_size), AT(ModelPort, vocab_size), AT(ModelPort, logits), AT(ModelPort, loss),
            AT(ModelPort, share), AT(ModelPort, train), AT(ModelPort, flops_per_token), AT(ModelPort, layers),
            AT(ModelPort, set_adapter)});
  in_order({AT(AdapterPort, extension), AT(AdapterPort, open), AT(AdapterPort, parameters), AT(AdapterPort, forward),
            AT(AdapterPort, delta), AT(AdapterPort, take), AT(AdapterPort, train)});
  in_order({AT(OperationPort, extension), AT(OperationPort, open), AT(OperationPort, plan), AT(OperationPort, save),
            AT(OperationPort, load)});
  in_order({AT(EvaluatorPort, extension), AT(EvaluatorPort, open), AT(EvaluatorPort, evaluate)});
  in_order(
      {AT(LoggerPort, extension), AT(LoggerPort, open), AT(LoggerPort, record), AT(LoggerPort, close), AT(LoggerPort, sink)});
}

// They have no virtual destructor.
TEST_CASE("the extensions' methods keep their places", "[abi]") {
  in_order({AT(KvCache, begin), AT(KvCache, prefill), AT(KvCache, step)}, 0);
  in_order({AT(SampleControls, set_from)}, 0);
  in_order({AT(Preparation, prepare)}, 0);
  in_order({AT(TokenizerJson, tokenizer_json)}, 0);
  in_order({AT(Datasets, make)}, 0);
}

// Structures that a plugin makes or fills cannot grow within an epoch; those that the program makes (contexts, views) may, at
// their end.
TEST_CASE("structures that a plugin makes keep their size", "[abi]") {
  CHECK(sizeof(Status) == 104);
  CHECK(sizeof(Value) == 40);
  CHECK(sizeof(ParamSpec) == 240);
  CHECK(sizeof(Item) == 128);
  CHECK(sizeof(Batch) == 16);
  CHECK(sizeof(Parameter) == 56);
  CHECK(sizeof(Layer) == 40);
  CHECK(sizeof(ParameterInfo) == 64);
}

TEST_CASE("structures that the program makes only grow at their end", "[abi]") {
  CHECK(offsetof(TrainingView, event) == 72);
  CHECK(offsetof(DatasetContext, host) == 32);
  CHECK(offsetof(LoggerContext, host) == 40);
  CHECK(offsetof(EvaluatorContext, host) == 32);
  CHECK(offsetof(OperationContext, host) == 32);
  CHECK(offsetof(BatchRequest, count) == 16);
  CHECK(offsetof(Record, fields) == 24);
}
