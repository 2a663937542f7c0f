#include "core/data/corpus/inspection.h"

#include <algorithm>

#include "core/data/corpus/id_width.h"
#include "core/data/corpus/source_files.h"
#include "gptcore/error.h"

namespace gptcore {
namespace {

namespace fs = std::filesystem;

TokenFormat format_by_name(const fs::path& file) {
  return file.extension() == ".npy" ? TokenFormat::npy : TokenFormat::any;
}

}  // namespace

TokenFolder open_tokens(const fs::path& path, int64_t raw_width) {
  TokenFolder out;
  if (fs::exists(path / kCorpusManifestFile)) {
    out.manifest = read_manifest(path / kCorpusManifestFile);
    for (const auto& shards : out.manifest->splits)
      for (const ShardInfo& shard : shards)
        out.files.emplace_back(path / shard.name, format_by_name(shard.name), out.manifest->shards.width);
    return out;
  }
  if (fs::exists(path / kCorpusProgressFile))
    throw Error(Code::data_missing, "the preparation of this folder has not finished",
                "run the same gptcore prepare again: it continues where it stopped", path.string());
  const TokenNotes notes = raw_width > 0 ? TokenNotes() : token_notes(fs::is_directory(path) ? path : path.parent_path());
  const int64_t width = raw_width > 0 ? raw_width : notes.id_width() > 0 ? notes.id_width() : notes.vocab_size > 65536 ? 4 : 2;
  for (const std::string& file : data_files({path.string()}, {".bin", ".npy"})) {
    TokenFile& opened = out.files.emplace_back(file, format_by_name(file), width);
    if (raw_width == 0 && notes.id_width() == 0 && opened.layout().start == 0) refuse_half_words(opened, "--dtype=");
  }
  return out;
}

std::string description_of(const TokenFile& file) {
  const TokenLayout& layout = file.layout();
  const char* const format = layout.start == 0 ? "raw" : fs::path(file.path()).extension() == ".npy" ? "numpy" : "llm.c";
  return std::string(format) + (layout.width == 2 ? ", uint16" : ", uint32");
}

int64_t largest_id(TokenFolder& folder, const std::function<void(int64_t done, int64_t total)>& progress) {
  if (folder.manifest && !folder.files.empty()) {
    verify_shards(fs::path(folder.files.front().path()).parent_path(), *folder.manifest, progress);
    return folder.manifest->max_id();
  }
  constexpr int64_t kPiece = 1 << 18;
  int64_t done = 0, total = 0;
  for (const TokenFile& file : folder.files) total += file.tokens();
  uint32_t most = 0;
  std::vector<uint32_t> piece;
  for (TokenFile& file : folder.files) {
    for (int64_t at = 0; at < file.tokens(); at += kPiece) {
      piece.resize(static_cast<size_t>(std::min(kPiece, file.tokens() - at)));
      file.read(at, piece);
      most = std::max(most, *std::max_element(piece.begin(), piece.end()));
      done += static_cast<int64_t>(piece.size());
      progress(done, total);
    }
    file.close();
  }
  return most;
}

}  // namespace gptcore
