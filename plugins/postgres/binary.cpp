#include "binary.h"

#include <endian.h>

#include <charconv>
#include <cstring>

namespace gander::postgres {
namespace {

// Before the elements: dimensions, whether one is NULL, the type, the size, the first index.
constexpr std::size_t kArrayHeader = 20;
constexpr std::uint32_t kNull = 0xFFFFFFFFU;

template <class Number>
std::string_view as_bytes(const Number& number) {
  return {reinterpret_cast<const char*>(&number), sizeof number};
}

}  // namespace

void append_int8(std::string& to, std::int64_t value) {
  to += as_bytes(htobe64(static_cast<std::uint64_t>(value)));
}

void append_int4(std::string& to, std::uint32_t value) { to += as_bytes(htobe32(value)); }

std::int64_t read_int8(std::string_view bytes) {
  std::uint64_t value = 0;
  std::memcpy(&value, bytes.data(), sizeof value);
  return static_cast<std::int64_t>(be64toh(value));
}

std::uint32_t read_int4(std::string_view bytes) {
  std::uint32_t value = 0;
  std::memcpy(&value, bytes.data(), sizeof value);
  return be32toh(value);
}

void Array::clear() {
  data_.resize(kArrayHeader);
  count_ = 0;
  has_null_ = false;
}

void Array::put32(std::uint32_t value) { append_int4(data_, value); }

void Array::add(std::string_view bytes) {
  put32(static_cast<std::uint32_t>(bytes.size()));
  data_ += bytes;
  ++count_;
}

void Array::add_int8(std::int64_t value) {
  add(as_bytes(htobe64(static_cast<std::uint64_t>(value))));
}

void Array::add_int4(std::int32_t value) {
  add(as_bytes(htobe32(static_cast<std::uint32_t>(value))));
}

void Array::add_bool(bool value) { add(std::string_view(value ? "\1" : "\0", 1)); }

void Array::add_null() {
  put32(kNull);
  ++count_;
  has_null_ = true;
}

std::string_view Array::data() {
  const std::uint32_t head[5] = {1, has_null_ ? 1U : 0U, static_cast<std::uint32_t>(type_), count_,
                                 1};
  for (std::size_t i = 0; i < 5; ++i) {
    const std::uint32_t wire = htobe32(head[i]);
    std::memcpy(data_.data() + 4 * i, &wire, sizeof wire);
  }
  return data_;
}

Params& Params::add(std::string_view bytes) {
  // Without a pointer libpq would send NULL.
  values_.push_back(bytes.data() != nullptr ? bytes.data() : "");
  lengths_.push_back(static_cast<int>(bytes.size()));
  formats_.push_back(1);
  return *this;
}

Params& Params::add_int8(std::int64_t value) {
  const std::uint64_t wire = htobe64(static_cast<std::uint64_t>(value));
  std::memcpy(numbers_.emplace_back().data(), &wire, sizeof wire);
  return add({numbers_.back().data(), sizeof wire});
}

Params& Params::add_int4(std::int32_t value) {
  const std::uint32_t wire = htobe32(static_cast<std::uint32_t>(value));
  std::memcpy(numbers_.emplace_back().data(), &wire, sizeof wire);
  return add({numbers_.back().data(), sizeof wire});
}

Params& Params::add_null() {
  values_.push_back(nullptr);
  lengths_.push_back(0);
  formats_.push_back(1);
  return *this;
}

std::int64_t Result::integer(int row, int column) const {
  if (null(row, column)) return 0;
  const std::string_view b = bytes(row, column);
  switch (b.size()) {
    case 8: return read_int8(b);
    case 4: return static_cast<std::int32_t>(read_int4(b));
    case 2: {
      std::uint16_t value = 0;
      std::memcpy(&value, b.data(), sizeof value);
      return static_cast<std::int16_t>(be16toh(value));
    }
    case 1: return static_cast<unsigned char>(b[0]);
    default: return 0;
  }
}

gander_id Result::id(int row, int column) const {
  gander_id id{};
  const std::string_view b = bytes(row, column);
  std::memcpy(id.bytes, b.data(), std::min(b.size(), sizeof id.bytes));
  return id;
}

std::int64_t Result::changed() const {
  const std::string_view tag = PQcmdTuples(result_.get());
  std::int64_t value = 0;
  std::from_chars(tag.data(), tag.data() + tag.size(), value);
  return value;
}

}  // namespace gander::postgres
