#include "core/data/corpus/prepare.h"

#include <atomic>
#include <map>
#include <thread>

#include "core/data/corpus/line_reader.h"
#include "gptcore/error.h"
#include "tests/unit/base/temp_folder.h"

#include "tests/catch.h"

using namespace gptcore;
using Catch::Matchers::Contains;

namespace {

struct QuietHost final : Host {
  void log(Level, std::string_view text) override { said += std::string(text) + "\n"; }
  void progress(std::string_view, int64_t done, int64_t total, std::string_view) override { ended = done == total; }
  std::string fetch(std::string_view, std::string_view) override { return {}; }
  std::string said;
  bool ended = false;
};

// 3,000 lines of varying length; those that begin with a digit below 2 are for validation.
struct Corpus : TempFolder {
  Corpus() {
    for (int f = 0; f < 2; ++f) {
      std::string text;
      for (int i = 0; i < 1500; ++i) text += std::to_string(i % 10) + std::string(static_cast<size_t>(i * 7 % 331), 'a') + "\n";
      write_raw(path / ("in" + std::to_string(f)), text);
    }
    std::filesystem::create_directory(path / "out");
  }
  PrepareJob job(const std::string& out, int64_t threads = 1) {
    PrepareJob j;
    for (const char* name : {"in0", "in1"}) j.inputs.push_back({(path / name).string(), {}});
    j.folder = path / out;
    j.label = "test";
    j.manifest.key = corpus_key(j.inputs, "test");
    j.manifest.shards.tokens_per_shard = 50'000;
    j.manifest.vocab_size = 256;
    j.threads = threads;
    j.host = &host;
    j.open = [](const std::string& file) { return std::make_unique<LineReader>(file); };
    j.encode = [this](std::string_view line, std::optional<Split>, const bool(&wanted)[2]) {
      EncodedDocument d;
      d.split = line[0] < '2' ? Split::val : Split::train;
      if (!wanted[static_cast<size_t>(d.split)]) return d;
      ++tokenized;
      for (const char c : line) d.ids.push_back(static_cast<unsigned char>(c));
      return d;
    };
    return j;
  }
  std::map<std::string, std::string> files(const std::string& out) const {
    std::map<std::string, std::string> all;
    for (const auto& entry : std::filesystem::directory_iterator(path / out))
      if (entry.path().filename() != "lock") all[entry.path().filename().string()] = read_raw(entry.path());
    return all;
  }
  QuietHost host;
  std::atomic<int> tokenized = 0;
};

Error error_of(const PrepareJob& job) {
  try {
    prepare_corpus(job);
  } catch (const Error& e) {
    return e;
  }
  throw std::logic_error("nothing was thrown");
}

}  // namespace

TEST_CASE("the number of threads changes nothing in what is written") {
  Corpus c;
  const auto made = prepare_corpus(c.job("a", 1));
  REQUIRE(made);
  CHECK(c.host.ended);
  CHECK(made->documents(Split::train) == 2400);
  CHECK(made->documents(Split::val) == 600);
  CHECK(made->splits[0].size() > 5);
  prepare_corpus(c.job("b", 2));
  prepare_corpus(c.job("c", 5));
  CHECK(c.files("a").size() == 2 * (made->splits[0].size() + made->splits[1].size()) + 1);
  CHECK(c.files("a") == c.files("b"));
  CHECK(c.files("a") == c.files("c"));
}

TEST_CASE("a preparation that was stopped anywhere goes on and ends with the same bytes") {
  Corpus c;
  prepare_corpus(c.job("whole"));
  const int once = c.tokenized;
  for (const int stop : {1, 700, 1400, 2999}) {
    const std::string out = "stopped" + std::to_string(stop);
    PrepareJob job = c.job(out, 2);
    std::atomic<int> lines = 0;
    job.encode = [&, inner = job.encode](std::string_view line, std::optional<Split> split, const bool(&wanted)[2]) {
      if (++lines > stop) throw Error(Code::io, "stopped", {}, "here");
      return inner(line, split, wanted);
    };
    CHECK(error_of(job).where() == "here");
    CHECK_FALSE(std::filesystem::exists(c.path / out / kCorpusManifestFile));
    c.tokenized = 0;
    REQUIRE(prepare_corpus(c.job(out, 3)));
    CHECK(c.tokenized <= once);
    CHECK(c.files(out) == c.files("whole"));
  }
}

TEST_CASE("finished shards are not made again, damaged ones are") {
  Corpus c;
  prepare_corpus(c.job("a"));
  const auto whole = c.files("a");
  const CorpusManifest manifest = read_manifest(c.path / "a" / kCorpusManifestFile);
  const auto interrupt = [&] {
    std::filesystem::rename(c.path / "a" / kCorpusManifestFile, c.path / "a" / kCorpusProgressFile);
  };

  interrupt();
  c.tokenized = 0;
  prepare_corpus(c.job("a"));
  CHECK(c.tokenized == 0);
  CHECK(c.files("a") == whole);

  interrupt();
  std::filesystem::resize_file(c.path / "a" / manifest.splits[0][2].name, 77);
  c.host.said.clear();
  prepare_corpus(c.job("a"));
  CHECK(c.tokenized > 0);
  CHECK_THAT(c.host.said, Contains(manifest.splits[0][2].name) && Contains("it is made again"));
  CHECK(c.files("a") == whole);
}

TEST_CASE("a complete folder that was damaged since is made whole by the same preparation") {
  Corpus c;
  prepare_corpus(c.job("a"));
  const auto whole = c.files("a");
  const CorpusManifest manifest = read_manifest(c.path / "a" / kCorpusManifestFile);
  const auto shard = c.path / "a" / manifest.splits[0][2].name;
  auto list = shard;
  list.replace_extension(".docs");
  const auto repaired = [&](const std::string& named) {
    c.host.said.clear();
    REQUIRE(prepare_corpus(c.job("a")));
    CHECK_THAT(c.host.said, Contains(named));
    CHECK(c.files("a") == whole);
  };
  std::filesystem::resize_file(shard, 77);
  repaired(shard.filename());
  std::filesystem::remove(shard);
  repaired(shard.filename());
  std::filesystem::resize_file(list, 8);
  repaired(list.filename());
  std::filesystem::remove(c.path / "a" / manifest.splits[1].back().name);
  repaired(manifest.splits[1].back().name);
  const std::string text = read_raw(c.path / "a" / kCorpusManifestFile);
  for (const std::string& cut : {text.substr(0, text.size() / 2), std::string(), std::string(600, '\0')}) {
    write_raw(c.path / "a" / kCorpusManifestFile, cut);
    repaired(kCorpusManifestFile);
  }

  // Damage that leaves sizes as they are is found by reading everything.
  std::string bytes = read_raw(shard);
  bytes[9] ^= 1;
  write_raw(shard, bytes);
  PrepareJob thorough = c.job("a");
  thorough.verify = true;
  c.host.said.clear();
  REQUIRE(prepare_corpus(thorough));
  CHECK_THAT(c.host.said, Contains(shard.filename()) && Contains("it is made again"));
  CHECK(c.files("a") == whole);
}

TEST_CASE("a manifest.json that is not ours is left alone") {
  Corpus c;
  for (const char* theirs : {R"({"name": "an app"})", "[1]"}) {
    write_raw(c.path / "out" / kCorpusManifestFile, theirs);
    CHECK(error_of(c.job("out")).code() == Code::run_exists);
    CHECK(read_raw(c.path / "out" / kCorpusManifestFile) == theirs);
  }
}

TEST_CASE("a preparation that a bad record ended goes on when the record is mended, not with other options") {
  Corpus c;
  const auto picky = [&](const std::string& out) {
    PrepareJob job = c.job(out);
    job.encode = [inner = job.encode](std::string_view line, std::optional<Split> split, const bool(&wanted)[2]) {
      if (line.find('!') != line.npos) throw Error(Code::data_corrupt, "is bad");
      return inner(line, split, wanted);
    };
    return job;
  };
  const std::string good = read_raw(c.path / "in1");
  write_raw(c.path / "in1", good + "2 bad!\n");
  CHECK(error_of(picky("a")).where() == (c.path / "in1").string() + ":1501");
  PrepareJob other = picky("a");
  other.manifest.options = "other";
  other.manifest.key += "other";
  CHECK(error_of(other).code() == Code::run_exists);
  write_raw(c.path / "in1", good + "2 mended\n");
  REQUIRE(prepare_corpus(picky("a")));
  CHECK_THAT(c.host.said, Contains("in1 was changed"));
  prepare_corpus(c.job("b"));
  CHECK(c.files("a") == c.files("b"));
}

TEST_CASE("a folder is prepared once, and not for anything else") {
  Corpus c;
  prepare_corpus(c.job("a"));
  c.tokenized = 0;
  prepare_corpus(c.job("a"));
  CHECK(c.tokenized == 0);
  PrepareJob other = c.job("a");
  other.manifest.key = "other";
  CHECK(error_of(other).code() == Code::run_exists);
  write_raw(c.path / "out" / "train.bin", "somebody's");
  const Error e = error_of(c.job("out"));
  CHECK(e.code() == Code::run_exists);
  CHECK_THAT(e.what(), Contains("train.bin"));
  CHECK(read_raw(c.path / "out" / "train.bin") == "somebody's");
}

TEST_CASE("a failed line is the first one in order, with its file and number") {
  Corpus c;
  PrepareJob job = c.job("a", 4);
  job.encode = [](std::string_view line, std::optional<Split>, const bool(&)[2]) {
    if (line.size() == 331) throw Error(Code::data_corrupt, "is the longest");
    EncodedDocument d;
    d.ids = {1};
    return d;
  };
  const Error e = error_of(job);
  CHECK(e.where() == (c.path / "in0").string() + ":190");
}

TEST_CASE("nothing is published when it is cancelled or when no document has a token") {
  Corpus c;
  PrepareJob job = c.job("a");
  job.cancelled = [] { return true; };
  CHECK_FALSE(prepare_corpus(job));
  CHECK_FALSE(std::filesystem::exists(c.path / "a" / kCorpusManifestFile));
  PrepareJob empty = c.job("b");
  empty.encode = [](std::string_view, std::optional<Split>, const bool(&)[2]) {
    EncodedDocument d;
    d.empty = true;
    return d;
  };
  CHECK(error_of(empty).code() == Code::data_empty);
}

TEST_CASE("inputs of one name, size and time have the same key only with the same ends") {
  const TempFolder a, b;
  const auto key = [](const TempFolder& folder, const std::string& text) {
    write_raw(folder.path / "in", text);
    std::filesystem::last_write_time(folder.path / "in", std::filesystem::file_time_type{});
    return corpus_key({{(folder.path / "in").string(), {}}}, "x");
  };
  const std::string text(300'000, 'a');
  CHECK(key(a, text) == key(b, text));
  CHECK(key(a, "b" + text.substr(1)) != key(b, text));
  CHECK(key(a, text.substr(1) + "b") != key(b, text));
  CHECK(key(a, "a") != key(b, "b"));
  CHECK(key(a, "") == key(b, ""));
}

TEST_CASE("two preparations of one folder do the work once") {
  Corpus c;
  std::thread second([&] {
    const PrepareJob job = c.job("a");
    prepare_corpus(job);
  });
  prepare_corpus(c.job("a"));
  second.join();
  CHECK(c.tokenized == 3000);
}

TEST_CASE("a manifest is read back as it was written, and refused when it was not") {
  Corpus c;
  prepare_corpus(c.job("a"));
  const auto file = c.path / "a" / kCorpusManifestFile;
  const std::string text = read_raw(file);
  CHECK(read_manifest(file).to_json() == text);
  for (const std::string& bad : {std::string(""), std::string("{}"), std::string("[]"), text.substr(0, text.size() / 2),
                                 std::string(text).replace(text.find("uint16"), 6, "int128"),
                                 std::string(text).replace(text.find("train_000000"), 12, "../../x00000")}) {
    write_raw(file, bad);
    try {
      read_manifest(file);
      FAIL("accepted: " << bad.substr(0, 80));
    } catch (const Error& e) {
      CHECK(e.code() == Code::data_corrupt);
      CHECK(e.where() == file.string());
    }
  }
}

TEST_CASE("verification names the shard that is not as it was written") {
  Corpus c;
  prepare_corpus(c.job("a"));
  const CorpusManifest manifest = read_manifest(c.path / "a" / kCorpusManifestFile);
  int64_t told = 0;
  verify_shards(c.path / "a", manifest, [&](int64_t done, int64_t total) { told = done == total ? total : told; });
  CHECK(told == 2 * (manifest.tokens(Split::train) + manifest.tokens(Split::val)));
  const auto damaged = c.path / "a" / manifest.splits[0][1].name;
  std::string bytes = read_raw(damaged);
  bytes[1234] ^= 1;
  write_raw(damaged, bytes);
  try {
    verify_shards(c.path / "a", manifest, {});
    FAIL("nothing was thrown");
  } catch (const Error& e) {
    CHECK(e.code() == Code::data_corrupt);
    CHECK(e.where() == damaged.string());
  }
}
