// How the core calls a plugin's object: the same methods, but nothing is thrown. The implementations below are compiled
// into the plugin, so an exception never leaves the library it was thrown in. Authors do not use this file.
#pragma once

#include <cstdint>
#include <exception>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gptcore/dataset.h"
#include "gptcore/error.h"
#include "gptcore/logger.h"
#include "gptcore/schema.h"
#include "gptcore/tokenizer.h"

namespace gptcore {

struct Status {
  int code = 0;  // 0 = ok, else a Code
  std::string message, hint, where;
};

// Runs f here, in the library this is compiled into, and turns what it throws into a Status.
template <class F> Status guard(F&& f) noexcept {
  try {
    std::forward<F>(f)();
    return {};
  } catch (const Error& e) {
    return {static_cast<int>(e.code()), e.what(), e.hint(), e.where()};
  } catch (const std::exception& e) {
    return {static_cast<int>(Code::plugin_failed), e.what(), {}, {}};
  } catch (...) {
    return {static_cast<int>(Code::plugin_failed), "an exception that is not a std::exception", {}, {}};
  }
}

// Virtual methods are only ever appended.
class Port {
 public:
  virtual ~Port();
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
};

class LoggerPort : public Port {
 public:
  virtual Status open(const LoggerContext& context) noexcept = 0;
  virtual Status record(const Record& record) noexcept = 0;
  virtual Status close() noexcept = 0;
  virtual Status sink(std::string& out) const noexcept = 0;
};

// Kinds whose interface is still a draft: registered, listed and checked, not yet called across the boundary.
class DraftPort : public Port {};

namespace detail {

template <class T> class TokenizerPortOf final : public TokenizerPort {
 public:
  explicit TokenizerPortOf(T item) : item_(std::move(item)) {}
  Status open(Host& host) noexcept override {
    return guard([&] { item_.open(host); });
  }
  Status ready(bool& out) const noexcept override {
    return guard([&] { out = item_.ready(); });
  }
  Status learn(std::string_view corpus) noexcept override {
    return guard([&] { item_.learn(corpus); });
  }
  Status save(std::string& out) const noexcept override {
    return guard([&] { out = item_.save(); });
  }
  Status load(std::string_view saved) noexcept override {
    return guard([&] { item_.load(saved); });
  }
  Status vocab_size(int64_t& out) const noexcept override {
    return guard([&] { out = item_.vocab_size(); });
  }
  Status encode(std::string_view text, std::vector<int32_t>& out) const noexcept override {
    return guard([&] { out = item_.encode(text); });
  }
  Status decode(std::span<const int32_t> ids, std::string& out) const noexcept override {
    return guard([&] { out = item_.decode(ids); });
  }
  Status special(std::string_view name, std::optional<int32_t>& out) const noexcept override {
    return guard([&] { out = item_.special(name); });
  }

 private:
  T item_;
};

template <class T> class DatasetPortOf final : public DatasetPort {
 public:
  explicit DatasetPortOf(T item) : item_(std::move(item)) {}
  Status open(const DatasetContext& context) noexcept override {
    return guard([&] { item_.open(context); });
  }
  Status vocab_size(int64_t& out) const noexcept override {
    return guard([&] { out = item_.vocab_size(); });
  }
  Status tokens(Split split, int64_t& out) const noexcept override {
    return guard([&] { out = item_.tokens(split); });
  }
  Status windows(Split split, int64_t& out) const noexcept override {
    return guard([&] { out = item_.windows(split); });
  }
  Status batch(const BatchRequest& request, Batch& out) noexcept override {
    return guard([&] { item_.batch(request, out); });
  }
  Status fingerprint(std::string& out) const noexcept override {
    return guard([&] { out = item_.fingerprint(); });
  }

 private:
  T item_;
};

template <class T> class LoggerPortOf final : public LoggerPort {
 public:
  explicit LoggerPortOf(T item) : item_(std::move(item)) {}
  Status open(const LoggerContext& context) noexcept override {
    return guard([&] { item_.open(context); });
  }
  Status record(const Record& record) noexcept override {
    return guard([&] { item_.record(record); });
  }
  Status close() noexcept override {
    return guard([&] { item_.close(); });
  }
  Status sink(std::string& out) const noexcept override {
    return guard([&] { out = item_.sink(); });
  }

 private:
  T item_;
};

template <class T> class DraftPortOf final : public DraftPort {
 public:
  explicit DraftPortOf(T item) : item_(std::move(item)) {}

 private:
  T item_;
};

}  // namespace detail
}  // namespace gptcore
