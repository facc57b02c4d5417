// Folders that results go to, looked at before the work.
#pragma once

#include <filesystem>
#include <string>

namespace cardiograd::apps {

// Throws Error unless `folder` is one that may be written in, or can be made where it shall be. `option` is where it
// comes from: "--out".
void check_output_folder(const std::filesystem::path& folder, const std::string& option);

}  // namespace cardiograd::apps
