#include "data/wfdb.h"

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <numeric>
#include <system_error>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "data/wfdb_decode.h"
#include "data/wfdb_flac.h"
#include "ecg/units.h"

namespace cardiograd::data {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kPadding = 3;  // bytes that packed formats may fill up

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

std::int64_t size_of(const fs::path& path) {
  std::error_code error;
  const bool packed = path.extension() == ".gz";
  fs::path compressed = path;
  if (!packed) compressed += ".gz";
  if ((packed || !path_exists(path)) && path_exists(compressed))
    throw Error(fmt::format("{}: the signal file is compressed with gzip", compressed.string()),
                fmt::format("Unpack it beside its header: gunzip {}.", compressed.string()));
  if (!path_exists(path))
    throw Error(fmt::format("{}: the signal file is missing", path.string()),
                "Its header names it; fetch it into the same folder.");
  if (!fs::is_regular_file(path, error))
    throw Error(fmt::format("{}: not a regular file", path.string()), "Expected a signal file on disk.");
  const auto size = fs::file_size(path, error);
  if (error) throw Error(fmt::format("{}: {}", path.string(), error.message()), "Check the permissions.");
  return static_cast<std::int64_t>(std::min<std::uintmax_t>(size, std::numeric_limits<std::int64_t>::max()));
}

// Frames that a signal file holds when the header does not say.
std::int64_t frames_in_file(const fs::path& path, const WfdbSignalSpec& spec, const Group& group) {
  const std::int64_t bytes = size_of(path);
  std::int64_t count = 0;
  if (is_flac_format(spec.format)) {
    const auto channels = decode_flac(read_file(path), spec.format - 500, kMaxWfdbValues, path);
    const auto length = channels.empty() ? 0 : static_cast<std::int64_t>(channels.front().size());
    count = std::max<std::int64_t>(length - spec.byte_offset, 0) * static_cast<std::int64_t>(channels.size());
  } else {
    count = wfdb_capacity(spec.format, std::max<std::int64_t>(bytes - spec.byte_offset, 0));
  }
  const std::int64_t frames = count / group.per_frame;
  if (frames == 0)
    throw Error(fmt::format("{}: {} bytes are less than a frame of {} samples in format {} after {} bytes",
                            path.string(), bytes, group.per_frame, spec.format, spec.byte_offset),
                "The file is truncated or its header is of another record; fetch both again.");
  const std::int64_t rest = bytes - spec.byte_offset - wfdb_bytes(spec.format, frames * group.per_frame);
  // Packed formats fill up their last bytes.
  if (!is_flac_format(spec.format) && rest > kPadding)
    log_warning("{}: {} bytes follow the last whole frame", path.string(), rest);
  return frames;
}

void check_value_count(const WfdbHeader& header, std::int64_t per_frame) {
  if (header.samples > kMaxWfdbValues / per_frame)
    throw Error(fmt::format("{}: {} frames of {} samples are more than this reader takes ({} samples)",
                            header.path.string(), header.samples, per_frame, kMaxWfdbValues),
                "Cut the record into shorter ones, for example with WFDB's snip.");
}

// Puts the groups with a signal file first, so that a file shorter than announced is found before memory is taken for
// signals that are stored nowhere. Throws Error when there is none, or much more of those than of others.
void put_stored_first(const WfdbHeader& header, std::vector<Group>& groups) {
  constexpr std::int64_t kMaxNullPerStored = 16;
  const auto is_stored = [&](const Group& group) { return header.signals[group.first].format != kNullSignal; };
  const auto null = std::stable_partition(groups.begin(), groups.end(), is_stored);
  if (null == groups.begin())
    throw Error(fmt::format("{}: none of its signals is stored", header.path.string()),
                "It is the layout of a record of several segments; give that record.");
  const auto per_frame = [](auto first, auto last) {
    return std::accumulate(first, last, std::int64_t{0},
                           [](auto sum, const Group& group) { return sum + group.per_frame; });
  };
  const std::int64_t stored = per_frame(groups.begin(), null), missing = per_frame(null, groups.end());
  if (missing > kMaxNullPerStored * stored)
    throw Error(fmt::format("{}: {} samples per frame are stored nowhere, only {} are stored", header.path.string(),
                            missing, stored),
                "Delete the lines of signals without a file from the header.");
}

// Checks what the header says about the stored samples of one lead, then undoes the skew and unifies the markers.
void finish_lead(const WfdbHeader& header, const WfdbSignalSpec& spec, std::vector<std::int32_t>& samples,
                 WfdbChecksums& checksums) {
  if (spec.format == 8) {  // Differences, modulo 2^32.
    auto value = static_cast<std::uint32_t>(spec.initial_value.value_or(0));
    for (std::int32_t& sample : samples)
      sample = static_cast<std::int32_t>(value += static_cast<std::uint32_t>(sample));
  }
  std::uint32_t sum = 0;
  for (const std::int32_t sample : samples) sum += static_cast<std::uint32_t>(sample);
  checksums.compare(spec, static_cast<std::uint16_t>(sum));
  if (spec.initial_value && *spec.initial_value != samples.front() && spec.format != 8)
    log_warning("{}: lead {}: the first sample is {}, the header says {}", wfdb_signal_path(header, spec).string(),
                spec.name, samples.front(), *spec.initial_value);
  const auto marker = wfdb_invalid_marker(spec.format);
  if (marker) std::replace(samples.begin(), samples.end(), *marker, kInvalidSample);
  const std::int64_t lag = std::int64_t{spec.skew} * spec.samples_per_frame;
  if (lag > 0) {
    const auto count = static_cast<std::int64_t>(samples.size());
    std::move(samples.begin() + std::min(lag, count), samples.end(), samples.begin());
    std::fill(samples.end() - std::min(lag, count), samples.end(), kInvalidSample);
  }
}

// The beginning of a file that holds more than that.
std::string read_beginning(const fs::path& path, std::int64_t bytes) {
  std::string content(static_cast<std::size_t>(bytes), '\0');
  std::ifstream file(path, std::ios::binary);
  if (!file.is_open()) fail_to_open(path, errno);
  file.read(content.data(), bytes);
  if (file.gcount() != bytes)
    throw Error(fmt::format("{}: only {} of {} bytes can be read", path.string(), file.gcount(), bytes),
                "Check the permissions and the disk.");
  return content;
}

[[noreturn]] void fail_truncated(const fs::path& path, const WfdbHeader& header, const Group& group, std::int64_t bytes,
                                 std::int64_t found) {
  throw Error(fmt::format("{}: truncated: {} bytes, expected {} for {} samples of {} leads in format {}", path.string(),
                          found, bytes, header.samples, group.last - group.first, header.signals[group.first].format),
              "The signal file does not belong to its header or was damaged on its way; fetch the record again.");
}

// The size of a signal file that shall have `bytes` bytes or more.
std::int64_t checked_size(const fs::path& path, const WfdbHeader& header, const Group& group, std::int64_t bytes) {
  const std::int64_t size = size_of(path);
  if (size < bytes) fail_truncated(path, header, group, bytes, size);
  bool vouched = true;
  for (std::size_t lead = group.first; lead < group.last; ++lead)
    vouched = vouched && header.signals[lead].checksum.has_value();
  const WfdbSignalSpec& spec = header.signals[group.first];
  if (size >= bytes + wfdb_bytes(spec.format, group.per_frame) && size > bytes + kPadding && !vouched)
    log_warning("{}: {} bytes follow the {} samples that the header announces; they are not read", path.string(),
                size - bytes, header.samples);
  return size;
}

// The first `bytes` bytes of a signal file, or more.
std::string read_signal_file(const fs::path& path, const WfdbHeader& header, const Group& group, std::int64_t bytes) {
  const std::int64_t size = checked_size(path, header, group, bytes);
  if (size > 2 * bytes + kPadding) return read_beginning(path, bytes);
  std::string content = read_file(path);
  if (const auto read = static_cast<std::int64_t>(content.size()); read < bytes)
    fail_truncated(path, header, group, bytes, read);
  return content;
}

// The samples of a group in the order in which uncompressed formats store them: frame by frame.
std::vector<std::int32_t> interleaved(const std::vector<std::vector<std::int32_t>>& channels, const WfdbHeader& header,
                                      const Group& group, const fs::path& path) {
  const WfdbSignalSpec& spec = header.signals[group.first];
  const auto width = static_cast<std::size_t>(spec.samples_per_frame);
  const std::size_t leads = group.last - group.first, offset = static_cast<std::size_t>(spec.byte_offset);
  if (channels.size() != leads || static_cast<std::size_t>(group.per_frame) != leads * width)
    throw Error(fmt::format("{}: {} channels, expected {} with {} samples per frame each", path.string(),
                            channels.size(), leads, width),
                "The FLAC file does not belong to its header; fetch the record again.");
  const auto frames = static_cast<std::size_t>(header.samples);
  const std::size_t length = channels.front().size();
  if (length < offset || length - offset < frames * width)
    throw Error(fmt::format("{}: truncated: {} samples, expected {}", path.string(), length, offset + frames * width),
                "The signal file does not belong to its header or was damaged on its way; fetch the record again.");
  std::vector<std::int32_t> stored;
  stored.reserve(frames * width * leads);
  for (std::size_t frame = 0; frame < frames; ++frame)
    for (const auto& channel : channels)
      for (std::size_t i = 0; i < width; ++i) stored.push_back(channel[offset + frame * width + i]);
  return stored;
}

// `wanted`: of all signals of the header; the samples of others are not kept.
void read_group(const Group& group, const std::vector<bool>& wanted, const FileObserver& observer,
                DigitalRecording& recording, WfdbChecksums& checksums) {
  const WfdbHeader& header = recording.header;
  const WfdbSignalSpec& spec = header.signals[group.first];
  if (spec.format == kNullSignal) {
    for (std::size_t lead = group.first; lead < group.last; ++lead)
      if (wanted[lead])
        recording.signals[lead].assign(
            static_cast<std::size_t>(header.samples * header.signals[lead].samples_per_frame), kInvalidSample);
    return;
  }
  const fs::path path = wfdb_signal_path(header, spec);
  const std::int64_t count = header.samples * group.per_frame;
  const bool flac = is_flac_format(spec.format);
  const std::int64_t bytes = flac ? 0 : spec.byte_offset + wfdb_bytes(spec.format, count);
  const std::string content =
      flac && size_of(path) >= 0 ? read_file(path) : read_signal_file(path, header, group, bytes);
  if (observer) observer(path, content);
  const auto stored =
      flac ? interleaved(decode_flac(content, spec.format - 500, kMaxWfdbValues, path), header, group, path)
           : wfdb_decode(spec.format, std::string_view(content).substr(static_cast<std::size_t>(spec.byte_offset)),
                         count);
  std::size_t offset = 0, width = 0;
  for (std::size_t lead = group.first; lead < group.last; ++lead, offset += width) {
    width = static_cast<std::size_t>(header.signals[lead].samples_per_frame);
    if (!wanted[lead]) continue;
    auto& samples = recording.signals[lead];
    samples.resize(static_cast<std::size_t>(header.samples) * width);
    const auto stride = static_cast<std::size_t>(group.per_frame);
    for (std::size_t i = 0; i < samples.size(); ++i) samples[i] = stored[i / width * stride + offset + i % width];
    finish_lead(header, header.signals[lead], samples, checksums);
  }
}

// Many converters write 0 as the checksum of all signals, and often as the initial value: these vouch for nothing.
void drop_placeholders(WfdbHeader& header) {
  const bool zeros = std::all_of(header.signals.begin(), header.signals.end(),
                                 [](const WfdbSignalSpec& signal) { return signal.checksum.value_or(0) == 0; });
  if (!zeros) return;
  for (WfdbSignalSpec& signal : header.signals) {
    if (signal.checksum && signal.initial_value == 0) signal.initial_value.reset();
    signal.checksum.reset();
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

// Whether the first frame of a file begins all its signals as the header says, also those from sample `from` of the
// frame on: then the file holds them. False where the header does not say, or says 0 of them all, which is no evidence.
bool has_initial_values(const fs::path& path, const WfdbHeader& header, const Group& group, std::int64_t from) {
  const WfdbSignalSpec& spec = header.signals[group.first];
  if (spec.format == 8) return false;  // It stores differences.
  const std::string begin = read_beginning(path, spec.byte_offset + wfdb_bytes(spec.format, group.per_frame));
  const auto frame = wfdb_decode(
      spec.format, std::string_view(begin).substr(static_cast<std::size_t>(spec.byte_offset)), group.per_frame);
  bool shown = false;
  std::int64_t at = 0;
  for (std::size_t lead = group.first; lead < group.last; ++lead) {
    const auto& initial = header.signals[lead].initial_value;
    if (initial && *initial != frame[static_cast<std::size_t>(at)]) return false;
    shown = shown || (at >= from && initial.value_or(0) != 0);
    at += header.signals[lead].samples_per_frame;
  }
  return shown;
}

// Of files that are shorter than announced the whole frames that all of them have are read: recorders are switched off,
// and files cut.
void shorten_to_files(WfdbHeader& header, const std::vector<Group>& groups) {
  std::int64_t frames = header.samples;
  for (const Group& group : groups) {
    const WfdbSignalSpec& spec = header.signals[group.first];
    if (spec.format == kNullSignal || is_flac_format(spec.format)) continue;
    const fs::path path = wfdb_signal_path(header, spec);
    const std::int64_t size = size_of(path);
    const std::int64_t bytes = spec.byte_offset + wfdb_bytes(spec.format, header.samples * group.per_frame);
    if (size >= bytes) continue;
    const std::int64_t body = std::max<std::int64_t>(size - spec.byte_offset, 0);
    const std::int64_t stored = wfdb_capacity(spec.format, body), whole = stored / header.samples;
    const std::int64_t there = stored / group.per_frame;
    if (whole > 0 && wfdb_bytes(spec.format, whole * header.samples) == body &&
        (there == 0 || !has_initial_values(path, header, group, whole)))
      throw Error(fmt::format("{}: {} bytes are {} samples for each of the {} announced, or all {} that the header "
                              "names for {} of them; initial values that would tell are missing or others",
                              path.string(), size, whole, header.samples, group.per_frame, there),
                  "If signals are not stored, delete their lines in the header; if the file ends early, correct the "
                  "number of samples in its first line, or fetch it again.");
    if (there == 0) fail_truncated(path, header, group, bytes, size);
    log_warning(
        "{}: {} bytes, expected {}: {} of {} samples are there and read; fetch the file again if it shall have all",
        path.string(), size, bytes, there, header.samples);
    frames = std::min(frames, there);
  }
  if (frames == header.samples) return;
  header.samples = frames;
  for (WfdbSignalSpec& signal : header.signals) signal.checksum.reset();  // They are of all samples.
}

// Checks what a header says of all its signals, and fills in its number of samples. Returns the files' signals.
std::vector<Group> prepare_header(WfdbHeader& header, WfdbFaults faults) {
  drop_placeholders(header);
  if (!header.segments.empty())
    throw Error(fmt::format("{}: the record consists of {} segments; single segments are expected here",
                            header.path.string(), header.segments.size()),
                "Give one of its segments instead: each is a record of its own.");
  if (header.signals.empty())
    throw Error(fmt::format("{}: the record has no signals", header.path.string()), "Expected at least one lead.");
  auto groups = groups_of(header);
  put_stored_first(header, groups);
  if (header.samples == 0) {
    const auto& spec = header.signals[groups.front().first];
    header.samples = frames_in_file(wfdb_signal_path(header, spec), spec, groups.front());
  }
  if (faults == WfdbFaults::kWarn) shorten_to_files(header, groups);
  std::int64_t per_frame = 0;
  for (const Group& group : groups) per_frame += group.per_frame;
  check_value_count(header, per_frame);
  warn_of_missing_rate(header);
  warn_of_missing_gains(header);
  return groups;
}

DigitalRecording read_signals(WfdbHeader prepared, const std::vector<Group>& groups, const std::vector<bool>& wanted,
                              WfdbFaults faults, const FileObserver& observer) {
  DigitalRecording recording;
  recording.header = std::move(prepared);
  recording.signals.resize(recording.header.signals.size());
  WfdbChecksums checksums(recording.header, faults);
  for (const Group& group : groups) read_group(group, wanted, observer, recording, checksums);
  checksums.warn();
  return recording;
}

}  // namespace

void warn_of_missing_rate(const WfdbHeader& header) {
  if (!header.rate_known)
    log_warning("{}: no sampling rate; {:g} Hz is assumed, as WFDB prescribes", header.path.string(), header.rate);
}

void check_wfdb_sizes(WfdbHeader& header) {
  for (const Group& group : prepare_header(header, WfdbFaults::kWarn)) {
    const WfdbSignalSpec& spec = header.signals[group.first];
    checked_size(wfdb_signal_path(header, spec), header, group,
                 spec.byte_offset + wfdb_bytes(spec.format, header.samples * group.per_frame));
  }
}

WfdbChecksums::WfdbChecksums(const WfdbHeader& header, WfdbFaults faults) : header_(header), faults_(faults) {}

void WfdbChecksums::compare(const WfdbSignalSpec& spec, std::uint16_t checksum) {
  if (!spec.checksum || *spec.checksum == checksum) return;
  if (faults_ == WfdbFaults::kRefuse)
    throw Error(fmt::format("{}: lead {}: the samples' checksum is {}, the header says {}",
                            wfdb_signal_path(header_, spec).string(), spec.name, checksum, *spec.checksum),
                "The signal file was changed or damaged after its header was written; fetch the record again.");
  differing_.push_back(fmt::format("{} ({}, the header says {})", spec.name, checksum, *spec.checksum));
}

void WfdbChecksums::warn() const {
  if (!differing_.empty())
    log_warning(
        "{}: the samples have other checksums than the header says: lead {}; the record was cut or edited without "
        "them, or it is damaged",
        header_.path.string(), fmt::join(differing_, ", "));
}

DigitalRecording read_wfdb_digital(const fs::path& record, const FileObserver& observer) {
  WfdbHeader header = read_wfdb_header(record, observer);
  const std::vector<Group> groups = prepare_header(header, WfdbFaults::kRefuse);
  const std::vector<bool> all(header.signals.size(), true);
  return read_signals(std::move(header), groups, all, WfdbFaults::kRefuse, observer);
}

void keep_wfdb_files(WfdbHeader& header, std::vector<std::size_t>& leads) {
  std::vector<WfdbSignalSpec> kept;
  std::vector<std::size_t> positions(header.signals.size());
  const auto is_needed = [&](const WfdbSignalSpec& spec) {
    return std::any_of(leads.begin(), leads.end(),
                       [&](std::size_t lead) { return header.signals[lead].file == spec.file; });
  };
  for (std::size_t i = 0; i < header.signals.size(); ++i) {
    if (!is_needed(header.signals[i])) continue;
    positions[i] = kept.size();
    kept.push_back(header.signals[i]);
  }
  header.signals = std::move(kept);
  for (std::size_t& lead : leads) lead = positions[lead];
}

DigitalRecording read_wfdb_signals(WfdbHeader header, const std::vector<std::size_t>& leads) {
  const std::vector<Group> groups = prepare_header(header, WfdbFaults::kWarn);
  std::vector<bool> wanted(header.signals.size(), false);
  for (const std::size_t lead : leads) wanted[lead] = true;
  return read_signals(std::move(header), groups, wanted, WfdbFaults::kWarn, {});
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
