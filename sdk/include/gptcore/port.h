// The interfaces through which the core calls a plugin's objects: the methods of each kind, without exceptions. Their
// implementations (port_of.h) are compiled into the plugin, so that an exception never leaves its library. Authors do not use
// this file.
#pragma once

#include <cstdint>
#include <exception>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gptcore/adapter.h"
#include "gptcore/dataset.h"
#include "gptcore/error.h"
#include "gptcore/evaluator.h"
#include "gptcore/logger.h"
#include "gptcore/model.h"
#include "gptcore/operation.h"
#include "gptcore/schema.h"
#include "gptcore/tokenizer.h"

namespace gptcore {

struct Status {
  int code = 0;  // 0 = ok, else a Code
  std::string message, hint, where;
};

Status failure(const Error& error);
Status failure(const char* message);  // Code::plugin_failed
// Throws the Error that a failed status stands for; does nothing when `status` is ok.
void throw_if_failed(const Status& status);

// Runs f and turns an exception into a Status, within the library that this template is compiled into.
template <class F> Status guard(F&& f) noexcept {
  try {
    std::forward<F>(f)();
    return {};
  } catch (const Error& e) {
    return failure(e);
  } catch (const std::exception& e) {
    return failure(e.what());
  } catch (...) {
    return failure("an exception that is not a std::exception");
  }
}

// Virtual methods are only ever appended.
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
  // The caller owns the second port and deletes it.
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

}  // namespace gptcore
