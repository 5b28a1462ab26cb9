#include <gander/error.h>
#include <gander/json.h>

#include <cmath>
#include <cstring>

#include "rapidjson.h"
#include "utf8.h"

namespace gander {
namespace {

// Iterative: the nesting of a message costs heap, bounded by its size, and never the thread's
// stack.
constexpr unsigned kParseFlags = rapidjson::kParseInsituFlag | rapidjson::kParseIterativeFlag;
constexpr unsigned kCheckedParseFlags = kParseFlags | rapidjson::kParseValidateEncodingFlag;

using Value = rapidjson::Value;
const Value& as_value(const void* p) { return *static_cast<const Value*>(p); }

const char* type_name(const Value& v) {
  switch (v.GetType()) {
    case rapidjson::kNullType: return "null";
    case rapidjson::kFalseType:
    case rapidjson::kTrueType: return "a boolean";
    case rapidjson::kObjectType: return "an object";
    case rapidjson::kArrayType: return "an array";
    case rapidjson::kStringType: return "a string";
    case rapidjson::kNumberType: return "a number";
  }
  return "something else";
}

const Value kNull;

// RapidJSON's own RawValue copies character by character.
class RawWriter : public rapidjson::Writer<rapidjson::StringBuffer, rapidjson::UTF8<>,
                                           rapidjson::UTF8<>, rapidjson::CrtAllocator> {
 public:
  using Writer::Writer;
  void raw(std::string_view json) {
    Prefix(rapidjson::kObjectType);
    std::memcpy(os_->Push(json.size()), json.data(), json.size());
    EndValue(true);
  }
};

}  // namespace

struct __attribute__((visibility("hidden"))) Writer::Impl {
  rapidjson::StringBuffer buffer;
  RawWriter out{buffer};
};

Writer::Writer() : impl_(std::make_unique<Impl>()) {}
Writer::~Writer() = default;
void Writer::null() { impl_->out.Null(); }
void Writer::boolean(bool b) { impl_->out.Bool(b); }
void Writer::integer(std::int64_t i) { impl_->out.Int64(i); }
void Writer::unsigned_integer(std::uint64_t i) { impl_->out.Uint64(i); }
void Writer::number(double d) {
  if (!std::isfinite(d))
    throw Error(Code::invalid_argument,
                "an argument is NaN or infinite, which JSON cannot hold: send a finite number");
  impl_->out.Double(d);
}
void Writer::string(std::string_view s) {
  if (!is_utf8(s))
    throw Error(Code::invalid_argument,
                "a text is not valid UTF-8: encode bytes, as base64 for instance");
  impl_->out.String(s.data() != nullptr ? s.data() : "",
                    static_cast<rapidjson::SizeType>(s.size()));
}
void Writer::begin_array() { impl_->out.StartArray(); }
void Writer::end_array() { impl_->out.EndArray(); }
void Writer::begin_object() { impl_->out.StartObject(); }
void Writer::key(std::string_view s) { string(s); }
void Writer::end_object() { impl_->out.EndObject(); }
void Writer::raw(std::string_view json) { impl_->out.raw(json); }
std::string_view Writer::text() const {
  return {impl_->buffer.GetString(), impl_->buffer.GetSize()};
}
void Writer::clear() {
  impl_->buffer.Clear();
  impl_->out.Reset(impl_->buffer);
}

Reader Reader::null() { return {&kNull, nullptr, "", 0}; }
bool Reader::is_null() const { return as_value(value_).IsNull(); }
bool Reader::is_string() const { return as_value(value_).IsString(); }
bool Reader::boolean() const {
  if (!as_value(value_).IsBool()) wrong_type("a boolean");
  return as_value(value_).GetBool();
}
std::int64_t Reader::integer(std::int64_t min, std::int64_t max) const {
  const Value& v = as_value(value_);
  if (!v.IsNumber()) wrong_type("an integer");
  if (!v.IsInt64() && !v.IsUint64())
    refuse("expected an integer, found a fraction or a number beyond 64 bits");
  if (!v.IsInt64() || v.GetInt64() < min || v.GetInt64() > max)
    refuse(to_json() + " is not within " + std::to_string(min) + " to " + std::to_string(max));
  return v.GetInt64();
}
std::uint64_t Reader::unsigned_integer(std::uint64_t max) const {
  const Value& v = as_value(value_);
  if (!v.IsNumber()) wrong_type("an integer");
  if (!v.IsInt64() && !v.IsUint64())
    refuse("expected an integer, found a fraction or a number beyond 64 bits");
  if (!v.IsUint64() || v.GetUint64() > max)
    refuse(to_json() + " is not within 0 to " + std::to_string(max));
  return v.GetUint64();
}
double Reader::number() const {
  if (!as_value(value_).IsNumber()) wrong_type("a number");
  return as_value(value_).GetDouble();
}
std::string_view Reader::string() const {
  const Value& v = as_value(value_);
  if (!v.IsString()) wrong_type("a string");
  return {v.GetString(), v.GetStringLength()};
}
std::size_t Reader::size() const {
  if (!as_value(value_).IsArray()) wrong_type("an array");
  return as_value(value_).Size();
}
Reader Reader::at(std::size_t i) const {
  return {&as_value(value_)[static_cast<rapidjson::SizeType>(i)], this, nullptr, i};
}
Reader Reader::member(std::string_view name) const {
  const Value& v = as_value(value_);
  if (!v.IsObject()) wrong_type("an object");
  for (auto it = v.MemberBegin(); it != v.MemberEnd(); ++it) {
    if (std::string_view(it->name.GetString(), it->name.GetStringLength()) == name)
      return {&it->value, this, it->name.GetString(), 0};
  }
  return {&kNull, this, "(missing member)", 0};
}
std::size_t Reader::member_count() const {
  if (!as_value(value_).IsObject()) wrong_type("an object");
  return as_value(value_).MemberCount();
}
std::string_view Reader::member_name(std::size_t i) const {
  const auto& name = (as_value(value_).MemberBegin() + static_cast<std::ptrdiff_t>(i))->name;
  return {name.GetString(), name.GetStringLength()};
}
Reader Reader::member_at(std::size_t i) const {
  const auto it = as_value(value_).MemberBegin() + static_cast<std::ptrdiff_t>(i);
  return {&it->value, this, it->name.GetString(), 0};
}
std::string Reader::to_json() const {
  rapidjson::StringBuffer buffer;
  rapidjson::Writer<rapidjson::StringBuffer> out(buffer);
  as_value(value_).Accept(out);
  return {buffer.GetString(), buffer.GetSize()};
}
std::string Reader::place() const {
  if (parent_ == nullptr) return name_;
  if (name_ != nullptr) return parent_->place() + "." + name_;
  return parent_->place() + "[" + std::to_string(index_) + "]";
}
void Reader::refuse(const std::string& text) const { throw DecodeError(place() + ": " + text); }
void Reader::wrong_type(const char* wanted) const {
  refuse(std::string("expected ") + wanted + ", found " + type_name(as_value(value_)));
}

struct __attribute__((visibility("hidden"))) Document::Impl {
  // Reused from one message to the next, so that a small one costs no allocation.
  static constexpr std::size_t kArena = 32 * 1024;
  std::unique_ptr<char[]> arena = std::make_unique_for_overwrite<char[]>(kArena);
  rapidjson::MemoryPoolAllocator<> pool{arena.get(), kArena};
  rapidjson::GenericDocument<rapidjson::UTF8<>, rapidjson::MemoryPoolAllocator<>> document{&pool};
  std::string text;
};

Document::Document() : impl_(std::make_unique<Impl>()) {}
Document::~Document() = default;

Reader Document::parse(std::string_view json, const char* name) {
  Impl& d = *impl_;
  d.document.SetNull();
  d.pool.Clear();
  d.text.reserve(json.size() + 16);  // what a vector read may touch
  d.text.assign(json);
  if (is_ascii(json))
    d.document.ParseInsitu<kParseFlags>(d.text.data());
  else
    d.document.ParseInsitu<kCheckedParseFlags>(d.text.data());
  if (d.document.HasParseError()) {
    throw DecodeError(std::string(name) + ": not valid JSON at byte " +
                      std::to_string(d.document.GetErrorOffset()) + ": " +
                      rapidjson::GetParseError_En(d.document.GetParseError()));
  }
  return {static_cast<const Value*>(&d.document), nullptr, name, 0};
}

}  // namespace gander
