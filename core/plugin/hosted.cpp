#include "core/plugin/hosted.h"

#include <utility>

#include "core/plugin/hosted_extensions.h"

namespace gptcore {
namespace {

template <class PortType> class Hosted {
 public:
  Hosted(PortHandle<PortType> port, const Callee& callee) : port_(std::move(port)), callee_(callee) {}

 protected:
  ~Hosted() {
    const Breadcrumb inside(callee_, "destroy");
    port_.reset();
  }
  template <class... Parameters, class... Arguments>
  void call(const char* method, Status (PortType::*function)(Parameters...) noexcept, Arguments&&... arguments) {
    const Breadcrumb inside(callee_, method);
    raise((port_.get()->*function)(std::forward<Arguments>(arguments)...), callee_, method);
  }
  // Calls a method whose last parameter is its result.
  template <class Out, class... Parameters, class... Arguments>
  Out ask(const char* method, Status (PortType::*function)(Parameters...) const noexcept, Arguments&&... arguments) const {
    const Breadcrumb inside(callee_, method);
    Out out{};
    raise((port_.get()->*function)(std::forward<Arguments>(arguments)..., out), callee_, method);
    return out;
  }
  template <class Out, class... Parameters, class... Arguments>
  Out ask(const char* method, Status (PortType::*function)(Parameters...) noexcept, Arguments&&... arguments) {
    const Breadcrumb inside(callee_, method);
    Out out{};
    raise((port_.get()->*function)(std::forward<Arguments>(arguments)..., out), callee_, method);
    return out;
  }
  void* extend(std::string_view id) {
    const Breadcrumb inside(callee_, "extension");
    return extensions_.marked(id, port_->extension(id), callee_);
  }

  PortHandle<PortType> port_;
  const Callee& callee_;
  HostedExtensions extensions_;
};

class HostedTokenizer final : public Tokenizer, Hosted<TokenizerPort> {
 public:
  using Hosted::Hosted;
  void open(Host& host) override { call("open", &TokenizerPort::open, host); }
  bool ready() const override { return ask<bool>("ready", &TokenizerPort::ready); }
  void learn(std::string_view corpus) override { call("learn", &TokenizerPort::learn, corpus); }
  std::string save() const override { return ask<std::string>("save", &TokenizerPort::save); }
  void load(std::string_view saved) override { call("load", &TokenizerPort::load, saved); }
  int64_t vocab_size() const override { return ask<int64_t>("vocab_size", &TokenizerPort::vocab_size); }
  std::vector<int32_t> encode(std::string_view text) const override {
    return ask<std::vector<int32_t>>("encode", &TokenizerPort::encode, text);
  }
  std::string decode(std::span<const int32_t> ids) const override {
    return ask<std::string>("decode", &TokenizerPort::decode, ids);
  }
  std::optional<int32_t> special(std::string_view name) const override {
    return ask<std::optional<int32_t>>("special", &TokenizerPort::special, name);
  }
  void* extension(std::string_view id) override { return extend(id); }
};

class HostedDataset final : public Dataset, Hosted<DatasetPort> {
 public:
  using Hosted::Hosted;
  void open(const DatasetContext& context) override { call("open", &DatasetPort::open, context); }
  int64_t vocab_size() const override { return ask<int64_t>("vocab_size", &DatasetPort::vocab_size); }
  int64_t tokens(Split split) const override { return ask<int64_t>("tokens", &DatasetPort::tokens, split); }
  int64_t windows(Split split) const override { return ask<int64_t>("windows", &DatasetPort::windows, split); }
  void batch(const BatchRequest& request, Batch& out) override { call("batch", &DatasetPort::batch, request, out); }
  std::string fingerprint() const override { return ask<std::string>("fingerprint", &DatasetPort::fingerprint); }
  std::string save() const override { return ask<std::string>("save", &DatasetPort::save); }
  void load(std::string_view saved) override { call("load", &DatasetPort::load, saved); }
  void set(std::string_view key, const Value& value) override { call("set", &DatasetPort::set, key, value); }
  void* extension(std::string_view id) override { return extend(id); }
};

class HostedModel final : public Model, Hosted<ModelPort> {
 public:
  using Hosted::Hosted;
  void open(const ModelContext& context) override { call("open", &ModelPort::open, context); }
  void place(at::Device device, at::ScalarType compute) override { call("place", &ModelPort::place, device, compute); }
  std::vector<Parameter> parameters() override { return ask<std::vector<Parameter>>("parameters", &ModelPort::parameters); }
  int64_t block_size() const override { return ask<int64_t>("block_size", &ModelPort::block_size); }
  int64_t vocab_size() const override { return ask<int64_t>("vocab_size", &ModelPort::vocab_size); }
  at::Tensor logits(const at::Tensor& ids) override { return ask<at::Tensor>("logits", &ModelPort::logits, ids); }
  at::Tensor loss(const at::Tensor& ids, const at::Tensor& targets) override {
    return ask<at::Tensor>("loss", &ModelPort::loss, ids, targets);
  }
  std::unique_ptr<Model> share() override {
    ModelPort* second = ask<ModelPort*>("share", &ModelPort::share);
    if (!second) return nullptr;
    return std::make_unique<HostedModel>(PortHandle<ModelPort>(second, port_.get_deleter()), callee_);
  }
  void train(bool on) override { call("train", &ModelPort::train, on); }
  double flops_per_token() const override { return ask<double>("flops_per_token", &ModelPort::flops_per_token); }
  std::vector<Layer> layers() override { return ask<std::vector<Layer>>("layers", &ModelPort::layers); }
  void set_adapter(const std::string& path, std::shared_ptr<Adapter> adapter) override {
    call("set_adapter", &ModelPort::set_adapter, path, std::move(adapter));
  }
  void* extension(std::string_view id) override { return extend(id); }
};

class HostedAdapter final : public Adapter, Hosted<AdapterPort> {
 public:
  using Hosted::Hosted;
  void open(const AdapterContext& context) override { call("open", &AdapterPort::open, context); }
  std::vector<Parameter> parameters() override { return ask<std::vector<Parameter>>("parameters", &AdapterPort::parameters); }
  at::Tensor forward(const at::Tensor& input) override { return ask<at::Tensor>("forward", &AdapterPort::forward, input); }
  at::Tensor delta() override { return ask<at::Tensor>("delta", &AdapterPort::delta); }
  void take(const at::Tensor& delta) override { call("take", &AdapterPort::take, delta); }
  void train(bool on) override { call("train", &AdapterPort::train, on); }
  void* extension(std::string_view id) override { return extend(id); }
};

class HostedOperation final : public Operation, Hosted<OperationPort> {
 public:
  using Hosted::Hosted;
  void open(const OperationContext& context) override { call("open", &OperationPort::open, context); }
  void plan(const TrainingView& now, ModelEdit& edit) override { call("plan", &OperationPort::plan, now, edit); }
  std::string save() const override { return ask<std::string>("save", &OperationPort::save); }
  void load(std::string_view saved) override { call("load", &OperationPort::load, saved); }
  void* extension(std::string_view id) override { return extend(id); }
};

class HostedEvaluator final : public Evaluator, Hosted<EvaluatorPort> {
 public:
  using Hosted::Hosted;
  void open(const EvaluatorContext& context) override { call("open", &EvaluatorPort::open, context); }
  void evaluate(const ModelView& model, Results& results) override {
    call("evaluate", &EvaluatorPort::evaluate, model, results);
  }
  void* extension(std::string_view id) override { return extend(id); }
};

class HostedLogger final : public Logger, Hosted<LoggerPort> {
 public:
  using Hosted::Hosted;
  void open(const LoggerContext& context) override { call("open", &LoggerPort::open, context); }
  void record(const Record& record) override { call("record", &LoggerPort::record, record); }
  std::string sink() const override { return ask<std::string>("sink", &LoggerPort::sink); }
  void close() override { call("close", &LoggerPort::close); }
  void* extension(std::string_view id) override { return extend(id); }
};

}  // namespace

Status named(Status status, const Callee& callee, const char* method) {
  if (static_cast<Code>(status.code) != Code::plugin_failed) return status;
  // LibTorch's exceptions carry a stack trace behind their message.
  const std::string text = status.message.substr(0, status.message.find("\nException raised from"));
  status.message = described({&callee, method}) + ": " + text;
  if (status.where.empty()) status.where = callee.file;
  return status;
}

void raise(const Status& status, const Callee& callee, const char* method) {
  if (status.code != 0) throw_if_failed(named(status, callee, method));
}

std::unique_ptr<Tokenizer> hosted(PortHandle<TokenizerPort> port, const Callee& callee) {
  return std::make_unique<HostedTokenizer>(std::move(port), callee);
}

std::unique_ptr<Dataset> hosted(PortHandle<DatasetPort> port, const Callee& callee) {
  return std::make_unique<HostedDataset>(std::move(port), callee);
}

std::unique_ptr<Model> hosted(PortHandle<ModelPort> port, const Callee& callee) {
  return std::make_unique<HostedModel>(std::move(port), callee);
}

std::unique_ptr<Adapter> hosted(PortHandle<AdapterPort> port, const Callee& callee) {
  return std::make_unique<HostedAdapter>(std::move(port), callee);
}

std::unique_ptr<Operation> hosted(PortHandle<OperationPort> port, const Callee& callee) {
  return std::make_unique<HostedOperation>(std::move(port), callee);
}

std::unique_ptr<Evaluator> hosted(PortHandle<EvaluatorPort> port, const Callee& callee) {
  return std::make_unique<HostedEvaluator>(std::move(port), callee);
}

std::unique_ptr<Logger> hosted(PortHandle<LoggerPort> port, const Callee& callee) {
  return std::make_unique<HostedLogger>(std::move(port), callee);
}

}  // namespace gptcore
