// gander/job.h -- a job is a named function.
//
//   void send_welcome(std::string to, int user_id);
//   inline constexpr gander::Job<"mail.welcome", send_welcome> welcome;
//
// The name is what stands in the queue; the function may be renamed or moved as you like. When its
// arguments change in a way that old workers cannot read, raise the third parameter, the payload
// version: a worker parks what is newer than it knows. The function may take a gander::Context&
// first.
#pragma once

#include <gander/codec.h>
#include <gander/context.h>

#include <algorithm>
#include <cstddef>

namespace gander {

template <std::size_t N>
struct JobName {
  char text[N]{};
  // NOLINTNEXTLINE(google-explicit-constructor): it is the literal
  consteval JobName(const char (&from)[N]) {
    std::copy_n(from, N, text);
    if (N < 2 || N > 201) throw "gander: a job's name has 1 to 200 characters";
  }
};

namespace detail {

// What is kept of an argument between decoding and the call: a view needs a string to look at.
template <class T>
using Stored = std::conditional_t<std::is_same_v<std::remove_cvref_t<T>, std::string_view>,
                                  std::string, std::remove_cvref_t<T>>;

template <class... Args>
struct Signature {
  using Tuple = std::tuple<Stored<Args>...>;
  static constexpr std::size_t kArity = sizeof...(Args);

  template <auto Function, class... First>
  static void call(const Reader& args, First&... first) {
    Tuple values = Codec<Tuple>::read(args);
    std::apply([&](auto&... value) { Function(first..., static_cast<Args>(value)...); }, values);
  }
};

template <class Function>
struct Analyse;
template <class Result, class... Args>
struct Analyse<Result (*)(Args...)> : Signature<Args...> {
  template <auto Function>
  static void run(Context&, const Reader& args) {
    Signature<Args...>::template call<Function>(args);
  }
};
template <class Result, class... Args>
struct Analyse<Result (*)(Context&, Args...)> : Signature<Args...> {
  template <auto Function>
  static void run(Context& context, const Reader& args) {
    Signature<Args...>::template call<Function>(args, context);
  }
};
template <class Result, class... Args>
struct Analyse<Result (*)(Args...) noexcept> : Analyse<Result (*)(Args...)> {};

template <class To, class From>
void write_argument(Writer& out, const From& value) {
  static_assert(std::is_convertible_v<const From&, To> ||
                    std::is_convertible_v<const From&, std::string_view>,
                "gander: an argument does not convert to the type the job's function takes");
  if constexpr (std::is_same_v<To, std::string>)
    Codec<std::string>::write(out, static_cast<std::string_view>(value));
  else if constexpr (std::is_same_v<To, From>)
    Codec<To>::write(out, value);
  else
    Codec<To>::write(out, static_cast<To>(value));
}

}  // namespace detail

template <JobName Name, auto Function, int Version = 1>
struct Job {
  using Shape = detail::Analyse<decltype(Function)>;
  static_assert(Version >= 1, "gander: a payload version is 1 or more");

  static constexpr std::string_view name() { return {Name.text, sizeof(Name.text) - 1}; }
  static constexpr int version() { return Version; }

  // Calls it here and now.
  template <class... Args>
  decltype(auto) operator()(Args&&... args) const {
    return Function(std::forward<Args>(args)...);
  }

  // Writes the arguments as a JSON array, each as the function's own type of it.
  template <class... Args>
  static void write_args(Writer& out, const Args&... args) {
    static_assert(
        sizeof...(Args) == Shape::kArity,
        "gander: enqueue() got a different number of arguments than the job's function takes");
    out.begin_array();
    if constexpr (sizeof...(Args) == Shape::kArity)
      write_each(out, std::index_sequence_for<Args...>{}, args...);
    out.end_array();
  }
  // Decodes the array and calls the function.
  static void run(Context& context, const Reader& args) {
    Shape::template run<Function>(context, args);
  }

 private:
  template <std::size_t... I, class... Args>
  static void write_each(Writer& out, std::index_sequence<I...>, const Args&... args) {
    (detail::write_argument<std::tuple_element_t<I, typename Shape::Tuple>>(out, args), ...);
  }
};

}  // namespace gander
