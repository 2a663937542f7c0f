// A plugin's setup function registers its items here: r.tokenizer<Char>("char", "one token per character").
#pragma once

#include <string>
#include <type_traits>
#include <vector>

#include "gptcore/port_of.h"
#include "gptcore/schema.h"

namespace gptcore {

enum class Kind : int { tokenizer, dataset, model, adapter, operation, evaluator, logger };
inline constexpr int kKinds = 7;
// "tokenizer", ...
const char* name_of(Kind kind);

// One named item of a plugin. Its functions lie in the plugin's library and throw nothing.
struct Item {
  Item();
  Item(const Item& other);
  Item(Item&& other) noexcept;
  Item& operator=(const Item& other);
  Item& operator=(Item&& other) noexcept;
  ~Item();

  Kind kind = Kind::tokenizer;
  std::string name;  // [a-z][a-z0-9_]*
  std::string doc;   // one line
  std::vector<ParamSpec> params;
  EventSet events = 0;  // after which a logger or an operation is called
  Effects effects = 0;  // the edits that an operation may plan
  // Returns a new object with its parameters set, as the Port of its kind, or null and a failed `status`.
  Port* (*create)(const Table& params, Status& status) = nullptr;
  void (*destroy)(Port*) = nullptr;
  // Checks the rules over several parameters. Precondition: each value is valid by itself.
  Problems (*check)(const Table& params) = nullptr;
};

// The registrations of a plugin take effect together when setup returns, or not at all.
class Registrar {
 public:
  virtual ~Registrar();
  template <class T> void tokenizer(std::string name, std::string doc) {
    put<Tokenizer, T, detail::TokenizerPortOf<T>>(Kind::tokenizer, std::move(name), std::move(doc));
  }
  template <class T> void dataset(std::string name, std::string doc) {
    put<Dataset, T, detail::DatasetPortOf<T>>(Kind::dataset, std::move(name), std::move(doc));
  }
  template <class T> void logger(std::string name, std::string doc) {
    put<Logger, T, detail::LoggerPortOf<T>>(Kind::logger, std::move(name), std::move(doc));
  }
  template <class T> void model(std::string name, std::string doc) {
    put<Model, T, detail::ModelPortOf<T>>(Kind::model, std::move(name), std::move(doc));
  }
  template <class T> void adapter(std::string name, std::string doc) {
    put<Adapter, T, detail::AdapterPortOf<T>>(Kind::adapter, std::move(name), std::move(doc));
  }
  template <class T> void operation(std::string name, std::string doc) {
    put<Operation, T, detail::OperationPortOf<T>>(Kind::operation, std::move(name), std::move(doc));
  }
  template <class T> void evaluator(std::string name, std::string doc) {
    put<Evaluator, T, detail::EvaluatorPortOf<T>>(Kind::evaluator, std::move(name), std::move(doc));
  }

 protected:
  virtual void add(Item item) = 0;

 private:
  void put(Item item, Kind kind, std::string name, std::string doc, const std::vector<ParamSpec>& params);
  template <class Interface, class T, class PortOf> void put(Kind kind, std::string name, std::string doc) {
    static_assert(std::is_base_of_v<Interface, T>, "the class must derive from the kind's interface");
    static_assert(std::is_default_constructible_v<T> && std::is_move_constructible_v<T>);
    Item item;
    if (kind == Kind::logger) item.events = kAllEvents;
    if (kind == Kind::operation) item.events = on(Event::step_ended);
    if constexpr (requires { T::events; }) item.events = T::events;
    if constexpr (requires { T::effects; }) item.effects = T::effects;
    item.create = [](const Table& params, Status& status) -> Port* {
      Port* port = nullptr;
      status = guard([&] {
        T object;
        schema_of<T>().assign(params, object);
        port = new PortOf(std::move(object));
      });
      return port;
    };
    item.destroy = [](Port* port) { delete port; };
    item.check = [](const Table& params) -> Problems {
      Problems found;
      guard([&] {
        T object;
        const Schema<T> schema = schema_of<T>();
        schema.assign(params, object);
        found = schema.problems(object);
      });
      return found;
    };
    put(std::move(item), kind, std::move(name), std::move(doc), schema_of<T>().specs());
  }
};

}  // namespace gptcore
