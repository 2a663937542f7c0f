#include "apps/engine/engine.h"

#include <c10/util/Exception.h>

#include <exception>
#include <new>
#include <string>

#include "apps/engine/verbs.h"
#include "core/base/json_fault.h"
#include "core/base/log.h"
#include "core/base/message.h"
#include "core/config/config_errors.h"
#include "core/plugin/sudden_end.h"
#include "gptcore/error.h"

namespace gptcore {
namespace {

// Returns the first line: LibTorch's own words end where its stack trace begins.
std::string first_line(std::string text) {
  return text.substr(0, text.find('\n'));
}

// LibTorch's warnings take the form of the program's own.
class WarningsToLog final : public c10::WarningHandler {
 public:
  void process(const c10::Warning& warning) override { Log().write(Level::warning, "LibTorch: " + first_line(warning.msg())); }
};

template <class Request, int (*Verb)(const Request&)> int guarded(const Request& request, std::vector<Error>& errors) noexcept {
  const auto failed = [&](Code code, const std::string& message, const char* hint) {
    errors.emplace_back(code, message, hint);
  };
  const char* const smaller = "use a smaller batch_size or model";
  report_sudden_ends();
  try {
    return Verb(request);
  } catch (const ConfigErrors& found) {
    errors = found.errors();
  } catch (const Error& error) {
    errors.push_back(error);
  } catch (const std::bad_alloc&) {
    failed(Code::out_of_memory, "no memory left", smaller);
  } catch (const c10::OutOfMemoryError& error) {
    failed(Code::out_of_memory, first_line(error.what_without_backtrace()), smaller);
  } catch (const c10::Error& error) {
    failed(Code::internal, first_line(error.what_without_backtrace()), kBugHint);
  } catch (const std::exception& error) {
    failed(Code::internal, json_fault(error.what()), kBugHint);
  }
  return exit_code(errors.front().code());
}

}  // namespace
}  // namespace gptcore

extern "C" __attribute__((visibility("default"))) const gptcore::EngineTable* gptcore_engine() {
  using namespace gptcore;
  static WarningsToLog warnings;
  c10::WarningUtils::set_warning_handler(&warnings);
  static const EngineTable table = {guarded<RunRequest, run_verb>,
                                    guarded<SampleRequest, sample_verb>,
                                    guarded<SummaryRequest, summary_verb>,
                                    guarded<BenchRequest, bench_verb>,
                                    guarded<ConformanceRequest, test_verb>,
                                    guarded<PlanRequest, plan_verb>,
                                    guarded<TokenizeRequest, tokenize_verb>,
                                    guarded<PrepareRequest, prepare_verb>,
                                    guarded<DataSampleRequest, data_sample_verb>,
                                    guarded<ExportRequest, export_verb>,
                                    guarded<ImportRequest, import_verb>,
                                    guarded<CheckRequest, check_verb>};
  return &table;
}
