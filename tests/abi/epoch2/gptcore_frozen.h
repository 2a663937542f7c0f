// Frozen by tests/abi/freeze.py. Do not edit.
#pragma once
#include <torch/headeronly/version.h>
#include <cstdio>
#ifndef GPTCORE_ABI_H
#define GPTCORE_ABI_H
#include <stdint.h>
#ifdef __cplusplus
extern "C" {
#endif
#define GPTCORE_ABI_EPOCH 2
#define GPTCORE_ABI_SECTION ".gptcore.abi"
#define GPTCORE_MANIFEST_SECTION ".gptcore.manifest"
#define GPTCORE_ENTRY_SYMBOL "gptcore_plugin_v1"
typedef struct gptcore_descriptor {
  char magic[8];
  uint32_t size;
  uint32_t epoch;
  uint32_t sdk_version;
  uint32_t torch_version;
  char abi_tag[64];
  char name[48];
  char version[24];
  char build_id[41];
  uint8_t pad[3];
  uint8_t reserved[52];
} gptcore_descriptor;
typedef struct gptcore_status {
  int32_t code;
  char where[60];
  char message[448];
} gptcore_status;
typedef struct gptcore_plugin {
  uint32_t size, epoch;
  const gptcore_descriptor* descriptor;
  int32_t (*register_all)(void* registrar, gptcore_status* status);
} gptcore_plugin;
typedef const gptcore_plugin* (*gptcore_entry)(void);
#ifdef __cplusplus
}
#endif
#endif
#include <string>
#include <type_traits>
#include <vector>
#include <cstdint>
#include <exception>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <ATen/core/Tensor.h>
#include <string>
#include <string_view>
#include <vector>
#include <cstdint>
#include <string>
#include <string_view>
namespace gptcore {
enum class Level : int { debug, info, warning };
class Host {
 public:
  virtual ~Host();
  virtual void log(Level level, std::string_view text) = 0;
  virtual void progress(std::string_view label, int64_t done, int64_t total, std::string_view unit) = 0;
  virtual std::string fetch(std::string_view url, std::string_view sha256) = 0;
  virtual void* service(std::string_view id);
};
}
#include <ATen/core/Tensor.h>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>
#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>
namespace gptcore {
struct Value;
using List = std::vector<Value>;
using Table = std::vector<std::pair<std::string, Value>>;
struct Value {
  std::variant<std::monostate, bool, int64_t, double, std::string, List, Table> data;
  Value() = default;
  Value(bool v) : data(v) {}
  Value(int v) : data(static_cast<int64_t>(v)) {}
  Value(int64_t v) : data(v) {}
  Value(double v) : data(v) {}
  Value(const char* v) : data(std::string(v)) {}
  Value(std::string v) : data(std::move(v)) {}
  Value(List v) : data(std::move(v)) {}
  Value(Table v) : data(std::move(v)) {}
  bool empty() const { return data.index() == 0; }
  template <class T> bool is() const { return std::holds_alternative<T>(data); }
  template <class T> const T& as() const { return std::get<T>(data); }
  bool operator==(const Value& other) const { return data == other.data; }
};
std::string to_toml(const Value& value);
const char* type_name(const Value& value);
const Value* find(const Table& table, const std::string& key);
}
namespace gptcore {
class Adapter;
struct Init {
  double std = 0;
  double value = 0;
};
struct Parameter {
  std::string name;
  at::Tensor tensor;
  Init init;
  bool decays() const { return tensor.dim() >= 2; }
};
enum class LayerKind : int { block, linear, embedding, norm };
const char* name_of(LayerKind kind);
struct Layer {
  std::string path;
  LayerKind kind = LayerKind::linear;
  bool takes_adapter = false;
};
struct ModelContext {
  int64_t vocab_size = 0;
};
class Model {
 public:
  virtual ~Model();
  virtual void open(const ModelContext& context) = 0;
  virtual void place(at::Device device, at::ScalarType compute) = 0;
  virtual std::vector<Parameter> parameters() = 0;
  virtual int64_t block_size() const = 0;
  virtual int64_t vocab_size() const = 0;
  virtual at::Tensor logits(const at::Tensor& ids) = 0;
  virtual at::Tensor loss(const at::Tensor& ids, const at::Tensor& targets) = 0;
  virtual std::unique_ptr<Model> share() { return nullptr; }
  virtual void train(bool on) = 0;
  virtual double flops_per_token() const = 0;
  virtual std::vector<Layer> layers() { return {}; }
  virtual void set_adapter(const std::string& path, std::shared_ptr<Adapter> adapter);
  virtual void* extension(std::string_view id);
};
struct AdapterInfo {
  std::string layer, item;
  Table values;
};
struct ParameterInfo {
  std::string name;
  std::vector<int64_t> shape;
  bool trainable = true;
};
class ModelView {
 public:
  virtual ~ModelView();
  virtual int64_t block_size() const = 0;
  virtual int64_t vocab_size() const = 0;
  virtual std::vector<Layer> layers() const = 0;
  virtual std::vector<ParameterInfo> parameters() const = 0;
  virtual at::Tensor value(std::string_view parameter) const = 0;
  virtual at::Tensor logits(const at::Tensor& ids) const = 0;
  virtual at::Tensor loss(const at::Tensor& ids, const at::Tensor& targets) const = 0;
  virtual std::vector<AdapterInfo> adapters() const = 0;
};
}
namespace gptcore {
struct AdapterContext {
  std::string layer;
  LayerKind kind = LayerKind::linear;
  at::Tensor weight;
  Host* host = nullptr;
};
class Adapter {
 public:
  virtual ~Adapter();
  virtual void open(const AdapterContext& context) = 0;
  virtual std::vector<Parameter> parameters() = 0;
  virtual at::Tensor forward(const at::Tensor& input) = 0;
  virtual at::Tensor delta() = 0;
  virtual void take(const at::Tensor& delta);
  virtual void train(bool on) { static_cast<void>(on); }
  virtual void* extension(std::string_view id);
};
}
#include <ATen/core/Tensor.h>
#include <cstdint>
#include <string>
#include <string_view>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>
namespace gptcore {
class Tokenizer {
 public:
  virtual ~Tokenizer();
  virtual void open(Host&) {}
  virtual bool ready() const { return true; }
  virtual void learn(std::string_view corpus) { static_cast<void>(corpus); }
  virtual std::string save() const { return {}; }
  virtual void load(std::string_view saved) { static_cast<void>(saved); }
  virtual int64_t vocab_size() const = 0;
  virtual std::vector<int32_t> encode(std::string_view text) const = 0;
  virtual std::string decode(std::span<const int32_t> ids) const = 0;
  virtual std::optional<int32_t> special(std::string_view name) const {
    static_cast<void>(name);
    return std::nullopt;
  }
  virtual void* extension(std::string_view id);
};
}
namespace gptcore {
enum class Split : int { train, val };
constexpr const char* name_of(Split split) {
  return split == Split::train ? "train" : "val";
}
struct DatasetContext {
  Tokenizer* tokenizer = nullptr;
  int64_t block_size = 0;
  int64_t vocab_limit = 0;
  uint64_t seed = 0;
  Host* host = nullptr;
};
enum class Order : int {
  shuffled,
  sequential,
};
struct BatchRequest {
  Split split = Split::train;
  Order order = Order::shuffled;
  int64_t first_sample = 0;
  int64_t count = 0;
};
struct Batch {
  at::Tensor ids;
  at::Tensor targets;
};
class Dataset {
 public:
  virtual ~Dataset();
  virtual void open(const DatasetContext& context) = 0;
  virtual int64_t vocab_size() const { return 0; }
  virtual int64_t tokens(Split split) const = 0;
  virtual int64_t windows(Split split) const = 0;
  virtual void batch(const BatchRequest& request, Batch& out) = 0;
  virtual std::string fingerprint() const = 0;
  virtual std::string save() const { return {}; }
  virtual void load(std::string_view saved) { static_cast<void>(saved); }
  virtual void set(std::string_view key, const Value& value);
  virtual void* extension(std::string_view id);
};
}
#include <stdexcept>
#include <string>
#include <string_view>
namespace gptcore {
enum class Code : int {
  usage = 1,
  config_syntax = 100,
  unknown_name = 101,
  unknown_key = 102,
  wrong_type = 103,
  out_of_range = 104,
  missing_key = 105,
  conflict = 106,
  bad_override = 107,
  missing_variable = 108,
  unreadable_config = 109,
  plugin_missing = 200,
  plugin_refused = 201,
  plugin_failed = 202,
  plugin_clash = 203,
  plugin_is_directory = 204,
  plugin_not_elf = 205,
  plugin_truncated = 206,
  plugin_architecture = 207,
  plugin_no_descriptor = 208,
  plugin_writable = 209,
  plugin_unresolved_symbol = 210,
  plugin_missing_library = 211,
  plugin_epoch_old = 212,
  plugin_epoch_new = 213,
  plugin_torch_version = 214,
  plugin_abi_tag = 215,
  plugin_no_entry = 216,
  plugin_entry_small = 217,
  plugin_null_register = 218,
  plugin_setup_failed = 219,
  plugin_hangs = 220,
  plugin_init_throws = 221,
  plugin_init_crashes = 222,
  plugin_torch_library = 223,
  plugin_bad_schema = 224,
  plugin_second_runtime = 225,
  plugin_sdk_version = 226,
  plugin_no_manifest = 227,
  plugin_manifest_differs = 228,
  plugin_foreign_owner = 229,
  plugin_bare_name = 230,
  plugin_probe_failed = 231,
  plugin_unsafe = 232,
  plugin_not_locked = 233,
  plugin_lock_differs = 234,
  data_missing = 300,
  data_empty = 301,
  data_too_short = 302,
  data_corrupt = 303,
  token_out_of_range = 304,
  unknown_character = 305,
  download_failed = 306,
  model_shape = 400,
  checkpoint_missing = 500,
  checkpoint_corrupt = 501,
  checkpoint_mismatch = 502,
  run_exists = 503,
  run_locked = 504,
  nonfinite = 600,
  out_of_memory = 700,
  peer_lost = 800,
  io = 900,
  disk_full = 901,
  internal = 999,
};
int exit_code(Code code) noexcept;
class Error : public std::runtime_error {
 public:
  Error(Code code, const std::string& message, std::string hint = {}, std::string where = {});
  ~Error() override;
  Code code() const noexcept { return code_; }
  const std::string& hint() const noexcept { return hint_; }
  const std::string& where() const noexcept { return where_; }
  std::string line() const;
 private:
  Code code_;
  std::string hint_;
  std::string where_;
};
}
#include <cstdint>
#include <string>
#include <string_view>
namespace gptcore {
struct EvaluatorContext {
  Tokenizer* tokenizer = nullptr;
  uint64_t seed = 0;
  int64_t rank = 0, ranks = 1;
  Host* host = nullptr;
};
class Results {
 public:
  virtual ~Results();
  virtual void add(std::string_view metric, double sum, double count = 1) = 0;
  virtual void item(const Table& record) = 0;
};
class Evaluator {
 public:
  virtual ~Evaluator();
  virtual void open(const EvaluatorContext& context) { static_cast<void>(context); }
  virtual void evaluate(const ModelView& model, Results& results) = 0;
  virtual void* extension(std::string_view id);
};
}
#include <string>
#include <string_view>
#include <cstdint>
#include <string>
namespace gptcore {
enum class Event : uint32_t {
  run_started,
  run_ended,
  stage_started,
  stage_ended,
  step_ended,
  evaluation_started,
  evaluation_ended,
  model_edited,
  checkpoint_saved,
  sampled,
  interrupted,
  failed,
  item_evaluated,
  operation,
};
inline constexpr int kEvents = 14;
const char* name_of(Event event);
using EventSet = uint32_t;
inline constexpr EventSet kAllEvents = (EventSet{1} << kEvents) - 1;
template <class... Events> constexpr EventSet on(Events... events) {
  return ((EventSet{1} << static_cast<uint32_t>(events)) | ... | EventSet{0});
}
struct Record {
  Event event = Event::run_started;
  int64_t step = 0;
  double seconds = 0;
  Table fields;
};
}
namespace gptcore {
struct LoggerContext {
  std::string run_dir;
  bool terminal = false;
  bool resumed = false;
  Host* host = nullptr;
};
class Logger {
 public:
  virtual ~Logger();
  virtual void open(const LoggerContext& context) = 0;
  virtual void record(const Record& record) = 0;
  virtual std::string sink() const { return {}; }
  virtual void close() {}
  virtual void* extension(std::string_view id);
};
}
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <cstdint>
#include <string_view>
#include <vector>
namespace gptcore {
enum class Moments : int { kept, zeroed };
class ModelEdit {
 public:
  virtual ~ModelEdit();
  virtual const ModelView& model() const = 0;
  virtual Value setting(std::string_view key) const = 0;
  virtual void set(std::string_view key, Value value) = 0;
  virtual void freeze(std::string_view layers) = 0;
  virtual void unfreeze(std::string_view layers) = 0;
  virtual void arrange_blocks(const std::vector<int64_t>& sources) = 0;
  virtual void widen_mlp(int64_t hidden, double noise) = 0;
  virtual void resize_vocabulary(int64_t size, int64_t source, double noise) = 0;
  virtual void set_adapter(std::string_view layers, std::string_view item, const Table& values, bool train_base) = 0;
  virtual void merge_adapter(std::string_view layers, bool drop) = 0;
  virtual void drop_adapter(std::string_view layers) = 0;
  virtual void replace(std::string_view parameter, const at::Tensor& values, Moments moments) = 0;
  virtual void set_data(std::string_view key, Value value) = 0;
  virtual void expect_same_function(double tolerance) = 0;
  virtual void* extension(std::string_view id) = 0;
};
struct BatchTrial {
  bool fits = false;
  double seconds = 0;
  int64_t bytes = 0;
};
class BatchTrials {
 public:
  virtual ~BatchTrials();
  virtual BatchTrial run(int64_t batch_size, int tries) = 0;
  virtual int64_t memory_limit() const = 0;
};
}
namespace gptcore {
using Effects = uint32_t;
inline constexpr Effects kChangesTraining = 1;
inline constexpr Effects kFreezes = 2;
inline constexpr Effects kReshapes = 4;
inline constexpr Effects kAdapts = 8;
inline constexpr Effects kReplaces = 16;
inline constexpr Effects kControlsData = 32;
inline constexpr Effects kAllEffects = kChangesTraining | kFreezes | kReshapes | kAdapts | kReplaces | kControlsData;
struct TrainingView {
  int64_t step = 0;
  int64_t tokens = 0;
  double seconds = 0;
  double train_loss = std::numeric_limits<double>::quiet_NaN();
  double val_loss = std::numeric_limits<double>::quiet_NaN();
  double learning_rate = 0;
  int64_t batch_size = 0, gradient_accumulation_steps = 0, max_iters = 0;
  Event event = Event::step_ended;
  double grad_norm = std::numeric_limits<double>::quiet_NaN();
};
struct OperationContext {
  const ModelView* model = nullptr;
  uint64_t seed = 0;
  int64_t rank = 0, ranks = 1;
  Host* host = nullptr;
  int64_t data_vocab_size = 0;
};
class Operation {
 public:
  virtual ~Operation();
  virtual void open(const OperationContext& context) { static_cast<void>(context); }
  virtual void plan(const TrainingView& now, ModelEdit& edit) = 0;
  virtual std::string save() const { return {}; }
  virtual void load(std::string_view saved) { static_cast<void>(saved); }
  virtual void* extension(std::string_view id);
};
}
#include <functional>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>
namespace gptcore {
enum class Type : uint8_t { boolean, integer, number, text, path, text_list, path_list, integer_list, number_list, table, any };
struct Choice {
  std::string text;
  std::string doc;
};
struct Word {
  std::string text;
  double number = 0;
};
struct ParamSpec {
  std::string name;
  Type type = Type::text;
  Value fallback;
  bool required = false;
  std::optional<double> minimum, maximum;
  bool minimum_open = false, maximum_open = false;
  std::vector<Choice> choices;
  std::vector<Word> words;
  std::string unit;
  std::string doc;
};
const char* type_name(Type type);
std::string range_text(const ParamSpec& spec);
struct Misfit {
  bool wrong_type = false;
  std::string text;
};
std::optional<Misfit> misfit(const ParamSpec& spec, const Value& value);
struct Problem {
  std::string key;
  std::string message;
  std::string hint;
};
using Problems = std::vector<Problem>;
namespace detail {
template <class M> struct type_of;
template <> struct type_of<bool> { static constexpr Type value = Type::boolean; };
template <> struct type_of<int64_t> { static constexpr Type value = Type::integer; };
template <> struct type_of<double> { static constexpr Type value = Type::number; };
template <> struct type_of<std::string> { static constexpr Type value = Type::text; };
template <> struct type_of<std::vector<std::string>> { static constexpr Type value = Type::text_list; };
template <> struct type_of<std::vector<int64_t>> { static constexpr Type value = Type::integer_list; };
template <> struct type_of<std::vector<double>> { static constexpr Type value = Type::number_list; };
template <> struct type_of<Table> { static constexpr Type value = Type::table; };
template <> struct type_of<Value> { static constexpr Type value = Type::any; };
template <class M> struct type_of<std::optional<M>> : type_of<M> {};
Value to_value(bool v);
Value to_value(int64_t v);
Value to_value(double v);
Value to_value(const std::string& v);
Value to_value(const std::vector<std::string>& v);
Value to_value(const std::vector<int64_t>& v);
Value to_value(const std::vector<double>& v);
Value to_value(const Table& v);
Value to_value(const Value& v);
template <class M> Value to_value(const std::optional<M>& v) {
  return v ? to_value(*v) : Value();
}
void from_value(const Value& v, bool& out);
void from_value(const Value& v, int64_t& out);
void from_value(const Value& v, double& out);
void from_value(const Value& v, std::string& out);
void from_value(const Value& v, std::vector<std::string>& out);
void from_value(const Value& v, std::vector<int64_t>& out);
void from_value(const Value& v, std::vector<double>& out);
void from_value(const Value& v, Table& out);
void from_value(const Value& v, Value& out);
template <class M> void from_value(const Value& v, std::optional<M>& out) {
  M m{};
  from_value(v, m);
  out = m;
}
}
template <class T> class Schema {
 public:
  class Entry {
   public:
    explicit Entry(ParamSpec& spec) : spec_(spec) {}
    Entry& at_least(double low) {
      spec_.minimum = low;
      return *this;
    }
    Entry& above(double low) {
      spec_.minimum = low;
      spec_.minimum_open = true;
      return *this;
    }
    Entry& at_most(double high) {
      spec_.maximum = high;
      return *this;
    }
    Entry& below(double high) {
      spec_.maximum = high;
      spec_.maximum_open = true;
      return *this;
    }
    Entry& range(double low, double high) { return at_least(low).at_most(high); }
    Entry& choice(std::string text, std::string doc = {}) {
      spec_.choices.push_back({std::move(text), std::move(doc)});
      return *this;
    }
    Entry& word(std::string text, double number) {
      spec_.words.push_back({std::move(text), number});
      return *this;
    }
    Entry& unit(std::string text) {
      spec_.unit = std::move(text);
      return *this;
    }
    Entry& required() {
      spec_.required = true;
      spec_.fallback = Value();
      return *this;
    }
    Entry& path() {
      spec_.type = spec_.type == Type::text_list ? Type::path_list : Type::path;
      return *this;
    }
   private:
    ParamSpec& spec_;
  };
  template <class M> Entry param(std::string name, M T::*member, std::string doc) {
    ParamSpec spec;
    spec.name = std::move(name);
    spec.type = detail::type_of<M>::value;
    spec.fallback = detail::to_value(T{}.*member);
    spec.doc = std::move(doc);
    specs_.push_back(std::move(spec));
    setters_.push_back([member](T& object, const Value& v) { detail::from_value(v, object.*member); });
    getters_.push_back([member](const T& object) { return detail::to_value(object.*member); });
    return Entry(specs_.back());
  }
  void check(std::function<void(const T&, Problems&)> rule) { rules_.push_back(std::move(rule)); }
  const std::vector<ParamSpec>& specs() const { return specs_; }
  void assign(const Table& values, T& object) const {
    for (size_t i = 0; i < specs_.size(); ++i) {
      const Value* v = find(values, specs_[i].name);
      if (!v || v->empty()) continue;
      bool done = false;
      if (v->is<std::string>())
        for (const Word& w : specs_[i].words)
          if (w.text == v->as<std::string>()) {
            setters_[i](object, specs_[i].type == Type::integer ? Value(static_cast<int64_t>(w.number)) : Value(w.number));
            done = true;
          }
      if (!done) setters_[i](object, *v);
    }
  }
  Table values(const T& object) const {
    Table all;
    for (size_t i = 0; i < specs_.size(); ++i) all.emplace_back(specs_[i].name, getters_[i](object));
    return all;
  }
  Problems problems(const T& object) const {
    Problems found;
    for (const auto& rule : rules_) rule(object, found);
    return found;
  }
 private:
  std::vector<ParamSpec> specs_;
  std::vector<std::function<void(T&, const Value&)>> setters_;
  std::vector<std::function<Value(const T&)>> getters_;
  std::vector<std::function<void(const T&, Problems&)>> rules_;
};
template <class T> Schema<T> schema_of() {
  Schema<T> s;
  if constexpr (requires { T::schema(s); }) T::schema(s);
  return s;
}
}
namespace gptcore {
struct Status {
  int code = 0;
  std::string message, hint, where;
};
template <class F> Status guard(F&& f) noexcept {
  try {
    std::forward<F>(f)();
    return {};
  } catch (const Error& e) {
    return {static_cast<int>(e.code()), e.what(), e.hint(), e.where()};
  } catch (const std::exception& e) {
    return {static_cast<int>(Code::plugin_failed), e.what(), {}, {}};
  } catch (...) {
    return {static_cast<int>(Code::plugin_failed), "an exception that is not a std::exception", {}, {}};
  }
}
class Port {
 public:
  virtual ~Port();
  virtual void* extension(std::string_view id) noexcept = 0;
};
class TokenizerPort : public Port {
 public:
  virtual Status open(Host& host) noexcept = 0;
  virtual Status ready(bool& out) const noexcept = 0;
  virtual Status learn(std::string_view corpus) noexcept = 0;
  virtual Status save(std::string& out) const noexcept = 0;
  virtual Status load(std::string_view saved) noexcept = 0;
  virtual Status vocab_size(int64_t& out) const noexcept = 0;
  virtual Status encode(std::string_view text, std::vector<int32_t>& out) const noexcept = 0;
  virtual Status decode(std::span<const int32_t> ids, std::string& out) const noexcept = 0;
  virtual Status special(std::string_view name, std::optional<int32_t>& out) const noexcept = 0;
};
class DatasetPort : public Port {
 public:
  virtual Status open(const DatasetContext& context) noexcept = 0;
  virtual Status vocab_size(int64_t& out) const noexcept = 0;
  virtual Status tokens(Split split, int64_t& out) const noexcept = 0;
  virtual Status windows(Split split, int64_t& out) const noexcept = 0;
  virtual Status batch(const BatchRequest& request, Batch& out) noexcept = 0;
  virtual Status fingerprint(std::string& out) const noexcept = 0;
  virtual Status save(std::string& out) const noexcept = 0;
  virtual Status load(std::string_view saved) noexcept = 0;
  virtual Status set(std::string_view key, const Value& value) noexcept = 0;
};
class ModelPort : public Port {
 public:
  virtual Status open(const ModelContext& context) noexcept = 0;
  virtual Status place(at::Device device, at::ScalarType compute) noexcept = 0;
  virtual Status parameters(std::vector<Parameter>& out) noexcept = 0;
  virtual Status block_size(int64_t& out) const noexcept = 0;
  virtual Status vocab_size(int64_t& out) const noexcept = 0;
  virtual Status logits(const at::Tensor& ids, at::Tensor& out) noexcept = 0;
  virtual Status loss(const at::Tensor& ids, const at::Tensor& targets, at::Tensor& out) noexcept = 0;
  virtual Status share(ModelPort*& out) noexcept = 0;
  virtual Status train(bool on) noexcept = 0;
  virtual Status flops_per_token(double& out) const noexcept = 0;
  virtual Status layers(std::vector<Layer>& out) noexcept = 0;
  virtual Status set_adapter(const std::string& path, std::shared_ptr<Adapter> adapter) noexcept = 0;
};
class AdapterPort : public Port {
 public:
  virtual Status open(const AdapterContext& context) noexcept = 0;
  virtual Status parameters(std::vector<Parameter>& out) noexcept = 0;
  virtual Status forward(const at::Tensor& input, at::Tensor& out) noexcept = 0;
  virtual Status delta(at::Tensor& out) noexcept = 0;
  virtual Status take(const at::Tensor& delta) noexcept = 0;
  virtual Status train(bool on) noexcept = 0;
};
class OperationPort : public Port {
 public:
  virtual Status open(const OperationContext& context) noexcept = 0;
  virtual Status plan(const TrainingView& now, ModelEdit& edit) noexcept = 0;
  virtual Status save(std::string& out) const noexcept = 0;
  virtual Status load(std::string_view saved) noexcept = 0;
};
class EvaluatorPort : public Port {
 public:
  virtual Status open(const EvaluatorContext& context) noexcept = 0;
  virtual Status evaluate(const ModelView& model, Results& results) noexcept = 0;
};
class LoggerPort : public Port {
 public:
  virtual Status open(const LoggerContext& context) noexcept = 0;
  virtual Status record(const Record& record) noexcept = 0;
  virtual Status close() noexcept = 0;
  virtual Status sink(std::string& out) const noexcept = 0;
};
}
namespace gptcore::detail {
template <class T> void* extension_of(T& item, std::string_view id) noexcept {
  void* found = nullptr;
  guard([&] { found = item.extension(id); });
  return found;
}
template <class T> class TokenizerPortOf final : public TokenizerPort {
 public:
  explicit TokenizerPortOf(T item) : item_(std::move(item)) {}
  void* extension(std::string_view id) noexcept override { return extension_of(item_, id); }
  Status open(Host& host) noexcept override {
    return guard([&] { item_.open(host); });
  }
  Status ready(bool& out) const noexcept override {
    return guard([&] { out = item_.ready(); });
  }
  Status learn(std::string_view corpus) noexcept override {
    return guard([&] { item_.learn(corpus); });
  }
  Status save(std::string& out) const noexcept override {
    return guard([&] { out = item_.save(); });
  }
  Status load(std::string_view saved) noexcept override {
    return guard([&] { item_.load(saved); });
  }
  Status vocab_size(int64_t& out) const noexcept override {
    return guard([&] { out = item_.vocab_size(); });
  }
  Status encode(std::string_view text, std::vector<int32_t>& out) const noexcept override {
    return guard([&] { out = item_.encode(text); });
  }
  Status decode(std::span<const int32_t> ids, std::string& out) const noexcept override {
    return guard([&] { out = item_.decode(ids); });
  }
  Status special(std::string_view name, std::optional<int32_t>& out) const noexcept override {
    return guard([&] { out = item_.special(name); });
  }
 private:
  T item_;
};
template <class T> class DatasetPortOf final : public DatasetPort {
 public:
  explicit DatasetPortOf(T item) : item_(std::move(item)) {}
  void* extension(std::string_view id) noexcept override { return extension_of(item_, id); }
  Status open(const DatasetContext& context) noexcept override {
    return guard([&] { item_.open(context); });
  }
  Status vocab_size(int64_t& out) const noexcept override {
    return guard([&] { out = item_.vocab_size(); });
  }
  Status tokens(Split split, int64_t& out) const noexcept override {
    return guard([&] { out = item_.tokens(split); });
  }
  Status windows(Split split, int64_t& out) const noexcept override {
    return guard([&] { out = item_.windows(split); });
  }
  Status batch(const BatchRequest& request, Batch& out) noexcept override {
    return guard([&] { item_.batch(request, out); });
  }
  Status fingerprint(std::string& out) const noexcept override {
    return guard([&] { out = item_.fingerprint(); });
  }
  Status save(std::string& out) const noexcept override {
    return guard([&] { out = item_.save(); });
  }
  Status load(std::string_view saved) noexcept override {
    return guard([&] { item_.load(saved); });
  }
  Status set(std::string_view key, const Value& value) noexcept override {
    return guard([&] { item_.set(key, value); });
  }
 private:
  T item_;
};
template <class T> class LoggerPortOf final : public LoggerPort {
 public:
  explicit LoggerPortOf(T item) : item_(std::move(item)) {}
  void* extension(std::string_view id) noexcept override { return extension_of(item_, id); }
  Status open(const LoggerContext& context) noexcept override {
    return guard([&] { item_.open(context); });
  }
  Status record(const Record& record) noexcept override {
    return guard([&] { item_.record(record); });
  }
  Status close() noexcept override {
    return guard([&] { item_.close(); });
  }
  Status sink(std::string& out) const noexcept override {
    return guard([&] { out = item_.sink(); });
  }
 private:
  T item_;
};
class ModelPortOver : public ModelPort {
 public:
  explicit ModelPortOver(std::unique_ptr<Model> item) : item_(std::move(item)) {}
  void* extension(std::string_view id) noexcept override { return extension_of(*item_, id); }
  Status open(const ModelContext& context) noexcept override {
    return guard([&] { item_->open(context); });
  }
  Status place(at::Device device, at::ScalarType compute) noexcept override {
    return guard([&] { item_->place(device, compute); });
  }
  Status parameters(std::vector<Parameter>& out) noexcept override {
    return guard([&] { out = item_->parameters(); });
  }
  Status block_size(int64_t& out) const noexcept override {
    return guard([&] { out = item_->block_size(); });
  }
  Status vocab_size(int64_t& out) const noexcept override {
    return guard([&] { out = item_->vocab_size(); });
  }
  Status logits(const at::Tensor& ids, at::Tensor& out) noexcept override {
    return guard([&] { out = item_->logits(ids); });
  }
  Status loss(const at::Tensor& ids, const at::Tensor& targets, at::Tensor& out) noexcept override {
    return guard([&] { out = item_->loss(ids, targets); });
  }
  Status share(ModelPort*& out) noexcept override {
    return guard([&] {
      std::unique_ptr<Model> second = item_->share();
      out = second ? new ModelPortOver(std::move(second)) : nullptr;
    });
  }
  Status train(bool on) noexcept override {
    return guard([&] { item_->train(on); });
  }
  Status flops_per_token(double& out) const noexcept override {
    return guard([&] { out = item_->flops_per_token(); });
  }
  Status layers(std::vector<Layer>& out) noexcept override {
    return guard([&] { out = item_->layers(); });
  }
  Status set_adapter(const std::string& path, std::shared_ptr<Adapter> adapter) noexcept override {
    return guard([&] { item_->set_adapter(path, std::move(adapter)); });
  }
 private:
  std::unique_ptr<Model> item_;
};
template <class T> class ModelPortOf final : public ModelPortOver {
 public:
  explicit ModelPortOf(T item) : ModelPortOver(std::make_unique<T>(std::move(item))) {}
};
template <class T> class AdapterPortOf final : public AdapterPort {
 public:
  explicit AdapterPortOf(T item) : item_(std::move(item)) {}
  void* extension(std::string_view id) noexcept override { return extension_of(item_, id); }
  Status open(const AdapterContext& context) noexcept override {
    return guard([&] { item_.open(context); });
  }
  Status parameters(std::vector<Parameter>& out) noexcept override {
    return guard([&] { out = item_.parameters(); });
  }
  Status forward(const at::Tensor& input, at::Tensor& out) noexcept override {
    return guard([&] { out = item_.forward(input); });
  }
  Status delta(at::Tensor& out) noexcept override {
    return guard([&] { out = item_.delta(); });
  }
  Status take(const at::Tensor& delta) noexcept override {
    return guard([&] { item_.take(delta); });
  }
  Status train(bool on) noexcept override {
    return guard([&] { item_.train(on); });
  }
 private:
  T item_;
};
template <class T> class OperationPortOf final : public OperationPort {
 public:
  explicit OperationPortOf(T item) : item_(std::move(item)) {}
  void* extension(std::string_view id) noexcept override { return extension_of(item_, id); }
  Status open(const OperationContext& context) noexcept override {
    return guard([&] { item_.open(context); });
  }
  Status plan(const TrainingView& now, ModelEdit& edit) noexcept override {
    return guard([&] { item_.plan(now, edit); });
  }
  Status save(std::string& out) const noexcept override {
    return guard([&] { out = item_.save(); });
  }
  Status load(std::string_view saved) noexcept override {
    return guard([&] { item_.load(saved); });
  }
 private:
  T item_;
};
template <class T> class EvaluatorPortOf final : public EvaluatorPort {
 public:
  explicit EvaluatorPortOf(T item) : item_(std::move(item)) {}
  void* extension(std::string_view id) noexcept override { return extension_of(item_, id); }
  Status open(const EvaluatorContext& context) noexcept override {
    return guard([&] { item_.open(context); });
  }
  Status evaluate(const ModelView& model, Results& results) noexcept override {
    return guard([&] { item_.evaluate(model, results); });
  }
 private:
  T item_;
};
}
namespace gptcore {
enum class Kind : int { tokenizer, dataset, model, adapter, operation, evaluator, logger };
inline constexpr int kKinds = 7;
const char* name_of(Kind kind);
struct Item {
  Kind kind = Kind::tokenizer;
  std::string name;
  std::string doc;
  std::vector<ParamSpec> params;
  EventSet events = 0;
  Effects effects = 0;
  Port* (*create)(const Table& params, Status& status) = nullptr;
  void (*destroy)(Port*) = nullptr;
  Problems (*check)(const Table& params) = nullptr;
};
class Registrar {
 public:
  virtual ~Registrar();
  template <class T> void tokenizer(std::string name, std::string doc) {
    put<Tokenizer, T, detail::TokenizerPortOf<T>>(Kind::tokenizer, name, doc);
  }
  template <class T> void dataset(std::string name, std::string doc) {
    put<Dataset, T, detail::DatasetPortOf<T>>(Kind::dataset, name, doc);
  }
  template <class T> void logger(std::string name, std::string doc) {
    put<Logger, T, detail::LoggerPortOf<T>>(Kind::logger, name, doc);
  }
  template <class T> void model(std::string name, std::string doc) {
    put<Model, T, detail::ModelPortOf<T>>(Kind::model, name, doc);
  }
  template <class T> void adapter(std::string name, std::string doc) {
    put<Adapter, T, detail::AdapterPortOf<T>>(Kind::adapter, name, doc);
  }
  template <class T> void operation(std::string name, std::string doc) {
    put<Operation, T, detail::OperationPortOf<T>>(Kind::operation, name, doc);
  }
  template <class T> void evaluator(std::string name, std::string doc) {
    put<Evaluator, T, detail::EvaluatorPortOf<T>>(Kind::evaluator, name, doc);
  }
 protected:
  virtual void add(Item item) = 0;
 private:
  template <class Interface, class T, class PortOf> void put(Kind kind, std::string name, std::string doc) {
    static_assert(std::is_base_of_v<Interface, T>, "the class must derive from the kind's interface");
    static_assert(std::is_default_constructible_v<T> && std::is_move_constructible_v<T>);
    Item item;
    item.kind = kind;
    item.name = std::move(name);
    item.doc = std::move(doc);
    item.params = schema_of<T>().specs();
    if (kind == Kind::logger) item.events = kAllEvents;
    if (kind == Kind::operation) item.events = on(Event::step_ended);
    if constexpr (requires { T::events; }) item.events = T::events;
    if constexpr (requires { T::effects; }) item.effects = T::effects;
    item.create = [](const Table& params, Status& status) -> Port* {
      Port* made = nullptr;
      status = guard([&] {
        T object;
        schema_of<T>().assign(params, object);
        made = new PortOf(std::move(object));
      });
      return made;
    };
    item.destroy = [](Port* port) { delete port; };
    item.check = [](const Table& params) -> Problems {
      Problems found;
      guard([&] {
        T object;
        schema_of<T>().assign(params, object);
        found = schema_of<T>().problems(object);
      });
      return found;
    };
    add(std::move(item));
  }
};
}
#define GPTCORE_VERSION "0.1.0"
#define GPTCORE_SDK_VERSION 100
#if defined(__x86_64__)
#define GPTCORE_TAG_ARCH "x86_64"
#elif defined(__aarch64__)
#define GPTCORE_TAG_ARCH "aarch64"
#else
#define GPTCORE_TAG_ARCH "other"
#endif
#if defined(_LIBCPP_VERSION)
#define GPTCORE_TAG_STD ";libc++"
#else
#define GPTCORE_TAG_STD ";libstdc++"
#endif
#if !defined(_GLIBCXX_USE_CXX11_ABI) || _GLIBCXX_USE_CXX11_ABI
#define GPTCORE_TAG_CXX11 ";cxx11"
#else
#define GPTCORE_TAG_CXX11 ";oldabi"
#endif
#if defined(_GLIBCXX_DEBUG)
#define GPTCORE_TAG_DEBUG ";glibcxx_debug"
#else
#define GPTCORE_TAG_DEBUG ""
#endif
#if defined(__SANITIZE_ADDRESS__)
#define GPTCORE_TAG_SANITIZER ";asan"
#elif defined(__SANITIZE_THREAD__)
#define GPTCORE_TAG_SANITIZER ";tsan"
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define GPTCORE_TAG_SANITIZER ";asan"
#elif __has_feature(thread_sanitizer)
#define GPTCORE_TAG_SANITIZER ";tsan"
#endif
#endif
#ifndef GPTCORE_TAG_SANITIZER
#define GPTCORE_TAG_SANITIZER ""
#endif
#define GPTCORE_ABI_TAG GPTCORE_TAG_ARCH GPTCORE_TAG_STD GPTCORE_TAG_CXX11 ";c++20" GPTCORE_TAG_DEBUG GPTCORE_TAG_SANITIZER
#define GPTCORE_PLUGIN(NAME, VERSION, SETUP)                                                                    \
  extern "C" {                                                                                                  \
  __attribute__((section(GPTCORE_ABI_SECTION), used)) static const gptcore_descriptor gptcore_descriptor_v1 = { \
      "GPTCORE",                                                                                                \
      sizeof(gptcore_descriptor),                                                                               \
      GPTCORE_ABI_EPOCH,                                                                                        \
      GPTCORE_SDK_VERSION,                                                                                      \
      TORCH_VERSION_MAJOR * 100 + TORCH_VERSION_MINOR,                                                          \
      GPTCORE_ABI_TAG,                                                                                          \
      NAME,                                                                                                     \
      VERSION,                                                                                                  \
      "",                                                                                                       \
      {},                                                                                                       \
      {}};                                                                                                      \
  static int32_t gptcore_register_all(void* registrar, gptcore_status* status) {                                \
    const gptcore::Status s = gptcore::guard([&] { SETUP(*static_cast<gptcore::Registrar*>(registrar)); });     \
    status->code = s.code;                                                                                      \
    std::snprintf(status->where, sizeof status->where, "%s", s.where.c_str());                                  \
    std::snprintf(status->message, sizeof status->message, "%s", s.message.c_str());                            \
    return s.code;                                                                                              \
  }                                                                                                             \
  __attribute__((visibility("default"))) const gptcore_plugin* gptcore_plugin_v1(void) {                        \
    static const gptcore_plugin plugin = {sizeof(gptcore_plugin), GPTCORE_ABI_EPOCH, &gptcore_descriptor_v1,    \
                                          gptcore_register_all};                                                \
    return &plugin;                                                                                             \
  }                                                                                                             \
  }
