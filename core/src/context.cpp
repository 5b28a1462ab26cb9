#include <gander/context.h>
#include <gander/log.h>

#include <string>

#include "log.h"

namespace gander {

void Context::log(LogLevel level, std::string_view text) const {
  if (!log_enabled(level)) return;
  const std::string id_text = id.to_string();
  const std::string attempt_text = std::to_string(attempt);
  gander::log(level, text,
              {{"id", id_text}, {"job", job}, {"queue", queue}, {"attempt", attempt_text}});
}

void Context::progress(double part, std::string_view text) const {
  if (observer != nullptr) observer->progress(part, text);
  if (log_enabled(LogLevel::debug))
    log(LogLevel::debug,
        "progress " + std::to_string(static_cast<int>(part * 100)) + " % " + std::string(text));
}

}  // namespace gander
