// The schema of a parameter struct. One line per parameter gives its type, bounds and description to the checks of pipeline
// files, `plugins info` and `config explain`. The default is the member's initialiser, so that it is written once.
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

struct Word {  // a text that the user may write for a number: eval_iters = "all"
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
  Value fallback;  // the default; empty when the key is required or when its absence has a meaning of its own
  bool required = false;
  std::optional<double> minimum, maximum;
  bool minimum_open = false, maximum_open = false;  // open: the bound itself is refused
  bool live = false, cosmetic = false;              // see Entry; of the program's own tables only
  std::vector<Choice> choices;
  std::vector<Word> words;
  std::string unit;
  std::string doc;
};

// "integer", "list of strings", ...
const char* type_name(Type type);
// Returns "1..1024", ">0", "one of a | b", or "" when every value of the type is valid.
std::string range_text(const ParamSpec& spec);
// Returns the word of `spec` that equals `value`, or nullptr.
const Word* word_of(const ParamSpec& spec, const Value& value);
// Returns nothing when `value` is valid for `spec`, else what is wrong, as "expects a float, got string \"x\"". An integer is
// valid where a float is expected. The default is always valid.
struct Misfit {
  bool wrong_type = false;  // else out of range
  std::string text;
};
std::optional<Misfit> misfit(const ParamSpec& spec, const Value& value);

// An error that a check over several fields finds. `key` gives its place in the file.
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

// The part of Schema<T> that does not depend on T. Objects are passed by address.
class AnySchema {
 public:
  // Completes the line of one parameter: s.param(...).range(0, 1).required();
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
    // The text, or each of a list, is a path. A relative path is resolved against the folder of the pipeline file.
    Entry& path();
    // An operation may change the value between two updates (ModelEdit::set).
    Entry& live();
    // The value influences neither the weights nor later updates, so that a resumed run may change it without a message.
    Entry& cosmetic();

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
  // Adds the parameters and rules of `part`, whose object lies `offset` bytes into this schema's object.
  void add(const AnySchema& part, ptrdiff_t offset);
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

template <class T> class Schema;
template <class T> Schema<T> schema_of();

// The static method T::schema(Schema<T>&) fills this in. T must be default constructible.
template <class T> class Schema : public detail::AnySchema {
 public:
  // `member` may be bool, int64_t, double, std::string, a std::vector of the last three, Table, a std::optional of one of
  // these, or Value. A Value accepts anything; check() or open() must judge it.
  template <class M> Entry param(std::string name, M T::*member, std::string doc) {
    if (!defaults_) defaults_.emplace();
    const auto offset = reinterpret_cast<const char*>(&((*defaults_).*member)) - reinterpret_cast<const char*>(&*defaults_);
    return add(std::move(name), detail::type_of<M>::value, std::move(doc), {offset, detail::set_field<M>, detail::get_field<M>},
               &*defaults_);
  }

  // Adds the parameters and rules of `Base`, a base class of T.
  template <class Base> void group() {
    static_assert(std::is_base_of_v<Base, T>);
    if (!defaults_) defaults_.emplace();
    const Base& part = *defaults_;
    add(schema_of<Base>(), reinterpret_cast<const char*>(&part) - reinterpret_cast<const char*>(&*defaults_));
  }

  // Adds rule(const T&, Problems&), a check over several fields. It runs when every field is valid by itself.
  template <class F> void check(F rule) {
    add([rule = std::move(rule)](const void* object, Problems& found) { rule(*static_cast<const T*>(object), found); });
  }

  // Sets the members that `values` names; the others keep their values. Precondition: the values are valid for the schema.
  void assign(const Table& values, T& object) const { assign_any(values, &object); }
  // Returns every member by its name.
  Table values(const T& object) const { return values_any(&object); }
  Problems problems(const T& object) const { return problems_any(&object); }

 private:
  std::optional<T> defaults_;  // made by the first parameter
};

// Returns the schema of T, which has no parameters when T has no static method schema(Schema<T>&).
template <class T> Schema<T> schema_of() {
  Schema<T> s;
  if constexpr (requires { T::schema(s); }) T::schema(s);
  return s;
}

}  // namespace gptcore
