#include "data/wfdb.h"

#include <algorithm>
#include <system_error>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "data/wfdb_decode.h"
#include "ecg/units.h"

namespace cardiograd::data {
namespace {

namespace fs = std::filesystem;

// Signals first ... last-1 of a header share one file; each frame holds `per_frame` samples.
struct Group {
  std::size_t first = 0;
  std::size_t last = 0;
  std::int64_t per_frame = 0;
};

std::vector<Group> groups_of(const WfdbHeader& header) {
  std::vector<Group> groups;
  for (std::size_t i = 0; i < header.signals.size(); ++i) {
    if (i == 0 || header.signals[i].file != header.signals[i - 1].file) groups.push_back({i, i, 0});
    groups.back().last = i + 1;
    groups.back().per_frame += header.signals[i].samples_per_frame;
  }
  return groups;
}

// Frames that a signal file holds when the header does not say.
std::int64_t frames_in_file(const fs::path& path, const WfdbSignalSpec& spec, const Group& group, std::int64_t bytes) {
  const std::int64_t count = wfdb_capacity(spec.format, std::max<std::int64_t>(bytes - spec.byte_offset, 0));
  const std::int64_t frames = count / group.per_frame;
  // Format 212 fills up its last three bytes, which may look like one sample more.
  const std::int64_t rest = count % group.per_frame;
  if (frames == 0 || (rest != 0 && !(spec.format == 212 && rest == 1)))
    throw Error(fmt::format("{}: {} bytes are not a whole number of frames of {} samples in format {} after {} bytes",
                            path.string(), bytes, group.per_frame, spec.format, spec.byte_offset),
                "The file is truncated or its header is of another record; fetch both again.");
  return frames;
}

void check_size(const fs::path& path, const WfdbSignalSpec& spec, const Group& group, std::int64_t frames,
                std::int64_t bytes) {
  const std::int64_t count = frames * group.per_frame;
  const std::int64_t needed = spec.byte_offset + wfdb_bytes(spec.format, count);
  const std::int64_t padding = spec.format == 212 ? count % 2 : 0;
  if (bytes >= needed && bytes <= needed + padding) return;
  throw Error(fmt::format("{}: {}: {} bytes, expected {} for {} samples of {} leads in format {}", path.string(),
                          bytes < needed ? "truncated" : "over-long", bytes, needed, frames, group.last - group.first,
                          spec.format),
              "The signal file does not belong to its header or was damaged on its way; fetch the record again.");
}

std::int64_t size_of(const fs::path& path) {
  std::error_code error;
  if (!fs::exists(path, error))
    throw Error(fmt::format("{}: the signal file is missing", path.string()),
                "Its header names it; fetch it into the same folder.");
  if (!fs::is_regular_file(path, error))
    throw Error(fmt::format("{}: not a regular file", path.string()), "Expected a signal file on disk.");
  const auto size = fs::file_size(path, error);
  if (error) throw Error(fmt::format("{}: {}", path.string(), error.message()), "Check the permissions.");
  return static_cast<std::int64_t>(std::min<std::uintmax_t>(size, std::numeric_limits<std::int64_t>::max()));
}

void check_value_count(const WfdbHeader& header, std::int64_t per_frame) {
  if (header.samples > kMaxWfdbValues / per_frame)
    throw Error(fmt::format("{}: {} frames of {} samples are more than this reader takes ({} samples)",
                            header.path.string(), header.samples, per_frame, kMaxWfdbValues),
                "Cut the record into shorter ones, for example with WFDB's snip.");
}

// Checks what the header says about the stored samples of one lead, then undoes the skew and unifies the markers.
void finish_lead(const WfdbHeader& header, const WfdbSignalSpec& spec, std::vector<std::int32_t>& samples) {
  std::uint32_t sum = 0;
  for (const std::int32_t sample : samples) sum += static_cast<std::uint32_t>(sample);
  const auto checksum = static_cast<std::uint16_t>(sum);
  if (spec.checksum && *spec.checksum != checksum)
    throw Error(fmt::format("{}: lead {}: the samples' checksum is {}, the header says {}",
                            (header.path.parent_path() / spec.file).string(), spec.name, checksum, *spec.checksum),
                "The signal file was changed or damaged after its header was written; fetch the record again.");
  if (spec.initial_value && *spec.initial_value != samples.front())
    log_warning("{}: lead {}: the first sample is {}, the header says {}",
                (header.path.parent_path() / spec.file).string(), spec.name, samples.front(), *spec.initial_value);
  const std::int64_t lag = std::int64_t{spec.skew} * spec.samples_per_frame;
  if (lag > 0) {
    const auto count = static_cast<std::int64_t>(samples.size());
    std::move(samples.begin() + std::min(lag, count), samples.end(), samples.begin());
    std::fill(samples.end() - std::min(lag, count), samples.end(), wfdb_invalid_marker(spec.format));
  }
  std::replace(samples.begin(), samples.end(), wfdb_invalid_marker(spec.format), kInvalidSample);
}

void read_group(const Group& group, const FileObserver& observer, DigitalRecording& recording) {
  const WfdbHeader& header = recording.header;
  const WfdbSignalSpec& spec = header.signals[group.first];
  const fs::path path = header.path.parent_path() / spec.file;
  check_size(path, spec, group, header.samples, size_of(path));
  const std::string content = read_file(path);
  check_size(path, spec, group, header.samples, static_cast<std::int64_t>(content.size()));
  if (observer) observer(path, content);
  const auto stored =
      wfdb_decode(spec.format, std::string_view(content).substr(static_cast<std::size_t>(spec.byte_offset)),
                  header.samples * group.per_frame);
  std::size_t offset = 0;
  for (std::size_t lead = group.first; lead < group.last; ++lead) {
    const auto width = static_cast<std::size_t>(header.signals[lead].samples_per_frame);
    auto& samples = recording.signals[lead];
    samples.resize(static_cast<std::size_t>(header.samples) * width);
    const auto stride = static_cast<std::size_t>(group.per_frame);
    for (std::size_t i = 0; i < samples.size(); ++i) samples[i] = stored[i / width * stride + offset + i % width];
    offset += width;
    finish_lead(header, header.signals[lead], samples);
  }
}

void warn_of_missing_gains(const WfdbHeader& header) {
  std::vector<std::string> names;
  for (const auto& signal : header.signals)
    if (!signal.gain_known) names.push_back(signal.name);
  if (!names.empty())
    log_warning("{}: no gain for lead {}; 200 steps per unit are assumed, as WFDB prescribes", header.path.string(),
                fmt::join(names, ", "));
}

}  // namespace

DigitalRecording read_wfdb_digital(const fs::path& record, const FileObserver& observer) {
  DigitalRecording recording;
  WfdbHeader& header = recording.header;
  header = read_wfdb_header(record, observer);
  if (header.signals.empty())
    throw Error(fmt::format("{}: the record has no signals", header.path.string()), "Expected at least one lead.");
  const auto groups = groups_of(header);
  if (header.samples == 0) {
    const auto& spec = header.signals.front();
    const fs::path path = header.path.parent_path() / spec.file;
    header.samples = frames_in_file(path, spec, groups.front(), size_of(path));
  }
  std::int64_t per_frame = 0;
  for (const Group& group : groups) per_frame += group.per_frame;
  check_value_count(header, per_frame);
  warn_of_missing_gains(header);
  recording.signals.resize(header.signals.size());
  for (const Group& group : groups) read_group(group, observer, recording);
  return recording;
}

ecg::Recording to_physical(const DigitalRecording& digital) {
  const WfdbHeader& header = digital.header;
  ecg::Recording recording{header.record, header.rate, {}, {}, {}, header.comments};
  recording.signal.resize(header.samples, static_cast<Eigen::Index>(header.signals.size()));
  for (std::size_t lead = 0; lead < header.signals.size(); ++lead) {
    const WfdbSignalSpec& spec = header.signals[lead];
    recording.leads.push_back(spec.name);
    recording.units.push_back(ecg::canonical_unit(spec.unit));
    const std::int32_t* sample = digital.signals[lead].data();
    for (Eigen::Index t = 0; t < header.samples; ++t) {
      std::int64_t sum = 0;
      bool valid = true;
      for (int i = 0; i < spec.samples_per_frame; ++i, ++sample) {
        valid = valid && *sample != kInvalidSample;
        sum += std::int64_t{*sample} - spec.baseline;
      }
      recording.signal(t, static_cast<Eigen::Index>(lead)) =
          valid ? static_cast<double>(sum) / spec.samples_per_frame / spec.gain
                : std::numeric_limits<double>::quiet_NaN();
    }
  }
  return recording;
}

ecg::Recording read_wfdb(const fs::path& record, const FileObserver& observer) {
  return to_physical(read_wfdb_digital(record, observer));
}

}  // namespace cardiograd::data
