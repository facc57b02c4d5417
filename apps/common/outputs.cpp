#include "apps/common/outputs.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string>
#include <string_view>
#include <system_error>

#include <fmt/format.h>
#include <unistd.h>

#include "base/error.h"
#include "data/source_recording.h"
#include "data/wfdb_header.h"

namespace cardiograd::apps {
namespace {

namespace fs = std::filesystem;

constexpr const char* kGiveAnother = "Give another file: the input would be lost.";

bool same_file(const fs::path& a, const fs::path& b) {
  std::error_code ignored;
  if (fs::equivalent(a, b, ignored)) return true;
  const auto whole = [](const fs::path& path) {
    std::error_code error;
    return fs::weakly_canonical(fs::absolute(path), error);
  };
  return whole(a) == whole(b);
}

bool is_file(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored);
}

[[noreturn]] void refuse(const Output& output, const std::string& what) {
  throw Error(fmt::format("{} {}: {}, and is not written", output.option, *output.file, what), kGiveAnother);
}

// The signal files that a header names, in its folder; none where there is no header that can be read.
std::vector<fs::path> signal_files(const fs::path& header) {
  std::vector<fs::path> files;
  if (!is_file(header)) return files;
  try {
    const data::WfdbHeader content = data::read_wfdb_header(header);
    for (const data::WfdbSignalSpec& signal : content.signals) files.push_back(wfdb_signal_path(content, signal));
  } catch (const Error&) {
    files.clear();  // Reading the record will say why.
  }
  return files;
}

// Beside a record and named after it: its header, its signals, experts' annotations; but not an earlier result.
bool belongs_to(const fs::path& file, const fs::path& stem) {
  constexpr std::array<std::string_view, 5> kResults = {".csv", ".svg", ".html", ".json", ".tsv"};
  return file.filename().string().starts_with(stem.filename().string() + ".") &&
         same_file(fs::absolute(file).parent_path(), fs::absolute(stem).parent_path()) &&
         std::find(kResults.begin(), kResults.end(), file.extension().string()) == kResults.end();
}

void check_against_record(const Output& output, const std::string& record) {
  const fs::path file = *output.file, stem = data::recording_stem(record);
  const auto signals = signal_files(stem.string() + ".hea");
  if (same_file(file, record) || belongs_to(file, stem) ||
      std::any_of(signals.begin(), signals.end(), [&](const fs::path& signal) { return same_file(file, signal); }))
    refuse(output, fmt::format("is part of the record {}", record));
}

void check_against_folder(const Output& output, const fs::path& folder) {
  const fs::path file = *output.file;
  for (const char* table : {"ptbxl_database.csv", "scp_statements.csv", "synthetic.json"})
    if (same_file(file, folder / table)) refuse(output, fmt::format("is a table of the data in {}", folder.string()));
  std::error_code ignored;
  const fs::path inside = fs::canonical(file, ignored).lexically_relative(fs::canonical(folder, ignored));
  const fs::path extension = file.extension();
  if (!inside.empty() && *inside.begin() != ".." && (extension == ".hea" || extension == ".dat"))
    refuse(output, fmt::format("is part of a record of the data in {}", folder.string()));
}

// What is replaced unasked must not be a recording or a model.
void refuse_other_kinds(const Output& output) {
  constexpr std::array<std::string_view, 13> kOthers = {".dat", ".hea",         ".mat",  ".edf", ".bdf", ".dcm", ".atr",
                                                        ".xml", ".safetensors", ".onnx", ".rec", ".scp", ".gz"};
  const std::string extension = fs::path(*output.file).extension().string();
  if (std::find(kOthers.begin(), kOthers.end(), extension) == kOthers.end()) return;
  throw Error(fmt::format("{} {}: a {} file is there, and is not replaced", output.option, *output.file, extension),
              "Give another file, or delete that one first.");
}

}  // namespace

void check_outputs(const std::vector<Output>& outputs, const Inputs& inputs, Existing existing) {
  for (auto output = outputs.begin(); output != outputs.end(); ++output) {
    if (!output->file) continue;
    if (*output->file == "-")
      throw UsageError(fmt::format("{} -: '-' is no name for standard output here", output->option),
                       "Give /dev/stdout, or ./- for a file of that name.");
    check_destination(*output->file);
    std::error_code ignored;
    const bool there = is_file(*output->file);
    if (fs::exists(*output->file, ignored) && !there) continue;  // a stream
    for (auto other = outputs.begin(); other != output; ++other)
      if (other->file && same_file(*other->file, *output->file))
        throw UsageError(fmt::format("{} and {} are the same file", other->option, output->option),
                         "Give each a file of its own.");
    if (!there) continue;
    for (const std::string& input : inputs.files)
      if (!input.empty() && same_file(input, *output->file)) refuse(*output, "is read, too");
    for (const std::string& record : inputs.records) check_against_record(*output, record);
    if (inputs.folder) check_against_folder(*output, *inputs.folder);
    // /dev/stdout is written through, even where the shell has led it into a file.
    if (existing == Existing::kRefuse && !output->file->starts_with("/dev/"))
      throw Error(fmt::format("{}: exists already", *output->file), "Name another file, or overwrite it with --force.");
  }
}

void check_replaced(const std::vector<Output>& outputs, const Inputs& inputs) {
  check_outputs(outputs, inputs);
  for (const Output& output : outputs)
    if (output.file && is_file(*output.file)) refuse_other_kinds(output);
}

void expect_svg_name(const std::optional<std::string>& file) {
  if (!file) return;
  std::string ending = fs::path(*file).extension().string();
  std::transform(ending.begin(), ending.end(), ending.begin(), [](unsigned char c) { return std::tolower(c); });
  for (const char* other : {".png", ".jpg", ".jpeg", ".pdf", ".html"})
    if (ending == other)
      throw UsageError(
          fmt::format("--svg {}: a drawing is written as SVG, not as {}", *file, ending.substr(1)),
          "Give a name that ends in .svg; `rsvg-convert -o drawing.png drawing.svg` makes other kinds of it.");
}

void check_output_folder(const fs::path& folder, const std::string& option) {
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
