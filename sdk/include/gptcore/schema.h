// One line a parameter drives everything: its default, the check of pipeline files, `plugins info`, `config explain`.
// The default is the member's own initialiser, so it is written once.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "gptcore/value.h"

namespace gptcore {

enum class Type : uint8_t { boolean, integer, number, text, path, text_list, path_list, integer_list, number_list, table, any };

struct Choice {
  std::string text;
  std::string doc;
};

struct Word {  // a text that stands for a number: eval_iters = "all"
  std::string text;
  double number = 0;
};

struct ParamSpec {
  ParamSpec();
  ParamSpec(const ParamSpec& other);
  ParamSpec(ParamSpec&& other) noexcept;
  ParamSpec& operator=(const ParamSpec& other);
  ParamSpec& operator=(ParamSpec&& other) noexcept;
  ~ParamSpec();

  std::string name;
  Type type = Type::text;
  Value fallback;  // empty when required or when absence has its own meaning
  bool required = false;
  std::optional<double> minimum, maximum;
  bool minimum_open = false, maximum_open = false;  // open: the bound itself is refused
  std::vector<Choice> choices;
  std::vector<Word> words;
  std::string unit;
  std::string doc;
};

// "integer", "list of strings", ...
const char* type_name(Type type);
// "1..1024", ">0", "one of a | b", or "" when anything of the type goes.
std::string range_text(const ParamSpec& spec);
// The word of `spec` that `value` is, or nullptr.
const Word* word_of(const ParamSpec& spec, const Value& value);
// Empty when `value` fits `spec`; else what is wrong with it, as "wants a float, got string \"x\"".
// An integer is accepted where a float is wanted; the default always fits its own range.
struct Misfit {
  bool wrong_type = false;  // else out of range
  std::string text;
};
std::optional<Misfit> misfit(const ParamSpec& spec, const Value& value);

// Collects what a cross-field check finds; `key` places the error in the file.
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
}  // namespace detail

namespace detail {
template <class M> void set_field(void* field, const Value& v) {
  from_value(v, *static_cast<M*>(field));
}
template <class M> Value get_field(const void* field) {
  return to_value(*static_cast<const M*>(field));
}

// Schema<T> without T. Objects are passed by address.
class AnySchema {
 public:
  // Chained after param(): .range(0, 1).required() ...
  class Entry {
   public:
    explicit Entry(ParamSpec& spec) : spec_(spec) {}
    Entry& at_least(double low);
    Entry& above(double low);
    Entry& at_most(double high);
    Entry& below(double high);
    Entry& range(double low, double high);
    Entry& choice(std::string text, std::string doc = {});
    Entry& word(std::string text, double number);
    Entry& unit(std::string text);
    Entry& required();
    // A text or list of texts that names files: relative ones count from the pipeline file's folder.
    Entry& path();

   private:
    ParamSpec& spec_;
  };

  const std::vector<ParamSpec>& specs() const { return specs_; }

 protected:
  struct Field {
    ptrdiff_t offset;  // in the object, in bytes
    void (*set)(void* field, const Value& v);
    Value (*get)(const void* field);
  };
  using Rule = std::function<void(const void* object, Problems&)>;

  AnySchema();
  AnySchema(const AnySchema& other);
  AnySchema(AnySchema&& other) noexcept;
  ~AnySchema();
  Entry add(std::string name, Type type, std::string doc, Field field, const void* defaults);
  void add(Rule rule);
  void assign_any(const Table& values, void* object) const;
  Table values_any(const void* object) const;
  Problems problems_any(const void* object) const;

 private:
  std::vector<ParamSpec> specs_;
  std::vector<Field> fields_;  // of specs_, one by one
  std::vector<Rule> rules_;
};
}  // namespace detail

// What `schema()` of a parameter struct fills in. T must be default constructible.
template <class T> class Schema : public detail::AnySchema {
 public:
  // `member` may be bool, int64_t, double, std::string, a std::vector of the last three, Table, std::optional of one,
  // or Value, which takes anything and is for a check() or open() to judge.
  template <class M> Entry param(std::string name, M T::*member, std::string doc) {
    if (!defaults_) defaults_.emplace();
    const auto offset = reinterpret_cast<const char*>(&((*defaults_).*member)) - reinterpret_cast<const char*>(&*defaults_);
    return add(std::move(name), detail::type_of<M>::value, std::move(doc), {offset, detail::set_field<M>, detail::get_field<M>},
               &*defaults_);
  }

  // rule(const T&, Problems&): over several fields; runs after every field fits on its own.
  template <class F> void check(F rule) {
    add([rule = std::move(rule)](const void* object, Problems& found) { rule(*static_cast<const T*>(object), found); });
  }

  // Sets the members named in `values`, which must fit the schema (the host has checked); the rest keep their defaults.
  void assign(const Table& values, T& object) const { assign_any(values, &object); }
  // Every member by its name.
  Table values(const T& object) const { return values_any(&object); }
  Problems problems(const T& object) const { return problems_any(&object); }

 private:
  std::optional<T> defaults_;  // made when there is a parameter
};

// T's schema: what its static `schema(Schema<T>&)` says, or no parameters when it has none.
template <class T> Schema<T> schema_of() {
  Schema<T> s;
  if constexpr (requires { T::schema(s); }) T::schema(s);
  return s;
}

}  // namespace gptcore
