#include "apps/engine/engine.h"

#include <c10/util/Exception.h>

#include <cstdio>
#include <exception>
#include <new>
#include <string>

#include "apps/engine/verbs.h"
#include "core/config/config_errors.h"
#include "gptcore/error.h"

namespace gptcore {
namespace {

int report(const Error& error) {
  std::fprintf(stderr, "%s\n", error.line().c_str());
  return exit_code(error.code());
}

// LibTorch's own words end where its stack trace begins.
std::string first_line(std::string text) {
  return text.substr(0, text.find('\n'));
}

template <class Request, int (*Verb)(const Request&)> int guarded(const Request& request) noexcept {
  try {
    return Verb(request);
  } catch (const ConfigErrors& errors) {
    for (const Error& error : errors.errors()) report(error);
    return exit_code(Code::unknown_key);
  } catch (const Error& error) {
    return report(error);
  } catch (const std::bad_alloc&) {
    return report(Error(Code::out_of_memory, "no memory left", "use a smaller batch_size or model"));
  } catch (const c10::OutOfMemoryError& error) {
    return report(Error(Code::out_of_memory, first_line(error.what_without_backtrace()), "use a smaller batch_size or model"));
  } catch (const c10::Error& error) {
    return report(
        Error(Code::internal, first_line(error.what_without_backtrace()), "please report this with the command you ran"));
  } catch (const std::exception& error) {
    return report(Error(Code::internal, error.what(), "please report this with the command you ran"));
  }
}

}  // namespace
}  // namespace gptcore

extern "C" __attribute__((visibility("default"))) const gptcore::EngineTable* gptcore_engine() {
  using namespace gptcore;
  static const EngineTable table = {guarded<RunRequest, run_verb>,          guarded<SampleRequest, sample_verb>,
                                    guarded<SummaryRequest, summary_verb>,  guarded<BenchRequest, bench_verb>,
                                    guarded<ConformanceRequest, test_verb>, guarded<PlanRequest, plan_verb>};
  return &table;
}
