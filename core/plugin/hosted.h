// Implements the author's interfaces over a plugin's port: a failed Status becomes an Error that names plugin, item and method.
#pragma once

#include <memory>
#include <string>

#include "core/plugin/breadcrumb.h"
#include "gptcore/port.h"

namespace gptcore {

template <class PortType> using PortHandle = std::unique_ptr<PortType, void (*)(Port*)>;

// Returns the status of a call as people need it: plugin_failed gets "plugin 'x', dataset 'y', in batch(), step 12, rank 0: "
// in front, and the plugin's file as its place when it has none. Any other status stays in the plugin's own words.
Status named(Status status, const Callee& callee, const char* method);
// Returns when `status` is ok, and otherwise throws named() of it as an Error.
void raise(const Status& status, const Callee& callee, const char* method);

// `callee` must come from lasting().
std::unique_ptr<Tokenizer> hosted(PortHandle<TokenizerPort> port, const Callee& callee);
std::unique_ptr<Dataset> hosted(PortHandle<DatasetPort> port, const Callee& callee);
std::unique_ptr<Model> hosted(PortHandle<ModelPort> port, const Callee& callee);
std::unique_ptr<Adapter> hosted(PortHandle<AdapterPort> port, const Callee& callee);
std::unique_ptr<Operation> hosted(PortHandle<OperationPort> port, const Callee& callee);
std::unique_ptr<Evaluator> hosted(PortHandle<EvaluatorPort> port, const Callee& callee);
std::unique_ptr<Logger> hosted(PortHandle<LoggerPort> port, const Callee& callee);

}  // namespace gptcore
