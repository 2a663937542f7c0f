#include <cstdlib>
#include <filesystem>

#include "built_in.h"
#include "tests/catch.h"
#include "tests/unit/base/gzip.h"

using namespace gptcore;
using Catch::Matchers::Contains;
namespace fs = std::filesystem;

namespace {

// A folder of source-like files.
struct Tree : TempFolder {
  Tree() {
    add("b.txt", "bbbb");
    add("a.cpp", "aaaa");
    add("sub/c.cpp", "cccc");
    add("sub/deep/d.cpp", "dddd");
    add("sub/.hidden/e.cpp", "eeee");
    add("sub/binary.bin", std::string("ffff\0ffffffffff", 15));
  }
  void add(const std::string& name, const std::string& text) const {
    fs::create_directories((path / name).parent_path());
    write_raw(path / name, text);
  }
  std::string at(const std::string& name) const { return (path / name).string(); }
};

Table with_files(List files, double val_fraction = 0) {
  return {{"files", std::move(files)}, {"val_fraction", val_fraction}};
}

// The whole training text, put together again from sequential windows of one token.
std::string content(const Table& values) {
  OpenDataset d("text", values, 1, "byte");
  std::string out(1, static_cast<char>(row_of(*d.dataset, Split::train, Order::sequential, 0).ids[0]));
  for (int64_t i = 0; i < d.dataset->windows(Split::train); ++i)
    out += static_cast<char>(row_of(*d.dataset, Split::train, Order::sequential, i).targets[0]);
  return out;
}

Error open_error(const Table& values, int64_t block_size = 2, const char* tokenizer = "char") {
  return error_of([&] { OpenDataset("text", values, block_size, tokenizer); });
}

}  // namespace

TEST_CASE("files are read in the order given, folders and patterns by path") {
  const Tree tree;
  CHECK(content(with_files({tree.at("b.txt"), tree.at("a.cpp")})) == "bbbbaaaa");
  CHECK(content(with_files({tree.path.string()})) == "aaaabbbbccccdddd");
  CHECK(content(with_files({tree.at("**/*.cpp")})) == "aaaaccccdddd");
  CHECK(content(with_files({tree.at("*/*.cpp")})) == "cccc");
  CHECK(content(with_files({tree.at("sub/**")})) == std::string("ffff\0ffffffffffccccdddd", 23));
  CHECK(content(with_files({tree.at("s?b/[cd].cpp")})) == "cccc");
  CHECK(content(with_files({tree.at("b.txt"), tree.path.string()})) == "bbbbaaaaccccdddd");  // each file once
}

TEST_CASE("extensions choose among a folder's files") {
  const Tree tree;
  Table values = with_files({tree.path.string()});
  values.emplace_back("extensions", List{".cpp"});
  CHECK(content(values) == "aaaaccccdddd");
  values.back().second = List{"txt", "bin"};
  CHECK(content(values) == "bbbb");
}

TEST_CASE("a file whose name looks like a pattern is taken as it is") {
  const Tree tree;
  tree.add("x[1].txt", "xxxx");
  CHECK(content(with_files({tree.at("x[1].txt")})) == "xxxx");
}

TEST_CASE("a downloaded text is read like a file, unless files are given") {
  const Tree tree;
  Table both = with_files({tree.at("a.cpp")});
  both.insert(both.end(), {{"url", tree.at("b.txt")}, {"sha256", std::string(64, '0')}});
  CHECK(content(both) == "aaaa");
  CHECK(content({{"url", tree.at("b.txt")}, {"sha256", std::string(64, '0')}, {"val_fraction", 0.0}}) == "bbbb");
}

TEST_CASE("the splits are cut by characters, as nanoGPT does") {
  const Tree tree;
  std::string text;
  for (int i = 0; i < 26; ++i) text += "€" + std::string(1, static_cast<char>('a' + i));  // 52 characters
  tree.add("t.txt", text);
  const OpenDataset chars("text", with_files({tree.at("t.txt")}, 0.1), 2, "char");
  CHECK(chars.dataset->tokens(Split::train) == 46);  // int(52 * 0.9)
  CHECK(chars.dataset->tokens(Split::val) == 6);
  CHECK(chars.tokenizer->vocab_size() == 27);
  const OpenDataset bytes("text", with_files({tree.at("t.txt")}, 0.1), 2, "byte");
  CHECK(bytes.dataset->tokens(Split::train) == 46 / 2 * 4);
  CHECK(bytes.dataset->tokens(Split::val) == 6 / 2 * 4);
}

TEST_CASE("validation windows come from the end of the text") {
  const Tree tree;
  tree.add("t.txt",
           "aaaaaaaaab"
           "bbbbbbbbbc");
  const OpenDataset d("text", with_files({tree.at("t.txt")}, 0.25), 4, "byte");
  const Row row = row_of(*d.dataset, Split::val, Order::sequential, 0);
  CHECK(row.ids == std::vector<int64_t>{'b', 'b', 'b', 'b'});
  CHECK(row.targets == std::vector<int64_t>{'b', 'b', 'b', 'c'});
}

TEST_CASE("tiny Shakespeare has nanoGPT's numbers") {
  const char* source = std::getenv("GPTCORE_SOURCE");
  const std::string path = std::string(source ? source : ".") + "/../shared/data/tinyshakespeare/input.txt";
  if (!fs::exists(path)) {
    WARN("skipped: " << path << " is not there");
    return;
  }
  const OpenDataset d("text", with_files({path}, 0.1), 256, "char");
  CHECK(d.tokenizer->vocab_size() == 65);
  CHECK(d.dataset->tokens(Split::train) == 1003854);
  CHECK(d.dataset->tokens(Split::val) == 111540);
}

TEST_CASE("the fingerprint changes with the text and with the cut, not with the seed") {
  const Tree tree;
  const auto fingerprint = [&](const char* file, double val, uint64_t seed) {
    return OpenDataset("text", with_files({tree.at(file)}, val), 1, "byte", seed).dataset->fingerprint();
  };
  CHECK(fingerprint("a.cpp", 0, 1) == fingerprint("a.cpp", 0, 2));
  CHECK(fingerprint("a.cpp", 0, 1) != fingerprint("b.txt", 0, 1));
  CHECK(fingerprint("a.cpp", 0, 1) != fingerprint("a.cpp", 0.5, 1));
}

TEST_CASE("a tokenizer that was loaded is not taught again") {
  const Tree tree;
  const auto tokenizer = built_in().tokenizer("char", {});
  tokenizer->load(R"({"characters":["a","b","z"]})");
  SilentHost host;
  const auto dataset = built_in().dataset("text", with_files({tree.at("a.cpp")}));
  dataset->open(context_of(tokenizer.get(), 2, 1, host));
  CHECK(tokenizer->vocab_size() == 3);
  const auto other = built_in().dataset("text", with_files({tree.at("sub/c.cpp")}));
  CHECK(error_of([&] { other->open(context_of(tokenizer.get(), 2, 1, host)); }).code() == Code::unknown_character);
}

TEST_CASE("sources that are not there, or hold nothing, are named") {
  const Tree tree;
  tree.add("empty.txt", "");
  fs::create_directories(tree.path / "void");
  const auto check = [](const Error& e, Code code, const std::string& where) {
    CHECK(e.code() == code);
    CHECK(e.where() == where);
    CHECK(!e.hint().empty());
  };
  check(open_error(with_files({tree.at("none.txt")})), Code::data_missing, tree.at("none.txt"));
  check(open_error(with_files({tree.at("*.rs")})), Code::data_missing, tree.at("*.rs"));
  check(open_error(with_files({tree.at("void")})), Code::data_empty, tree.at("void"));
  check(open_error(with_files({tree.at("empty.txt")})), Code::data_empty, tree.at("empty.txt"));
}

TEST_CASE("a text shorter than a window is refused with both numbers") {
  const Tree tree;
  const Error e = open_error(with_files({tree.at("a.cpp")}), 4);
  CHECK(e.code() == Code::data_too_short);
  CHECK_THAT(e.line(), Contains("train split has 4 tokens") && Contains("at least 5") && Contains(tree.at("a.cpp")));
  CHECK_THAT(open_error(with_files({tree.at("a.cpp")}, 0.25), 2).what(), Contains("val split has 1 tokens"));
  CHECK_THAT(open_error(with_files({tree.at("a.cpp")}, 1e-9), 2).what(), Contains("has 1 tokens"));
}

TEST_CASE("without validation the split is empty and asks for nothing") {
  const Tree tree;
  const OpenDataset d("text", with_files({tree.at("a.cpp")}), 3, "byte");
  CHECK(d.dataset->tokens(Split::val) == 0);
  CHECK(d.dataset->windows(Split::val) == 0);
}

TEST_CASE("text that is not UTF-8 is named by file and offset") {
  const Tree tree;
  tree.add("bad.txt", "ok\xff");
  const Error e = open_error(with_files({tree.at("a.cpp"), tree.at("bad.txt")}));
  CHECK(e.code() == Code::data_corrupt);
  CHECK(e.where() == tree.at("bad.txt"));
  CHECK_THAT(e.what(), Contains("offset 2"));
  CHECK_NOTHROW(OpenDataset("text", with_files({tree.at("a.cpp"), tree.at("bad.txt")}), 2, "byte"));
}

TEST_CASE("text without a tokenizer, or with keys that do not fit each other, is refused") {
  const Tree tree;
  CHECK(open_error(with_files({tree.at("a.cpp")}), 2, nullptr).code() == Code::missing_key);
  const std::string sha(64, '0');
  const Table wrong[] = {{}, {{"url", "http://x"}}, {{"files", List{"a"}}, {"sha256", sha}}};
  for (const Table& values : wrong) CHECK(open_error(values).code() == Code::conflict);
}

TEST_CASE("ids that the model has no row for are refused when the text is opened") {
  const Tree tree;
  SilentHost host;
  const auto tokenizer = built_in().tokenizer("byte", {});
  DatasetContext context = context_of(tokenizer.get(), 2, 1, host);
  context.vocab_limit = 'b';
  CHECK_NOTHROW(built_in().dataset("text", with_files({tree.at("a.cpp")}))->open(context));
  const auto dataset = built_in().dataset("text", with_files({tree.at("b.txt")}));
  CHECK(error_of([&] { dataset->open(context); }).code() == Code::token_out_of_range);
}

namespace {

struct Listener final : Host {
  void log(Level, std::string_view text) override { said += std::string(text) + "\n"; }
  void progress(std::string_view, int64_t, int64_t, std::string_view) override {}
  std::string fetch(std::string_view url, std::string_view) override { return std::string(url); }
  std::string said;
};

std::string said_of(const Table& values) {
  Listener host;
  const auto tokenizer = built_in().tokenizer("byte", {});
  built_in().dataset("text", values)->open(context_of(tokenizer.get(), 2, 1, host));
  return host.said;
}

std::string utf16(const std::string& text, bool little) {
  std::string out;
  for (const char c : text) out += little ? std::string{c, '\0'} : std::string{'\0', c};
  return out;
}

}  // namespace

TEST_CASE("what is no text in UTF-8 is refused by file and by what it is") {
  const Tree tree;
  const auto check = [&](const std::string& bytes, const std::string& part, const std::string& advice) {
    tree.add("x.txt", bytes);
    const Error e = open_error(with_files({tree.at("b.txt"), tree.at("x.txt")}), 2, "byte");
    INFO(e.line());
    CHECK(e.code() == Code::data_corrupt);
    CHECK_THAT(e.what(), Contains(part));
    CHECK_THAT(e.hint(), Contains(advice));
    CHECK(e.where() == tree.at("x.txt"));
  };
  const std::string text = "Some lines of text.\nAnd some more of them.\n";
  check("\xff\xfe" + utf16(text, true), "UTF-16", "iconv -f UTF-16 -t UTF-8");
  check("\xfe\xff" + utf16(text, false), "UTF-16", "iconv -f UTF-16 -t UTF-8");
  check(utf16(text, true), "UTF-16", "iconv -f UTF-16LE -t UTF-8");
  check(utf16(text, false), "UTF-16", "iconv -f UTF-16BE -t UTF-8");
  check(std::string("\xff\xfe\0\0", 4) + std::string("a\0\0\0", 4), "UTF-32", "iconv -f UTF-32 -t UTF-8");
  check(text + std::string(600, '\0'), "filled with NUL bytes from offset 43 on", "copy it again");
  check(std::string(600, '\0'), "filled with NUL bytes from offset 0 on", "copy it again");
  check("BZh91AY&SY" + text, "bzip2", "bunzip2");
  check(std::string("\xfd") + "7zXZ" + std::string(1, '\0') + text, "xz", "unxz");
  check("PK\x03\x04" + text, "zip", "unzip");
  check("PAR1" + text, "Parquet", "use = \"parquet\"");
}

TEST_CASE("a text packed by gzip is unpacked and that is told") {
  const Tree tree;
  tree.add("b.txt.gz", gzip("bbbb\n"));
  CHECK(content(with_files({tree.at("b.txt.gz"), tree.at("a.cpp")})) == "bbbb\naaaa");
  CHECK_THAT(said_of(with_files({tree.at("b.txt.gz")})), Contains(tree.at("b.txt.gz") + " is packed; read unpacked"));
  tree.add("b.txt.gz", gzip("bbbb\n").substr(0, 12));
  CHECK(open_error(with_files({tree.at("b.txt.gz")})).code() == Code::data_corrupt);
}

TEST_CASE("bytes that are not UTF-8, and NUL bytes, are told where the tokenizer takes them") {
  const Tree tree;
  tree.add("l.txt", "caf\xe9 and caf\xe9, caf\xe9");
  CHECK_THAT(said_of(with_files({tree.at("a.cpp"), tree.at("l.txt")})),
             Contains(tree.at("l.txt") + ": 3 bytes are not UTF-8, the first at offset 3"));
  tree.add("n.txt", std::string("some text that has one \0 in it", 30));
  CHECK_THAT(said_of(with_files({tree.at("n.txt")})), Contains(tree.at("n.txt") + ": 1 NUL byte, the first at offset 23"));
  CHECK(said_of(with_files({tree.at("a.cpp")})).empty());
}

TEST_CASE("a character that the tokenizer has not learned is named by file and offset") {
  const Tree tree;
  Listener host;
  const auto tokenizer = built_in().tokenizer("char", {});
  tokenizer->learn("ab");
  tree.add("new.txt", "abc");
  const auto d = built_in().dataset("text", with_files({tree.at("b.txt"), tree.at("new.txt")}));
  const Error e = error_of([&] { d->open(context_of(tokenizer.get(), 2, 1, host)); });
  INFO(e.line());
  CHECK(e.code() == Code::unknown_character);
  CHECK(e.where() == tree.at("new.txt"));
  CHECK_THAT(e.what(), Contains("'c' (U+0063) at byte offset 2"));
}
