// The author's interfaces over a plugin's port: a failed Status becomes an Error that says which plugin, item and method.
#pragma once

#include <memory>
#include <string>

#include "core/plugin/breadcrumb.h"
#include "gptcore/port.h"

namespace gptcore {

template <class PortType> using PortHandle = std::unique_ptr<PortType, void (*)(Port*)>;

// Returns when `status` is ok. Else throws Error with the plugin's own code; plugin_failed, which says nothing of the
// place, gets "plugin 'x', dataset 'y', in batch(), step 12, rank 0: " in front.
void raise(const Status& status, const Callee& callee, const char* method);

std::unique_ptr<Tokenizer> hosted(PortHandle<TokenizerPort> port, Callee callee);
std::unique_ptr<Dataset> hosted(PortHandle<DatasetPort> port, Callee callee);
std::unique_ptr<Model> hosted(PortHandle<ModelPort> port, Callee callee);
std::unique_ptr<Adapter> hosted(PortHandle<AdapterPort> port, Callee callee);
std::unique_ptr<Operation> hosted(PortHandle<OperationPort> port, Callee callee);
std::unique_ptr<Evaluator> hosted(PortHandle<EvaluatorPort> port, Callee callee);
std::unique_ptr<Logger> hosted(PortHandle<LoggerPort> port, Callee callee);

}  // namespace gptcore
