// Makes one plugin's objects, each opened as a run opens it, and the objects that they need.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/base/log.h"
#include "core/plugin/loader.h"
#include "core/plugin/program_host.h"
#include "gptcore/testing.h"
#include "testkit/scratch_folder.h"

namespace gptcore {

// It must outlive the objects that it makes. `values` are complete and have been checked against the item's schema.
class TinyWorld {
 public:
  // Loads the plugin and the built-in plugins that its objects need. Throws Error.
  explicit TinyWorld(const std::string& file);

  // Returns a tokenizer that has learned the tiny text.
  std::unique_ptr<Tokenizer> tokenizer(const std::string& name, const Table& values);
  // Returns an opened tokenizer, not yet ready when it must learn.
  std::unique_ptr<Tokenizer> new_tokenizer(const std::string& name, const Table& values);
  std::unique_ptr<Dataset> dataset(const std::string& name, const Table& values, int64_t vocab_limit = 0);
  std::unique_ptr<Model> model(const std::string& name, const Table& values);
  // Returns an adapter on a linear of 16 inputs and 48 outputs, or on an embedding of 32 rows; its parameters have their
  // starting values.
  std::unique_ptr<Adapter> adapter(const std::string& name, const Table& values, LayerKind kind = LayerKind::linear);
  std::unique_ptr<Operation> operation(const std::string& name, const Table& values, int64_t rank = 0, int64_t ranks = 1);
  std::unique_ptr<Evaluator> evaluator(const std::string& name, const Table& values, int64_t rank = 0, int64_t ranks = 1);
  std::unique_ptr<Logger> logger(const std::string& name, const Table& values);

  const PluginSet& plugins() const { return plugins_; }
  const std::filesystem::path& folder() const { return folder_.path(); }
  testing::TinyModel& model() { return model_; }

 private:
  // Returns a tokenizer for one dataset, which may teach it.
  Tokenizer& fresh_tokenizer();

  ScratchFolder folder_;
  Log log_{Level::warning};
  ProgramHost host_{log_};
  PluginSet plugins_;
  testing::TinyModel model_;
  std::unique_ptr<Tokenizer> text_tokenizer_;  // the built-in one, which evaluators get
  std::vector<std::unique_ptr<Tokenizer>> lent_;
};

}  // namespace gptcore
