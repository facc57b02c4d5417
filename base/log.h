// Messages from the library. It never prints by itself: it calls the callback that the program installed.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include <fmt/format.h>

namespace cardiograd {

enum class LogLevel { kInfo, kWarning };

using LogCallback = std::function<void(LogLevel, std::string_view)>;

// Installs the callback and returns the one that it replaces. An empty callback (the default) drops messages.
// Calls are serialized; the callback must not log.
LogCallback set_log_callback(LogCallback callback);

// Hands `message`, one line without its end, to the callback.
void log(LogLevel level, std::string_view message);

template <class... Args>
void log_info(fmt::format_string<Args...> format, Args&&... args) {
  log(LogLevel::kInfo, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void log_warning(fmt::format_string<Args...> format, Args&&... args) {
  log(LogLevel::kWarning, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace cardiograd
