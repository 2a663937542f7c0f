// The common part of all types' schemas, compiled once and not in every plugin.
#include "gptcore/schema.h"

namespace gptcore {

ParamSpec::ParamSpec() = default;
ParamSpec::ParamSpec(const ParamSpec& other) = default;
ParamSpec::ParamSpec(ParamSpec&& other) noexcept = default;
ParamSpec& ParamSpec::operator=(const ParamSpec& other) = default;
ParamSpec& ParamSpec::operator=(ParamSpec&& other) noexcept = default;
ParamSpec::~ParamSpec() = default;

namespace detail {

using Entry = AnySchema::Entry;

Entry& Entry::at_least(double low) {
  spec_.minimum = low;
  return *this;
}
Entry& Entry::above(double low) {
  spec_.minimum = low;
  spec_.minimum_open = true;
  return *this;
}
Entry& Entry::at_most(double high) {
  spec_.maximum = high;
  return *this;
}
Entry& Entry::below(double high) {
  spec_.maximum = high;
  spec_.maximum_open = true;
  return *this;
}
Entry& Entry::range(double low, double high) {
  return at_least(low).at_most(high);
}
Entry& Entry::choice(std::string text, std::string doc) {
  spec_.choices.push_back({std::move(text), std::move(doc)});
  return *this;
}
Entry& Entry::word(std::string text, double number) {
  spec_.words.push_back({std::move(text), number});
  return *this;
}
Entry& Entry::unit(std::string text) {
  spec_.unit = std::move(text);
  return *this;
}
Entry& Entry::required() {
  spec_.required = true;
  spec_.fallback = Value();
  return *this;
}
Entry& Entry::path() {
  spec_.type = spec_.type == Type::text_list ? Type::path_list : Type::path;
  return *this;
}
Entry& Entry::live() {
  spec_.live = true;
  return *this;
}
Entry& Entry::cosmetic() {
  spec_.cosmetic = true;
  return *this;
}

AnySchema::AnySchema() = default;
AnySchema::AnySchema(const AnySchema& other) = default;
AnySchema::AnySchema(AnySchema&& other) noexcept = default;
AnySchema::~AnySchema() = default;

Entry AnySchema::add(std::string name, Type type, std::string doc, Field field, const void* defaults) {
  ParamSpec& spec = specs_.emplace_back();
  spec.name = std::move(name);
  spec.type = type;
  spec.fallback = field.get(static_cast<const char*>(defaults) + field.offset);
  spec.doc = std::move(doc);
  fields_.push_back(field);
  return Entry(spec);
}

void AnySchema::add(Rule rule) {
  rules_.push_back(std::move(rule));
}

void AnySchema::add(const AnySchema& part, ptrdiff_t offset) {
  specs_.insert(specs_.end(), part.specs_.begin(), part.specs_.end());
  for (Field field : part.fields_) {
    field.offset += offset;
    fields_.push_back(field);
  }
  for (const Rule& rule : part.rules_)
    rules_.push_back(
        [rule, offset](const void* object, Problems& found) { rule(static_cast<const char*>(object) + offset, found); });
}

void AnySchema::assign_any(const Table& values, void* object) const {
  for (size_t i = 0; i < specs_.size(); ++i) {
    const Value* v = find(values, specs_[i].name);
    if (!v || v->empty()) continue;
    const Word* word = word_of(specs_[i], *v);
    void* field = static_cast<char*>(object) + fields_[i].offset;
    if (!word)
      fields_[i].set(field, *v);
    else if (specs_[i].type == Type::integer)
      fields_[i].set(field, static_cast<int64_t>(word->number));
    else
      fields_[i].set(field, word->number);
  }
}

Table AnySchema::values_any(const void* object) const {
  Table all;
  for (size_t i = 0; i < specs_.size(); ++i)
    all.emplace_back(specs_[i].name, fields_[i].get(static_cast<const char*>(object) + fields_[i].offset));
  return all;
}

Problems AnySchema::problems_any(const void* object) const {
  Problems found;
  for (const Rule& rule : rules_) rule(object, found);
  return found;
}

}  // namespace detail

}  // namespace gptcore
