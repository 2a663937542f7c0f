#include "core/plugin/hosted.h"

#include <utility>

namespace gptcore {
namespace {

template <class PortType> class Hosted {
 public:
  Hosted(PortHandle<PortType> port, Callee callee) : port_(std::move(port)), callee_(std::move(callee)) {}

 protected:
  template <class... Parameters, class... Arguments>
  void call(const char* method, Status (PortType::*function)(Parameters...) noexcept, Arguments&&... arguments) {
    raise((port_.get()->*function)(std::forward<Arguments>(arguments)...), callee_, method);
  }
  // A call of a const method whose last parameter is its result.
  template <class Out, class... Parameters, class... Arguments>
  Out ask(const char* method, Status (PortType::*function)(Parameters...) const noexcept, Arguments&&... arguments) const {
    Out out{};
    raise((port_.get()->*function)(std::forward<Arguments>(arguments)..., out), callee_, method);
    return out;
  }

 private:
  PortHandle<PortType> port_;
  Callee callee_;
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
};

class HostedLogger final : public Logger, Hosted<LoggerPort> {
 public:
  using Hosted::Hosted;
  void open(const LoggerContext& context) override { call("open", &LoggerPort::open, context); }
  void record(const Record& record) override { call("record", &LoggerPort::record, record); }
  std::string sink() const override { return ask<std::string>("sink", &LoggerPort::sink); }
  void close() override { call("close", &LoggerPort::close); }
};

}  // namespace

void raise(const Status& status, const Callee& callee, const char* method) {
  if (status.code == 0) return;
  const Code code = static_cast<Code>(status.code);
  if (code != Code::plugin_failed) throw Error(code, status.message, status.hint, status.where);
  // LibTorch's exceptions carry a stack trace behind their message.
  const std::string text = status.message.substr(0, status.message.find("\nException raised from"));
  throw Error(code, "plugin '" + callee.plugin + "', " + callee.kind + " '" + callee.item + "', in " + method + "(): " + text,
              status.hint, status.where);
}

std::unique_ptr<Tokenizer> hosted(PortHandle<TokenizerPort> port, Callee callee) {
  return std::make_unique<HostedTokenizer>(std::move(port), std::move(callee));
}

std::unique_ptr<Dataset> hosted(PortHandle<DatasetPort> port, Callee callee) {
  return std::make_unique<HostedDataset>(std::move(port), std::move(callee));
}

std::unique_ptr<Logger> hosted(PortHandle<LoggerPort> port, Callee callee) {
  return std::make_unique<HostedLogger>(std::move(port), std::move(callee));
}

}  // namespace gptcore
