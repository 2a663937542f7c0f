// Opens libgptcore.so, which needs LibTorch and half a second, only when a verb asks for it.
#pragma once

#include <utility>
#include <vector>

#include "apps/engine/engine.h"
#include "core/config/config_errors.h"

namespace gptcore {

// Returns the functions of ../lib/libgptcore.so beside the program, which stays open until the process ends. Throws Error(io).
const EngineTable& engine();

// Runs one of its verbs, as in call(&EngineTable::run, request). Throws ConfigErrors when the verb reports any error.
template <class Request> int call(EngineVerb<Request> EngineTable::*verb, const Request& request) {
  std::vector<Error> errors;
  const int code = (engine().*verb)(request, errors);
  if (!errors.empty()) throw ConfigErrors(std::move(errors));
  return code;
}

}  // namespace gptcore
