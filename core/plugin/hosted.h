// The author's interfaces over a plugin's port: a failed Status becomes an Error that says which plugin, item and method.
#pragma once

#include <memory>
#include <string>

#include "gptcore/port.h"

namespace gptcore {

// Who is called, for messages.
struct Callee {
  std::string plugin, kind, item;
};

template <class PortType> using PortHandle = std::unique_ptr<PortType, void (*)(Port*)>;

// Returns when `status` is ok. Else throws Error with the plugin's own code; plugin_failed, which says nothing of the
// place, gets "plugin 'x', dataset 'y', in batch(): " in front.
void raise(const Status& status, const Callee& callee, const char* method);

std::unique_ptr<Tokenizer> hosted(PortHandle<TokenizerPort> port, Callee callee);
std::unique_ptr<Dataset> hosted(PortHandle<DatasetPort> port, Callee callee);
std::unique_ptr<Logger> hosted(PortHandle<LoggerPort> port, Callee callee);

}  // namespace gptcore
