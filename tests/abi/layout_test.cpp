// The layout that plugins of this epoch were compiled against. A line here changes only together with GPTCORE_ABI_EPOCH;
// what is appended to an interface gets a line of its own.
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <regex>
#include <set>

#include "gptcore/draft/datasets.h"
#include "gptcore/draft/kv_cache.h"
#include "gptcore/draft/model_check.h"
#include "gptcore/draft/preparation.h"
#include "gptcore/draft/scored_pieces.h"
#include "gptcore/draft/shown_vocabulary.h"
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
  std::string name;
  size_t found;
};

using Classes = std::vector<std::vector<Place>>;  // the methods of each class, in the order of their places

#define AT(Class, method)                         \
  Place {                                         \
#Class "::" #method, place_of(&Class::method) \
  }

struct OpenRegistrar : Registrar {
  using Registrar::add;
};

Classes interfaces() {
  return {
      {AT(Host, log), AT(Host, progress), AT(Host, fetch), AT(Host, service)},
      {AT(Tokenizer, open), AT(Tokenizer, ready), AT(Tokenizer, learn), AT(Tokenizer, save), AT(Tokenizer, load),
       AT(Tokenizer, vocab_size), AT(Tokenizer, encode), AT(Tokenizer, decode), AT(Tokenizer, special),
       AT(Tokenizer, extension)},
      {AT(Dataset, open), AT(Dataset, vocab_size), AT(Dataset, tokens), AT(Dataset, windows), AT(Dataset, batch),
       AT(Dataset, fingerprint), AT(Dataset, save), AT(Dataset, load), AT(Dataset, set), AT(Dataset, extension)},
      {AT(Model, open), AT(Model, place), AT(Model, parameters), AT(Model, block_size), AT(Model, vocab_size),
       AT(Model, logits), AT(Model, loss), AT(Model, share), AT(Model, train), AT(Model, flops_per_token), AT(Model, layers),
       AT(Model, set_adapter), AT(Model, extension)},
      {AT(ModelView, block_size), AT(ModelView, vocab_size), AT(ModelView, layers), AT(ModelView, parameters),
       AT(ModelView, value), AT(ModelView, logits), AT(ModelView, loss), AT(ModelView, adapters)},
      {AT(Adapter, open), AT(Adapter, parameters), AT(Adapter, forward), AT(Adapter, delta), AT(Adapter, take),
       AT(Adapter, train), AT(Adapter, extension)},
      {AT(Operation, open), AT(Operation, plan), AT(Operation, save), AT(Operation, load), AT(Operation, extension)},
      {AT(ModelEdit, model), AT(ModelEdit, setting), AT(ModelEdit, set), AT(ModelEdit, freeze), AT(ModelEdit, unfreeze),
       AT(ModelEdit, arrange_blocks), AT(ModelEdit, widen_mlp), AT(ModelEdit, resize_vocabulary), AT(ModelEdit, set_adapter),
       AT(ModelEdit, merge_adapter), AT(ModelEdit, drop_adapter), AT(ModelEdit, replace), AT(ModelEdit, set_data),
       AT(ModelEdit, expect_same_function), AT(ModelEdit, extension), AT(ModelEdit, widen_embedding)},
      {AT(BatchTrials, run), AT(BatchTrials, memory_limit)},
      {AT(Undo, last_operation)},
      {AT(Evaluator, open), AT(Evaluator, evaluate), AT(Evaluator, extension)},
      {AT(Results, add), AT(Results, item)},
      {AT(Logger, open), AT(Logger, record), AT(Logger, sink), AT(Logger, close), AT(Logger, extension)},
      {Place{"Registrar::add", place_of(&OpenRegistrar::add)}},
  };
}

Classes ports() {
  return {
      {AT(Port, extension)},
      {AT(TokenizerPort, extension), AT(TokenizerPort, open), AT(TokenizerPort, ready), AT(TokenizerPort, learn),
       AT(TokenizerPort, save), AT(TokenizerPort, load), AT(TokenizerPort, vocab_size), AT(TokenizerPort, encode),
       AT(TokenizerPort, decode), AT(TokenizerPort, special)},
      {AT(DatasetPort, extension), AT(DatasetPort, open), AT(DatasetPort, vocab_size), AT(DatasetPort, tokens),
       AT(DatasetPort, windows), AT(DatasetPort, batch), AT(DatasetPort, fingerprint), AT(DatasetPort, save),
       AT(DatasetPort, load), AT(DatasetPort, set)},
      {AT(ModelPort, extension), AT(ModelPort, open), AT(ModelPort, place), AT(ModelPort, parameters),
       AT(ModelPort, block_size), AT(ModelPort, vocab_size), AT(ModelPort, logits), AT(ModelPort, loss), AT(ModelPort, share),
       AT(ModelPort, train), AT(ModelPort, flops_per_token), AT(ModelPort, layers), AT(ModelPort, set_adapter)},
      {AT(AdapterPort, extension), AT(AdapterPort, open), AT(AdapterPort, parameters), AT(AdapterPort, forward),
       AT(AdapterPort, delta), AT(AdapterPort, take), AT(AdapterPort, train)},
      {AT(OperationPort, extension), AT(OperationPort, open), AT(OperationPort, plan), AT(OperationPort, save),
       AT(OperationPort, load)},
      {AT(EvaluatorPort, extension), AT(EvaluatorPort, open), AT(EvaluatorPort, evaluate)},
      {AT(LoggerPort, extension), AT(LoggerPort, open), AT(LoggerPort, record), AT(LoggerPort, close), AT(LoggerPort, sink)},
  };
}

// They have no virtual destructor.
Classes extensions() {
  return {
      {AT(KvCache, begin), AT(KvCache, prefill), AT(KvCache, step)},
      {AT(SampleControls, set_from)},
      {AT(Preparation, prepare)},
      {AT(TokenizerJson, tokenizer_json)},
      {AT(Datasets, make)},
      {AT(ModelCheck, check_model)},
      {AT(ScoredPieces, scored_pieces)},
      {AT(ShownVocabulary, shown_ids), AT(ShownVocabulary, rare_number), AT(ShownVocabulary, whole_size)},
  };
}

// Each of the methods stands one place behind the one before it, from `first` on.
void check_order(const Classes& classes, size_t first) {
  for (const auto& methods : classes)
    for (size_t i = 0; i < methods.size(); ++i) {
      CAPTURE(methods[i].name);
      CHECK(methods[i].found == first + i);
    }
}

std::vector<std::filesystem::path> headers_in(const std::string& folder) {
  const char* const source = std::getenv("GPTCORE_SOURCE");
  REQUIRE(source);
  std::vector<std::filesystem::path> headers;
  for (const auto& entry : std::filesystem::directory_iterator(std::string(source) + "/sdk/include/gptcore/" + folder))
    if (entry.path().extension() == ".h") headers.push_back(entry.path());
  return headers;
}

// The virtual methods that a header declares, destructors left out: "Host::log".
std::vector<std::string> virtual_methods(const std::filesystem::path& header) {
  static const std::regex kClass(R"(^(?:class|struct) (?:[A-Z_]+ )?(\w+)[^;]*\{)"), kMethod(R"(^ +virtual [^~]*?(\w+)\()");
  std::vector<std::string> methods;
  std::string name;
  std::smatch found;
  std::ifstream in(header);
  for (std::string line; std::getline(in, line);) {
    if (std::regex_search(line, found, kClass)) name = found[1];
    if (std::regex_search(line, found, kMethod)) methods.push_back(name + "::" + found[1].str());
  }
  return methods;
}

}  // namespace

TEST_CASE("C and C++ see the same structures", "[abi]") {
  CHECK(gptcore_c_size_of_plugin() == sizeof(gptcore_plugin));
}

TEST_CASE("the interfaces' methods keep their places", "[abi]") {
  check_order(interfaces(), 2);
}

TEST_CASE("the ports' methods keep their places", "[abi]") {
  check_order(ports(), 2);
}

TEST_CASE("the extensions' methods keep their places", "[abi]") {
  check_order(extensions(), 0);
}

TEST_CASE("every virtual method of the SDK's headers has its place here", "[abi]") {
  std::set<std::string> here;
  for (const Classes& classes : {interfaces(), ports(), extensions()})
    for (const auto& methods : classes)
      for (const Place& method : methods) here.insert(method.name);
  size_t methods = 0;
  for (const char* folder : {"", "draft"})
    for (const auto& header : headers_in(folder))
      for (const std::string& method : virtual_methods(header)) {
        INFO(header.string() << " " << method);
        CHECK(here.contains(method));
        ++methods;
      }
  CHECK(methods > 100);
}

// The promise of sdk/README.md about gptcore/draft/: a header says that it is not final, and an extension has a numbered id.
TEST_CASE("a draft header says so, and its extensions have a numbered id", "[abi]") {
  static const std::regex kId(R"re(kId = "gptcore\.[a-z_]+/[1-9][0-9]*";)re");
  for (const auto& header : headers_in("draft")) {
    CAPTURE(header.string());
    std::ifstream in(header);
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    CHECK(text.starts_with("// Draft: "));
    const auto methods = virtual_methods(header);
    std::set<std::string> classes;
    for (const std::string& method : methods) classes.insert(method.substr(0, method.find("::")));
    classes.erase("ModelEdit");  // the program passes it to Operation::plan
    CHECK(std::distance(std::sregex_iterator(text.begin(), text.end(), kId), {}) ==
          static_cast<std::ptrdiff_t>(classes.size()));
  }
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
  CHECK(sizeof(ScoredPiece) == 40);
  CHECK(sizeof(PieceModel) == 32);
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
