#include "core/checkpoint/safetensors_header.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <nlohmann/json.hpp>
#include <unordered_set>
#include <utility>

#include "gptcore/error.h"

static_assert(std::endian::native == std::endian::little, "tensor data is written as it lies in memory");

namespace gptcore {
namespace {

struct DtypeFacts {
  std::string_view name;
  uint64_t bytes;
};

// The facts of each dtype, in the order of Dtype.
constexpr std::array<DtypeFacts, 13> kDtypes = {{{"BOOL", 1},
                                                 {"U8", 1},
                                                 {"I8", 1},
                                                 {"I16", 2},
                                                 {"U16", 2},
                                                 {"F16", 2},
                                                 {"BF16", 2},
                                                 {"I32", 4},
                                                 {"U32", 4},
                                                 {"F32", 4},
                                                 {"F64", 8},
                                                 {"I64", 8},
                                                 {"U64", 8}}};

constexpr size_t kLengthBytes = 8;

// Returns text from the file as it can stand in an error message of one line.
std::string in_quotes(std::string_view text) {
  constexpr size_t kShown = 80;
  std::string shown(text.substr(0, kShown));
  for (char& c : shown) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  return "'" + shown + (text.size() > kShown ? "...'" : "'");
}

[[noreturn]] void refuse(const std::string& what, const std::string& where) {
  throw Error(Code::checkpoint_corrupt, "not a valid safetensors file: " + what,
              "the file is damaged or incomplete; use another copy", where);
}

// Returns why a tensor may not have that name, or "".
std::string name_problem(std::string_view name) {
  if (name.empty()) return "a tensor has an empty name";
  if (name.size() > kMaxNameBytes) {
    return "the name " + in_quotes(name) + " has " + std::to_string(name.size()) + " bytes, more than " +
           std::to_string(kMaxNameBytes);
  }
  const bool control = std::any_of(name.begin(), name.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; });
  if (control) return "the name " + in_quotes(name) + " holds a control character";
  if (name.front() == '/' || name.substr(0, 2) == ".." || name.find("/..") != std::string_view::npos) {
    return "the name " + in_quotes(name) + " looks like a path out of the folder";
  }
  return {};
}

// Receives the JSON piece by piece, so that anything invalid is refused before it is stored, however large or deep.
class HeaderReader final : public nlohmann::json_sax<nlohmann::json> {
 public:
  HeaderReader(SafetensorsHeader& header, const std::string& where) : header_(header), where_(where) {}

  bool start_object(std::size_t) override {
    if (place_ == Place::start) return enter(Place::header);
    if (place_ == Place::header) {
      if (key_ == "__metadata__") return enter(Place::metadata);
      header_.tensors.emplace_back().name = key_;
      given_.clear();
      return enter(Place::tensor);
    }
    return unexpected("an object");
  }

  bool key(string_t& name) override {
    switch (place_) {
      case Place::header:
        if (!names_.insert(name).second) refuse("the name " + in_quotes(name) + " occurs twice", where_);
        if (const auto problem = name_problem(name); !problem.empty()) refuse(problem, where_);
        break;
      case Place::metadata:
        if (header_.metadata.contains(name)) refuse("the metadata key " + in_quotes(name) + " occurs twice", where_);
        break;
      default:
        if (name != "dtype" && name != "shape" && name != "data_offsets") fail("has an unknown key " + in_quotes(name));
        if (std::find(given_.begin(), given_.end(), name) != given_.end()) fail("gives " + in_quotes(name) + " twice");
        given_.push_back(name);
    }
    key_ = name;
    return true;
  }

  bool string(string_t& text) override {
    if (place_ == Place::metadata) {
      header_.metadata.emplace(key_, text);
      return true;
    }
    if (place_ != Place::tensor || key_ != "dtype") return unexpected("a string");
    const auto dtype = dtype_named(text);
    if (!dtype) fail("has dtype " + in_quotes(text) + ", which is none of BOOL U8 I8 I16 U16 F16 BF16 I32 U32 F32 F64 I64 U64");
    header_.tensors.back().dtype = *dtype;
    return true;
  }

  bool start_array(std::size_t) override {
    if (place_ != Place::tensor || key_ == "dtype") return unexpected("an array");
    if (key_ == "data_offsets") offsets_.clear();
    return enter(key_ == "shape" ? Place::shape : Place::offsets);
  }

  bool number_unsigned(number_unsigned_t number) override {
    if (place_ == Place::shape) {
      auto& shape = header_.tensors.back().shape;
      if (shape.size() == kMaxDimensions) fail("has more than " + std::to_string(kMaxDimensions) + " dimensions");
      if (!std::in_range<int64_t>(number)) fail("has a dimension of " + std::to_string(number));
      shape.push_back(static_cast<int64_t>(number));
      return true;
    }
    if (place_ != Place::offsets) return unexpected("a number");
    if (offsets_.size() == 2) fail("has more than two data_offsets");
    offsets_.push_back(number);
    return true;
  }

  bool end_array() override { return enter(Place::tensor); }

  bool end_object() override {
    if (place_ == Place::header) return enter(Place::end);
    if (place_ == Place::tensor) finish_tensor();
    return enter(Place::header);
  }

  bool null() override { return unexpected("null"); }
  bool boolean(bool) override { return unexpected("a boolean"); }
  bool number_integer(number_integer_t) override { return unexpected("a negative number"); }
  bool number_float(number_float_t, const string_t&) override { return unexpected("a number that is not a 64-bit integer"); }
  bool binary(binary_t&) override { return unexpected("binary data"); }

  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception&) override {
    const size_t at = kLengthBytes + (position > 0 ? position - 1 : 0);
    refuse("its header is not JSON at byte " + std::to_string(at), where_);
  }

 private:
  enum class Place { start, header, metadata, tensor, shape, offsets, end };

  bool enter(Place place) {
    place_ = place;
    return true;
  }

  [[noreturn]] void fail(const std::string& what) const {
    refuse("tensor " + in_quotes(header_.tensors.back().name) + " " + what, where_);
  }

  [[noreturn]] bool unexpected(const char* found) const {
    refuse(key_.empty() ? std::string("its header is ") + found + " instead of an object"
                        : std::string("its header has ") + found + " at " + in_quotes(key_) + " where none belongs",
           where_);
  }

  void finish_tensor() {
    if (given_.size() != 3) fail("lacks one of dtype, shape and data_offsets");
    if (offsets_.size() != 2) fail("does not have two data_offsets");
    TensorInfo& tensor = header_.tensors.back();
    uint64_t bytes = dtype_bytes(tensor.dtype);
    for (const int64_t dimension : tensor.shape) {
      if (__builtin_mul_overflow(bytes, static_cast<uint64_t>(dimension), &bytes)) fail("is larger than any file");
    }
    const auto [begin, end] = std::pair(offsets_[0], offsets_[1]);
    if (end < begin) fail("ends at " + std::to_string(end) + ", before its start at " + std::to_string(begin));
    if (end - begin != bytes) {
      fail("has " + std::to_string(end - begin) + " bytes of data where its shape and dtype need " + std::to_string(bytes));
    }
    tensor.offset = begin;
    tensor.bytes = bytes;
  }

  SafetensorsHeader& header_;
  const std::string& where_;
  Place place_ = Place::start;
  std::string key_;
  std::vector<std::string> given_;  // the keys of the current tensor
  std::vector<uint64_t> offsets_;
  std::unordered_set<std::string> names_;
};

// Sorts the tensors by place and makes their offsets count from the start of the file. They must fill the data exactly.
void place_tensors(SafetensorsHeader& header, uint64_t data_bytes, const std::string& where) {
  std::stable_sort(header.tensors.begin(), header.tensors.end(), [](const TensorInfo& a, const TensorInfo& b) {
    return std::pair(a.offset, a.bytes) < std::pair(b.offset, b.bytes);
  });
  uint64_t end = 0;
  for (TensorInfo& tensor : header.tensors) {
    if (tensor.offset != end) {
      refuse("tensor " + in_quotes(tensor.name) + " starts at data byte " + std::to_string(tensor.offset) +
                 (tensor.offset < end ? ", inside" : ", not right after") + " the one before it, which ends at " +
                 std::to_string(end),
             where);
    }
    end = tensor.offset + tensor.bytes;
    tensor.offset += header.data_start;
  }
  if (end != data_bytes) {
    refuse("its tensors need " + std::to_string(end) + " bytes of data, the file has " + std::to_string(data_bytes), where);
  }
}

}  // namespace

std::string_view dtype_name(Dtype dtype) {
  return kDtypes.at(static_cast<size_t>(dtype)).name;
}

std::optional<Dtype> dtype_named(std::string_view name) {
  for (size_t i = 0; i < kDtypes.size(); ++i) {
    if (kDtypes[i].name == name) return static_cast<Dtype>(i);
  }
  return std::nullopt;
}

uint64_t dtype_bytes(Dtype dtype) {
  return kDtypes.at(static_cast<size_t>(dtype)).bytes;
}

uint64_t header_length(std::span<const std::byte> first, uint64_t file_size, const std::string& where) {
  if (file_size < kLengthBytes || first.size() < kLengthBytes) {
    refuse("it has " + std::to_string(file_size) + " bytes, too few for a header", where);
  }
  uint64_t length = 0;
  std::memcpy(&length, first.data(), kLengthBytes);
  if (length > kMaxHeaderBytes) {
    refuse("it announces a header of " + std::to_string(length) + " bytes, more than " + std::to_string(kMaxHeaderBytes),
           where);
  }
  if (length > file_size - kLengthBytes) {
    refuse("it announces a header of " + std::to_string(length) + " bytes, and the file has only " + std::to_string(file_size) +
               " in all",
           where);
  }
  return length;
}

SafetensorsHeader parse_header(std::span<const std::byte> first, uint64_t file_size, const std::string& where) {
  const uint64_t length = header_length(first, file_size, where);
  if (first.size() - kLengthBytes < length) refuse("it ends inside its header", where);
  const auto* text = reinterpret_cast<const char*>(first.data()) + kLengthBytes;
  if (length == 0 || text[0] != '{') refuse("its header does not start with '{'", where);

  SafetensorsHeader header;
  header.data_start = kLengthBytes + length;
  HeaderReader reader(header, where);
  nlohmann::json::sax_parse(text, text + length, &reader);
  place_tensors(header, file_size - header.data_start, where);
  return header;
}

std::string format_header(const std::vector<TensorInfo>& tensors, const Metadata& metadata) {
  nlohmann::ordered_json json = nlohmann::ordered_json::object();
  if (!metadata.empty()) json["__metadata__"] = metadata;
  uint64_t end = 0;
  for (const TensorInfo& tensor : tensors) {
    const uint64_t begin = end;
    uint64_t bytes = dtype_bytes(tensor.dtype);
    for (const int64_t dimension : tensor.shape) bytes *= static_cast<uint64_t>(dimension);
    end += bytes;
    if (json.contains(tensor.name)) throw Error(Code::internal, "two tensors to save are called " + in_quotes(tensor.name));
    json[tensor.name] = {{"dtype", dtype_name(tensor.dtype)}, {"shape", tensor.shape}, {"data_offsets", {begin, end}}};
  }
  std::string text = json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  text.resize((text.size() + 7) / 8 * 8, ' ');
  const uint64_t length = text.size();
  text.insert(0, reinterpret_cast<const char*>(&length), kLengthBytes);
  try {
    parse_header(std::as_bytes(std::span(text.data(), text.size())), text.size() + end);
  } catch (const Error& e) {
    throw Error(Code::internal, std::string("a tensor to save would make an unreadable file: ") + e.what());
  }
  return text;
}

}  // namespace gptcore
