// Where a status of the ABI becomes an Error, and nowhere else.
#pragma once

#include <gander/error.h>
#include <gander/sdk/types.h>

#include <string>
#include <string_view>

namespace gander {

// What a call over the ABI answered.
struct Status {
  gander_status code = GANDER_OK;
  gander_error error{};

  Status() { error.struct_size = sizeof(gander_error); }
  [[nodiscard]] bool ok() const { return code == GANDER_OK; }
  [[nodiscard]] bool retryable() const { return (error.flags & GANDER_ERROR_RETRYABLE) != 0; }
  [[nodiscard]] bool reconnect() const { return (error.flags & GANDER_ERROR_RECONNECT) != 0; }
  [[nodiscard]] bool maybe_applied() const {
    return (error.flags & GANDER_ERROR_MAYBE_APPLIED) != 0;
  }
  [[nodiscard]] std::string text() const;
};

// An unknown future code reads as internal.
Code code_of(gander_status status) noexcept;
// "sqlite: enqueue: <the plugin's text>"
Error error_of(const Status& status, std::string_view broker, std::string_view operation);

}  // namespace gander
