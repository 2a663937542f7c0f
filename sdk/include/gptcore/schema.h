// One line a parameter drives everything: its default, the check of pipeline files, `plugins info`, `config explain`.
// The default is the member's own initialiser, so it is written once.
#pragma once

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

// What `schema()` of a parameter struct fills in. T must be default constructible.
template <class T> class Schema {
 public:
  // Chained after param(): .range(0, 1).required() ...
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
    // A text or list of texts that names files: relative ones count from the pipeline file's folder.
    Entry& path() {
      spec_.type = spec_.type == Type::text_list ? Type::path_list : Type::path;
      return *this;
    }

   private:
    ParamSpec& spec_;
  };

  // `member` may be bool, int64_t, double, std::string, a std::vector of the last three, Table, std::optional of one,
  // or Value, which takes anything and is for a check() or open() to judge.
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

  // A rule over several fields; runs after every field fits on its own.
  void check(std::function<void(const T&, Problems&)> rule) { rules_.push_back(std::move(rule)); }

  const std::vector<ParamSpec>& specs() const { return specs_; }

  // Sets the members named in `values`, which must fit the schema (the host has checked); the rest keep their defaults.
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
  // Every member by its name.
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

// T's schema: what its static `schema(Schema<T>&)` says, or no parameters when it has none.
template <class T> Schema<T> schema_of() {
  Schema<T> s;
  if constexpr (requires { T::schema(s); }) T::schema(s);
  return s;
}

}  // namespace gptcore
