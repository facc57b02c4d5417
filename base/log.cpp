#include "base/log.h"

#include <mutex>
#include <utility>

namespace cardiograd {
namespace {

std::mutex& log_mutex() {
  static std::mutex mutex;
  return mutex;
}

LogCallback& installed_callback() {
  static LogCallback callback;
  return callback;
}

}  // namespace

LogCallback set_log_callback(LogCallback callback) {
  const std::lock_guard lock(log_mutex());
  return std::exchange(installed_callback(), std::move(callback));
}

void log(LogLevel level, std::string_view message) {
  const std::lock_guard lock(log_mutex());
  if (installed_callback()) installed_callback()(level, message);
}

}  // namespace cardiograd
