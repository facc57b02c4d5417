#include "apps/common/output_folder.h"

#include <system_error>

#include <fmt/format.h>
#include <unistd.h>

#include "base/error.h"

namespace cardiograd::apps {

void check_output_folder(const std::filesystem::path& folder, const std::string& option) {
  namespace fs = std::filesystem;
  std::error_code ignored;
  fs::path there = fs::absolute(folder).lexically_normal();
  while (!fs::exists(fs::symlink_status(there, ignored)) && there.has_relative_path()) there = there.parent_path();
  if (!fs::is_directory(there, ignored))
    throw Error(fmt::format("{}: cannot be created: {} is no folder", folder.string(), there.string()),
                fmt::format("Give another {}.", option));
  if (::access(there.c_str(), W_OK | X_OK) != 0)
    throw Error(fmt::format("{}: cannot be created: {} is not yours to write in", folder.string(), there.string()),
                fmt::format("Give an {} where you may write.", option));
}

}  // namespace cardiograd::apps
