// PostgreSQL's binary format: parameters, arrays of them, and how a result is read. Numbers are big
// endian. Text would double the size of each body, and be parsed again at the other end.
#pragma once

#include <libpq-fe.h>

#include <array>
#include <cstdint>
#include <deque>
#include <gander/sdk/plugin.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace gander::postgres {

// Types by their numbers in pg_type, which never change.
enum class Type : std::uint32_t { boolean = 16, bytes = 17, int8 = 20, int4 = 23, uuid = 2950 };

inline std::string_view view(const gander_id& id) {
  return {reinterpret_cast<const char*>(id.bytes), sizeof id.bytes};
}

// A one-dimensional array. It keeps its memory from one use to the next.
class Array {
 public:
  explicit Array(Type type) : type_(type) { clear(); }
  void clear();
  void add(std::string_view bytes);  // also a uuid
  void add_int8(std::int64_t value);
  void add_int4(std::int32_t value);
  void add_bool(bool value);
  void add_null();
  [[nodiscard]] std::size_t size() const { return count_; }
  // Valid until the array is changed.
  [[nodiscard]] std::string_view data();

 private:
  void put32(std::uint32_t value);

  Type type_;
  std::string data_;
  std::uint32_t count_ = 0;
  bool has_null_ = false;
};

// The parameters of one statement, in order. What add() is given must live until it is sent.
class Params {
 public:
  Params& add(std::string_view bytes);
  Params& add(Array& array) { return add(array.data()); }
  Params& add_int8(std::int64_t value);
  Params& add_int4(std::int32_t value);
  Params& add_null();

  [[nodiscard]] int count() const { return static_cast<int>(values_.size()); }
  [[nodiscard]] const char* const* values() const { return values_.data(); }
  [[nodiscard]] const int* lengths() const { return lengths_.data(); }
  [[nodiscard]] const int* formats() const { return formats_.data(); }

 private:
  std::deque<std::array<char, 8>> numbers_;
  std::vector<const char*> values_;
  std::vector<int> lengths_;
  std::vector<int> formats_;
};

// What a statement gave. Values are read where they lie, and live as long as this.
class Result {
 public:
  explicit Result(PGresult* result) : result_(result) {}

  [[nodiscard]] int rows() const { return PQntuples(result_.get()); }
  [[nodiscard]] bool null(int row, int column) const {
    return PQgetisnull(result_.get(), row, column) != 0;
  }
  [[nodiscard]] std::string_view bytes(int row, int column) const {
    return {PQgetvalue(result_.get(), row, column),
            static_cast<std::size_t>(PQgetlength(result_.get(), row, column))};
  }
  // A number of whatever width; 0 for NULL.
  [[nodiscard]] std::int64_t integer(int row, int column) const;
  [[nodiscard]] bool truth(int row, int column) const { return integer(row, column) != 0; }
  [[nodiscard]] gander_id id(int row, int column) const;
  // How many rows it changed.
  [[nodiscard]] std::int64_t changed() const;
  [[nodiscard]] const PGresult* get() const { return result_.get(); }

 private:
  struct Clear {
    void operator()(PGresult* r) const { PQclear(r); }
  };
  std::unique_ptr<PGresult, Clear> result_;
};

// Numbers inside a column of bytes.
void append_int8(std::string& to, std::int64_t value);
void append_int4(std::string& to, std::uint32_t value);
std::int64_t read_int8(std::string_view bytes);
std::uint32_t read_int4(std::string_view bytes);

}  // namespace gander::postgres
