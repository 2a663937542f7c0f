// gptcore data sample: tokens as text.
#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "apps/engine/verbs.h"
#include "core/base/file_system.h"
#include "core/data/corpus/source_files.h"
#include "core/data/corpus/token_file.h"
#include "core/pipeline/session.h"

namespace gptcore {
namespace {

using Json = nlohmann::ordered_json;

std::vector<int32_t> ids_of(const DataSampleRequest& request) {
  std::vector<TokenFile> files;
  for (const std::string& file : request.files)
    files.emplace_back(file, file.ends_with(".npy") ? TokenFormat::npy : TokenFormat::any, request.raw_width);
  TokenSequence tokens(std::move(files));
  if (tokens.tokens() == 0) throw Error(Code::data_empty, "there are no tokens to show", "choose another split by --split");
  if (request.first >= tokens.tokens())
    throw Error(Code::out_of_range,
                "'--at' expects 0.." + std::to_string(tokens.tokens() - 1) + ", got " + std::to_string(request.first),
                "there are " + std::to_string(tokens.tokens()) + " tokens, counted from 0");
  std::vector<uint32_t> ids(static_cast<size_t>(std::min(request.count, tokens.tokens() - request.first)));
  tokens.read(request.first, ids, int64_t{1} << 31, request.flag);
  std::vector<int32_t> out;
  for (const uint32_t id : ids) out.push_back(static_cast<int32_t>(id & ~request.flag));
  return out;
}

// `text` is null where no tokenizer is known.
int print(int64_t first, const std::vector<int32_t>& ids, const Json& text) {
  const Json object = {{"first", first}, {"ids", ids}, {"text", text}};
  std::printf("%s\n", object.dump(-1, ' ', false, Json::error_handler_t::replace).c_str());
  return 0;
}

}  // namespace

int data_sample_verb(const DataSampleRequest& request) {
  const std::vector<int32_t> ids = ids_of(request);
  if (!request.config || !request.config->tokenizer) {
    if (request.json) return print(request.first, ids, nullptr);
    for (const int32_t id : ids) std::printf("%d ", id);
    std::printf("\n");
    return 0;
  }
  Session session(request.config->run.as<RunOptions>(), request.plugin_files);
  const auto files = posix_file_system();
  session.open_tokenizer(*request.config, *files, nullptr);
  if (!request.tokenizer_state.empty()) session.tokenizer->load(read_file(request.tokenizer_state));
  if (!session.tokenizer->ready())
    throw Error(Code::missing_key, "the tokenizer has not learned its vocabulary", "name a prepared folder, which holds it");
  const std::string text = session.tokenizer->decode(ids);
  if (request.json) return print(request.first, ids, text);
  std::printf("%s\n", text.c_str());
  return 0;
}

}  // namespace gptcore
