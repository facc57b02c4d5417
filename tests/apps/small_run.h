// The command lines of a run that takes less than a second.
#pragma once

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "base/file.h"
#include "tests/apps/run_app.h"
#include "tests/apps/tiny_ptbxl.h"
#include "tests/common/temporary_folder.h"

namespace cardiograd::testing {

inline const std::vector<std::string> kRunFiles = {"best.safetensors", "config.toml", "last.safetensors", "log.csv",
                                                   "state.safetensors"};

// A data set, a configuration of a small model, and a folder for what comes out.
class SmallRun {
 public:
  explicit SmallRun(const std::string& unit = "mV") : tiny_(unit) {
    write_file(config(),
               "[data]\nfeatures = \"demographics\"\nfilter = \"none\"\n"
               "[model]\nchannels = [4, 8, 8]\nkernels = [5, 3, 3]\nencoder_layers = 1\nheads = 2\n"
               "feed_forward = 16\nfeature_width = 4\nhead_width = 16\n"
               "[training]\nepochs = 3\nbatch_size = 8\nlr = 0.005\n"
               "[run]\nthreads = 1\n");
  }

  const TinyPtbxl& tiny() const { return tiny_; }
  const std::filesystem::path& folder() const { return temporary_.path(); }
  std::filesystem::path config() const { return folder() / "small.toml"; }
  std::filesystem::path out() const { return folder() / "run"; }
  std::filesystem::path cache() const { return folder() / "cache"; }

  // For train; options in `more` take the place of equal ones.
  std::vector<std::string> with(const std::vector<std::string>& more) const {
    const std::vector<std::vector<std::string>> defaults = {
        {"--data", tiny_.folder()}, {"--config", config()}, {"--out", out()}};
    std::vector<std::string> all = more;
    for (const auto& option : defaults)
      if (std::find(more.begin(), more.end(), option[0]) == more.end())
        all.insert(all.end(), option.begin(), option.end());
    if (std::find(more.begin(), more.end(), "--cache") == more.end()) all.emplace_back("--no-cache");
    return all;
  }
  std::vector<std::string> arguments() const { return with({}); }

  // For evaluate, with the run's last model.
  std::vector<std::string> judge(const std::vector<std::string>& more) const {
    std::vector<std::string> all = more;
    if (std::find(more.begin(), more.end(), "--model") == more.end())
      all.insert(all.end(), {"--model", out() / "last.safetensors"});
    // Explanations take most of the time; tests of what holds them ask for one.
    if (std::find(more.begin(), more.end(), "--explain") == more.end()) all.insert(all.end(), {"--explain", "0"});
    all.insert(all.end(), {"--data", tiny_.folder(), "--no-cache", "--draws", "50"});
    return all;
  }

 private:
  TinyPtbxl tiny_;
  TemporaryFolder temporary_;
};

}  // namespace cardiograd::testing
