#include "core/data/corpus/id_width.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

#include "core/base/file_system.h"
#include "gptcore/error.h"

namespace gptcore {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kLargestMeta = uint64_t{1} << 20;
constexpr int64_t kMostIds = 2147483647;
constexpr int64_t kPieces = 64, kPiece = 4096;  // ids looked at

void read_meta(const fs::path& path, TokenNotes& out) {
  const auto refuse = [&](const std::string& why) {
    throw Error(Code::data_corrupt, why, R"(write {"vocab_size": N, "dtype": "uint16"}, or "uint32" where N is above 65536)",
                path.string());
  };
  out.meta_file = path.string();
  const auto meta = nlohmann::json::parse(read_text(*posix_file_system(), path, kLargestMeta), nullptr, false);
  const auto size = meta.is_object() ? meta.find("vocab_size") : meta.end();
  if (!meta.is_object() || size == meta.end() || !size->is_number_integer() || *size < 1 || *size > kMostIds)
    refuse("does not hold a vocab_size from 1 to " + std::to_string(kMostIds));
  out.vocab_size = size->get<int64_t>();
  const auto type = meta.find("dtype");
  if (type == meta.end()) return;
  out.width = type->is_string() ? width_of(type->get<std::string>()) : 0;
  if (out.width == 0) refuse("holds the dtype " + type->dump() + ", which is neither \"uint16\" nor \"uint32\"");
}

// Calls visit(ids) with pieces spread evenly over the file, each from an even place on.
template <class Visit> void look_at(TokenFile& file, Visit&& visit) {
  const int64_t step = std::max(kPiece, file.tokens() / kPieces / 2 * 2);
  std::vector<uint32_t> ids;
  for (int64_t at = 0; at < file.tokens(); at += step) {
    ids.resize(static_cast<size_t>(std::min(kPiece, file.tokens() - at)));
    file.read(at, ids);
    visit(ids);
  }
  file.close();
}

}  // namespace

std::string TokenNotes::width_file(const fs::path& folder) const {
  return width > 0 ? meta_file : manifest ? (folder / kCorpusManifestFile).string() : "";
}

TokenNotes token_notes(const fs::path& folder) {
  TokenNotes out;
  if (const fs::path meta = folder / kTokenMetaFile; fs::exists(meta)) read_meta(meta, out);
  const fs::path manifest = folder / kCorpusManifestFile;
  if (const ManifestKind kind = manifest_kind(manifest); kind == ManifestKind::ours || kind == ManifestKind::unreadable)
    out.manifest = read_manifest(manifest);
  if (out.width > 0 && out.manifest && out.width != out.manifest->shards.width)
    throw Error(Code::data_corrupt,
                std::string("says ") + dtype_of(out.width) + ", " + kCorpusManifestFile + " beside it says " +
                    dtype_of(out.manifest->shards.width),
                "remove the one that is wrong", out.meta_file);
  return out;
}

std::string token_meta(int64_t vocab_size, int64_t width) {
  return "{\"vocab_size\": " + std::to_string(vocab_size) + ", \"dtype\": \"" + dtype_of(width) + "\"}\n";
}

const char* dtype_of(int64_t width) {
  return width == 2 ? "uint16" : "uint32";
}

int64_t width_of(const std::string& dtype) {
  return dtype == "uint16" ? 2 : dtype == "uint32" ? 4 : 0;
}

void refuse_half_words(TokenFile& file, const std::string& key) {
  constexpr uint32_t kMostUpper = 31, kLeastLower = 4096;  // vocabularies have less than 2^21 ids
  constexpr int64_t kFewest = 64;
  uint32_t lower = 0, upper = 0;
  if (file.layout().width != 2 || file.tokens() < kFewest || file.tokens() % 2 != 0) return;
  look_at(file, [&](const std::vector<uint32_t>& ids) {
    for (size_t i = 0; i + 1 < ids.size(); i += 2) {
      lower = std::max(lower, ids[i]);
      upper = std::max(upper, ids[i + 1]);
    }
  });
  if (upper > kMostUpper || lower <= (upper == 0 ? 0 : kLeastLower)) return;
  throw Error(Code::data_corrupt,
              "read as uint16, each second id is " + (upper == 0 ? "0" : "at most " + std::to_string(upper)) +
                  ": the file seems to hold uint32, and has no header that tells",
              "write " + key + "\"uint32\", or " + key + "\"uint16\" if the ids are so", file.path());
}

void refuse_joined_words(TokenFile& file, int64_t vocab_size, const std::string& key) {
  if (file.layout().width != 4) return;
  uint32_t most = 0;
  look_at(file, [&](const std::vector<uint32_t>& ids) { most = std::max(most, *std::max_element(ids.begin(), ids.end())); });
  if (most < vocab_size) return;
  throw Error(Code::token_out_of_range,
              "read as uint32, as a vocabulary of " + std::to_string(vocab_size) + " ids needs, the file holds the id " +
                  std::to_string(most) + ", which is not below that",
              "write " + key + "\"uint16\" if its ids are so, and the size of their vocabulary", file.path());
}

void require_listed_size(const TokenFile& file, const CorpusManifest& manifest) {
  const fs::path path = file.path();
  for (const auto& shards : manifest.splits)
    for (const ShardInfo& shard : shards)
      if (shard.name == path.filename() && shard.tokens != file.tokens())
        throw Error(Code::data_corrupt,
                    "the file holds " + std::to_string(file.tokens()) + " ids, " + kCorpusManifestFile + " says " +
                        std::to_string(shard.tokens),
                    repair_hint(path.parent_path()), path.string());
}

}  // namespace gptcore
