// gptcore prepare: writes a pipeline's dataset as files of tokens.
#include "core/pipeline/prepare.h"

#include <cstdio>
#include <nlohmann/json.hpp>

#include "apps/engine/verbs.h"
#include "core/base/file_system.h"
#include "core/train/stop_signals.h"

namespace gptcore {

int prepare_verb(const PrepareRequest& request) {
  Session session(request.config.run.as<RunOptions>(), request.plugin_files);
  const auto files = posix_file_system();
  session.open_tokenizer(request.config, *files, nullptr);
  const StopSignals signals;
  const auto made = prepare_data(request.config, session, request.options, [&] { return signals.received() != 0; });
  if (!made) {
    session.host.log(Level::info, "stopped; the same command goes on where it stood");
    return StopSignals::exit_code_of(signals.received());
  }
  const std::filesystem::path folder = prepared_folder(request.options, request.config.run.as<RunOptions>());
  if (request.json) {
    using Json = nlohmann::ordered_json;
    const Json object = {{"folder", folder.string()}, {"manifest", Json::parse(made->to_json())}};
    std::printf("%s\n", object.dump(2, ' ', false, Json::error_handler_t::replace).c_str());
  } else {
    std::printf("%s\n", summary_of(folder, *made).c_str());
  }
  return 0;
}

}  // namespace gptcore
