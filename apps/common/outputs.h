// Files and folders that results go to, looked at before the work.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/file.h"

namespace cardiograd::apps {

// An option that names a file to write, where it was given: {"--json", o.json}.
struct Output {
  std::string option;
  std::optional<std::string> file;
};

// What a program reads, and must not lose to its own results.
struct Inputs {
  std::vector<std::string> files;     // models, tables; empty ones do not count
  std::vector<std::string> records;   // as data::read_recording takes them
  std::optional<std::string> folder;  // of a data set
};

// Throws Error for an output that cannot be written (check_destination()), that two options name, that is an input, or
// that lies beside a record under its name and is no result (signals, headers, annotations). With Existing::kRefuse
// also for a file that is there; pipes and devices may be.
void check_outputs(const std::vector<Output>& outputs, const Inputs& inputs, Existing existing = Existing::kReplace);

// check_outputs() of programs that replace files without --force: also throws for an existing file whose name is that
// of a recording, of annotations or of a model, whosever it is.
void check_replaced(const std::vector<Output>& outputs, const Inputs& inputs);

// Throws Error unless `folder` is one that may be written in, or can be made where it shall be. `option` is where it
// comes from: "--out".
void check_output_folder(const std::filesystem::path& folder, const std::string& option);

// Throws UsageError where the name of a drawing ends as that of another kind of file does (.png, .jpg, .pdf, .html).
void expect_svg_name(const std::optional<std::string>& file);

// What --force means.
inline Existing existing_files(bool force) {
  return force ? Existing::kReplace : Existing::kRefuse;
}

}  // namespace cardiograd::apps
