// gander/sdk/plugin.hpp -- what every C++ plugin shares: errors, the host, options. C++20,
// header-only.
//
// Inside a plugin a failure is an Error thrown; this file and its siblings are the only place where
// one becomes a gander_error, and none crosses the ABI.
#pragma once

#include <gander/sdk/plugin.h>

#include <charconv>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <map>
#include <new>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace gander::sdk {

inline std::string_view view(gander_str s) noexcept {
  return s.len == 0 ? std::string_view{} : std::string_view{s.ptr, s.len};
}
inline std::string_view view(gander_bytes b) noexcept {
  return b.len == 0 ? std::string_view{} : std::string_view{static_cast<const char*>(b.ptr), b.len};
}
inline gander_str str(std::string_view s) noexcept { return {s.data(), s.size()}; }
inline gander_bytes bytes(std::string_view s) noexcept { return {s.data(), s.size()}; }

// A failure with the code the host acts on. The text says what was wrong and what would be right.
class Error : public std::runtime_error {
 public:
  Error(gander_status code, const std::string& text, std::uint32_t flags = 0,
        std::int64_t native_code = 0, std::string native = {})
      : std::runtime_error(text),
        code_(code),
        flags_(flags),
        native_code_(native_code),
        native_(std::move(native)) {}
  [[nodiscard]] gander_status code() const noexcept { return code_; }
  [[nodiscard]] std::uint32_t flags() const noexcept { return flags_; }
  [[nodiscard]] std::int64_t native_code() const noexcept { return native_code_; }
  [[nodiscard]] const std::string& native() const noexcept { return native_; }

 private:
  gander_status code_;
  std::uint32_t flags_;
  std::int64_t native_code_;
  std::string native_;
};

// Copies text into a fixed field, NUL-terminated and cut at a code point, not inside one (GBC-009).
inline void copy_text(std::span<char> to, std::string_view from) noexcept {
  std::size_t n = from.size() < to.size() ? from.size() : to.size() - 1;
  if (n < from.size()) {
    while (n > 0 && (static_cast<unsigned char>(from[n]) & 0xC0U) == 0x80U) --n;
  }
  std::memcpy(to.data(), from.data(), n);
  to[n] = '\0';
}

inline gander_status fill_error(gander_error* out, const Error& error) noexcept {
  if (out != nullptr) {
    const std::uint32_t size = out->struct_size;
    *out = gander_error{};
    out->struct_size = size;
    out->code = error.code();
    out->flags = error.flags();
    out->native_code = error.native_code();
    copy_text(out->native, error.native());
    copy_text(out->message, error.what());
  }
  return error.code();
}

// Runs a function of the plugin and turns whatever it throws into a status (GBC-007). `unforeseen`:
// the flags of what is no Error, so was thrown who knows where in the middle.
template <class Function>
gander_status guard(gander_error* error, Function&& function,
                    std::uint32_t unforeseen = 0) noexcept {
  const auto fail = [&](gander_status code, std::string_view text) {
    if (error != nullptr) {
      error->code = code;
      error->flags = unforeseen;
      copy_text(error->message, text);
    }
    return code;
  };
  try {
    return std::forward<Function>(function)();
  } catch (const Error& e) {
    return fill_error(error, e);
  } catch (const std::bad_alloc&) {
    return fail(GANDER_NO_MEMORY, "out of memory");
  } catch (const std::exception& e) {
    return fail(GANDER_INTERNAL, e.what());
  } catch (...) {
    return fail(GANDER_INTERNAL, "the plugin threw something that is not a std::exception");
  }
}

// What the host lends; copyable, valid as long as the instance it was given to.
class Host {
 public:
  explicit Host(const gander_host* host) noexcept : host_(host) {}
  [[nodiscard]] std::int64_t now_us() const noexcept { return host_->now_us(host_); }
  void log(std::int32_t level, std::string_view text,
           std::initializer_list<gander_kv> fields = {}) const noexcept {
    if (host_->log_enabled(host_, level) != 0)
      host_->log(host_, level, str(text), fields.begin(), fields.size());
  }
  [[nodiscard]] const gander_host* get() const noexcept { return host_; }

 private:
  const gander_host* host_;
};

// One option as schema.json states it. gander_add_plugin() writes the table of them from that file.
struct OptionSpec {
  std::string_view name;
  std::string_view type;  // "string", "integer", "number", "boolean"
  std::string_view default_value;
  bool required;
  bool has_min;
  bool has_max;
  double min;
  double max;
  std::string_view one_of;  // allowed values joined by '|', or empty
};

// The options of one instance: checked against the table, defaults filled in.
class Options {
 public:
  Options(std::span<const OptionSpec> specs, std::span<const gander_kv> given) {
    for (const auto& kv : given) {
      const OptionSpec& spec = find(specs, view(kv.key));
      check(spec, view(kv.value));
      values_[std::string(spec.name)] = std::string(view(kv.value));
    }
    for (const auto& spec : specs) {
      if (values_.count(std::string(spec.name)) != 0) continue;
      if (spec.required)
        throw Error(GANDER_CONFIG,
                    "option '" + std::string(spec.name) + "' is required and missing");
      values_[std::string(spec.name)] = std::string(spec.default_value);
    }
  }

  [[nodiscard]] const std::string& text(const std::string& name) const { return values_.at(name); }
  [[nodiscard]] std::int64_t integer(const std::string& name) const {
    std::int64_t value = 0;
    const std::string& s = values_.at(name);
    std::from_chars(s.data(), s.data() + s.size(), value);
    return value;
  }
  [[nodiscard]] double number(const std::string& name) const { return std::stod(values_.at(name)); }
  [[nodiscard]] bool flag(const std::string& name) const { return values_.at(name) == "true"; }

 private:
  static const OptionSpec& find(std::span<const OptionSpec> specs, std::string_view name) {
    std::string known;
    for (const auto& spec : specs) {
      if (spec.name == name) return spec;
      known += (known.empty() ? "" : ", ") + std::string(spec.name);
    }
    throw Error(GANDER_CONFIG, "unknown option '" + std::string(name) + "'; known are: " + known);
  }

  static void check(const OptionSpec& spec, std::string_view value) {
    const auto refuse = [&](const std::string& want) {
      throw Error(GANDER_CONFIG, "option '" + std::string(spec.name) + "' must be " + want);
    };
    if (spec.type == "boolean" && value != "true" && value != "false") refuse("true or false");
    if (spec.type == "integer" || spec.type == "number") check_number(spec, value, refuse);
    if (!spec.one_of.empty()) {
      const std::string all = "|" + std::string(spec.one_of) + "|";
      if (all.find("|" + std::string(value) + "|") == std::string::npos)
        refuse("one of " + std::string(spec.one_of));
    }
  }

  template <class Refuse>
  static void check_number(const OptionSpec& spec, std::string_view value, const Refuse& refuse) {
    double number = 0;
    const auto [end, ec] = std::from_chars(value.data(), value.data() + value.size(), number);
    const bool whole =
        spec.type == "number" || value.find_first_of(".eE") == std::string_view::npos;
    if (ec != std::errc{} || end != value.data() + value.size() || !whole)
      refuse(spec.type == "integer" ? "a whole number" : "a number");
    if (spec.has_min && number < spec.min) refuse("at least " + trimmed(spec.min));
    if (spec.has_max && number > spec.max) refuse("at most " + trimmed(spec.max));
  }

  static std::string trimmed(double number) {
    std::string text = std::to_string(number);
    text.erase(text.find_last_not_of('0') + 1);
    if (text.back() == '.') text.pop_back();
    return text;
  }

  std::map<std::string, std::string> values_;
};

#define GANDER_STRINGIZE_(x) #x
#define GANDER_STRINGIZE(x) GANDER_STRINGIZE_(x)
#if defined(__clang__)
#define GANDER_COMPILER "clang " __clang_version__
#else
#define GANDER_COMPILER "gcc " __VERSION__
#endif

}  // namespace gander::sdk
