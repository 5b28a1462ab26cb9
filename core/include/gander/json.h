// gander/json.h -- the little of JSON that codecs need; the parser itself stays out of sight.
//
// Writer and Reader are not thread-safe; use one at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace gander {

// Appends JSON. What JSON cannot hold is refused with Error(invalid_argument): NaN, infinities,
// text that is not UTF-8. The order of calls is the caller's business.
class Writer {
 public:
  Writer();
  ~Writer();
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  void null();
  void boolean(bool);
  void integer(std::int64_t);
  void unsigned_integer(std::uint64_t);
  void number(double);
  void string(std::string_view);
  void begin_array();
  void end_array();
  void begin_object();
  void key(std::string_view);
  void end_object();
  // Text that is JSON already, as the next value.
  void raw(std::string_view json);

  // Valid until the next call.
  [[nodiscard]] std::string_view text() const;
  void clear();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Looks at one value of a parsed text. Cheap to copy; lives as long as the Document it came from.
// What is not as asked throws DecodeError, naming the place ("args[1].items"), what was
// found and what was wanted.
class Reader {
 public:
  [[nodiscard]] bool is_null() const;
  [[nodiscard]] bool is_string() const;
  [[nodiscard]] bool boolean() const;
  // Within [min, max], or refused.
  [[nodiscard]] std::int64_t integer(std::int64_t min, std::int64_t max) const;
  [[nodiscard]] std::uint64_t unsigned_integer(std::uint64_t max) const;
  [[nodiscard]] double number() const;
  [[nodiscard]] std::string_view string() const;
  // Arrays.
  [[nodiscard]] std::size_t size() const;
  [[nodiscard]] Reader at(std::size_t i) const;
  // Objects: a member that is missing reads as null.
  [[nodiscard]] Reader member(std::string_view name) const;
  [[nodiscard]] std::size_t member_count() const;
  [[nodiscard]] std::string_view member_name(std::size_t i) const;
  [[nodiscard]] Reader member_at(std::size_t i) const;
  // The value as JSON text again.
  [[nodiscard]] std::string to_json() const;

  // A value that is null, for a place that has nothing to read.
  static Reader null();

  // For codecs of user types: "<place>: <text>".
  [[noreturn]] void refuse(const std::string& text) const;

 private:
  friend class Document;
  Reader(const void* value, const Reader* parent, const char* name, std::size_t index)
      : value_(value), parent_(parent), name_(name), index_(index) {}
  [[nodiscard]] std::string place() const;
  [[noreturn]] void wrong_type(const char* wanted) const;

  const void* value_;
  const Reader* parent_;  // for place() only: alive while the child is being read
  const char* name_;
  std::size_t index_;
};

// Parses a text; keeps its memory from one parse to the next. Nesting cannot exhaust the stack.
class Document {
 public:
  Document();
  ~Document();
  Document(const Document&) = delete;
  Document& operator=(const Document&) = delete;
  // The root, named `name` in errors; valid until the next parse. Throws Error(invalid_argument)
  // with the offset when it is not JSON or not UTF-8.
  Reader parse(std::string_view json, const char* name);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace gander
