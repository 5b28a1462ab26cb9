// gander/codec.h -- arguments to JSON and back.
//
// Known: bool, integers, floating point, enums (as their numbers), std::string, std::string_view
// (as a parameter), vector, array-like map<string, T>, optional, pair, tuple, chrono durations (as
// a count of their own unit) and system_clock time points (microseconds since 1970). Your own type
// joins by a function in its namespace:
//
//   struct Order { int id; std::vector<std::string> items; };
//   constexpr auto gander_fields(Order*) {
//     return std::tuple{gander::field("id", &Order::id), gander::field("items", &Order::items)};
//   }
//
// or by a specialisation of gander::Codec with `static void write(Writer&, const T&)` and
// `static T read(const Reader&)`. Any other type stops the compiler with a sentence.
#pragma once

#include <gander/error.h>
#include <gander/json.h>

#include <chrono>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace gander {

template <class Owner, class Member>
struct Field {
  const char* name;
  Member Owner::*member;
};
template <class Owner, class Member>
constexpr Field<Owner, Member> field(const char* name, Member Owner::*member) {
  return {name, member};
}

template <class T>
concept Described = requires {
  gander_fields(static_cast<T*>(nullptr));
};

template <class T>
struct Codec {
  static_assert(Described<T>,
                "gander: this type cannot be a job argument yet: give it gander_fields(T*) or a "
                "gander::Codec<T>, see "
                "gander/codec.h");
  static void write(Writer& out, const T& value) {
    out.begin_object();
    std::apply([&](const auto&... f) { (write_field(out, value, f), ...); },
               gander_fields(static_cast<T*>(nullptr)));
    out.end_object();
  }
  static T read(const Reader& in) {
    T value{};
    std::apply([&](const auto&... f) { (read_field(in, value, f), ...); },
               gander_fields(static_cast<T*>(nullptr)));
    return value;
  }

 private:
  template <class Member>
  static void write_field(Writer& out, const T& value, const Field<T, Member>& f) {
    out.key(f.name);
    Codec<Member>::write(out, value.*f.member);
  }
  template <class Member>
  static void read_field(const Reader& in, T& value, const Field<T, Member>& f) {
    value.*f.member = Codec<Member>::read(in.member(f.name));
  }
};

template <>
struct Codec<bool> {
  static void write(Writer& out, bool value) { out.boolean(value); }
  static bool read(const Reader& in) { return in.boolean(); }
};

template <class T>
requires(std::is_integral_v<T>&& std::is_signed_v<T>) struct Codec<T> {
  static void write(Writer& out, T value) { out.integer(value); }
  static T read(const Reader& in) {
    return static_cast<T>(in.integer(std::numeric_limits<T>::min(), std::numeric_limits<T>::max()));
  }
};

template <class T>
requires(std::is_integral_v<T>&& std::is_unsigned_v<T> &&
         !std::is_same_v<T, bool>) struct Codec<T> {
  static void write(Writer& out, T value) { out.unsigned_integer(value); }
  static T read(const Reader& in) {
    return static_cast<T>(in.unsigned_integer(std::numeric_limits<T>::max()));
  }
};

template <class T>
requires(std::is_floating_point_v<T>) struct Codec<T> {
  static void write(Writer& out, T value) { out.number(static_cast<double>(value)); }
  static T read(const Reader& in) { return static_cast<T>(in.number()); }
};

template <class T>
requires(std::is_enum_v<T>) struct Codec<T> {
  using Number = std::underlying_type_t<T>;
  static void write(Writer& out, T value) { Codec<Number>::write(out, static_cast<Number>(value)); }
  static T read(const Reader& in) { return static_cast<T>(Codec<Number>::read(in)); }
};

template <>
struct Codec<std::string> {
  static void write(Writer& out, std::string_view value) { out.string(value); }
  static std::string read(const Reader& in) { return std::string(in.string()); }
};

template <class T>
struct Codec<std::vector<T>> {
  static void write(Writer& out, const std::vector<T>& value) {
    out.begin_array();
    for (const auto& item : value) Codec<T>::write(out, item);
    out.end_array();
  }
  static std::vector<T> read(const Reader& in) {
    std::vector<T> value;
    const std::size_t n = in.size();
    value.reserve(n);
    for (std::size_t i = 0; i < n; ++i) value.push_back(Codec<T>::read(in.at(i)));
    return value;
  }
};

template <class T, class Less, class Allocator>
struct Codec<std::map<std::string, T, Less, Allocator>> {
  using Map = std::map<std::string, T, Less, Allocator>;
  static void write(Writer& out, const Map& value) {
    out.begin_object();
    for (const auto& [key, item] : value) {
      out.key(key);
      Codec<T>::write(out, item);
    }
    out.end_object();
  }
  static Map read(const Reader& in) {
    Map value;
    const std::size_t n = in.member_count();
    for (std::size_t i = 0; i < n; ++i)
      value.emplace(std::string(in.member_name(i)), Codec<T>::read(in.member_at(i)));
    return value;
  }
};

template <class T>
struct Codec<std::optional<T>> {
  static void write(Writer& out, const std::optional<T>& value) {
    if (value)
      Codec<T>::write(out, *value);
    else
      out.null();
  }
  static std::optional<T> read(const Reader& in) {
    if (in.is_null()) return std::nullopt;
    return Codec<T>::read(in);
  }
};

template <class... Ts>
struct Codec<std::tuple<Ts...>> {
  static void write(Writer& out, const std::tuple<Ts...>& value) {
    out.begin_array();
    std::apply([&](const Ts&... item) { (Codec<Ts>::write(out, item), ...); }, value);
    out.end_array();
  }
  static std::tuple<Ts...> read(const Reader& in) {
    if (in.size() != sizeof...(Ts))
      in.refuse("expected " + std::to_string(sizeof...(Ts)) + " values, found " +
                std::to_string(in.size()));
    return read_each(in, std::index_sequence_for<Ts...>{});
  }

 private:
  template <std::size_t... I>
  static std::tuple<Ts...> read_each(const Reader& in, std::index_sequence<I...>) {
    return std::tuple<Ts...>{Codec<Ts>::read(in.at(I))...};  // braces: left to right
  }
};

template <class A, class B>
struct Codec<std::pair<A, B>> {
  static void write(Writer& out, const std::pair<A, B>& value) {
    Codec<std::tuple<A, B>>::write(out, {value.first, value.second});
  }
  static std::pair<A, B> read(const Reader& in) {
    auto both = Codec<std::tuple<A, B>>::read(in);
    return {std::move(std::get<0>(both)), std::move(std::get<1>(both))};
  }
};

template <class Rep, class Period>
struct Codec<std::chrono::duration<Rep, Period>> {
  using Duration = std::chrono::duration<Rep, Period>;
  static void write(Writer& out, Duration value) { Codec<Rep>::write(out, value.count()); }
  static Duration read(const Reader& in) { return Duration{Codec<Rep>::read(in)}; }
};

template <class Duration>
struct Codec<std::chrono::time_point<std::chrono::system_clock, Duration>> {
  using Point = std::chrono::time_point<std::chrono::system_clock, Duration>;
  using Micros = std::chrono::microseconds;
  static void write(Writer& out, Point value) {
    out.integer(std::chrono::duration_cast<Micros>(value.time_since_epoch()).count());
  }
  static Point read(const Reader& in) {
    return Point{std::chrono::duration_cast<Duration>(Micros{Codec<std::int64_t>::read(in)})};
  }
};

}  // namespace gander
