#include "data/wfdb_segments.h"

#include <algorithm>
#include <limits>

#include <fmt/format.h>

#include "base/error.h"
#include "data/wfdb.h"
#include "ecg/channels.h"
#include "ecg/leads.h"
#include "ecg/units.h"

namespace cardiograd::data {
namespace {

constexpr const char* kGap = "~";
constexpr const char* kContradiction = "The segments do not belong to this header; fetch the record again.";

// Where the lead `wanted` stands among the segment's signals: by its name, in any case, or in any of the usual
// spellings
// ("aVR", "AVR", "Lead aVR"); their number where it is not there.
std::size_t find_signal(const std::vector<std::string>& names, const std::string& wanted) {
  if (const auto exact = std::find(names.begin(), names.end(), wanted); exact != names.end())
    return static_cast<std::size_t>(exact - names.begin());
  if (const auto same = ecg::find_lead(names, wanted)) return *same;
  const auto lead = ecg::standard_lead(wanted);
  const auto leads = ecg::standard_leads(names);
  return lead ? static_cast<std::size_t>(std::find(leads.begin(), leads.end(), lead) - leads.begin()) : names.size();
}

std::filesystem::path path_of(const WfdbHeader& header, const WfdbSegment& segment) {
  return header.path.parent_path() / (segment.record + ".hea");
}

// The header that names the signals of the whole record.
WfdbHeader layout_of(const WfdbHeader& header) {
  for (const WfdbSegment& segment : header.segments)
    if (segment.record != kGap) return read_wfdb_header(path_of(header, segment));
  throw Error(fmt::format("{}: all {} segments are gaps", header.path.string(), header.segments.size()),
              "Fetch the record again.");
}

// Fills the rows from `first` frames on with what the segment has of the chosen signals.
void place(const WfdbHeader& header, const WfdbSegment& segment, std::int64_t first, const WfdbHeader& layout,
           const ecg::ChannelChoice& choice, bool by_name, ecg::Recording& recording) {
  const DigitalRecording digital = read_wfdb_digital(path_of(header, segment));
  const auto fail = [&](const std::string& what) {
    throw Error(fmt::format("{}: {}", digital.header.path.string(), what), kContradiction);
  };
  if (digital.header.samples != segment.samples)
    fail(fmt::format("{} samples, {} announces {}", digital.header.samples, header.path.string(), segment.samples));
  if (digital.header.rate != header.rate)
    fail(fmt::format("{} frames per second, {} says {}", digital.header.rate, header.path.string(), header.rate));
  for (std::size_t i = 0; i < choice.leads.size(); ++i) {
    const WfdbSignalSpec& wanted = layout.signals[choice.leads[i]];
    std::size_t lead = choice.leads[i];
    if (by_name) {
      const auto names = digital.header.leads();
      lead = find_signal(names, wanted.name);
      if (lead == names.size()) continue;
    }
    if (lead >= digital.header.signals.size()) fail(fmt::format("signal {} is missing", wanted.name));
    const WfdbSignalSpec& spec = digital.header.signals[lead];
    if (spec.samples_per_frame != wanted.samples_per_frame)
      fail(fmt::format("signal {} has {} samples per frame, expected {}", spec.name, spec.samples_per_frame,
                       wanted.samples_per_frame));
    const std::string unit = ecg::canonical_unit(spec.unit);
    const auto scale = ecg::millivolts_per_unit(unit), expected = ecg::millivolts_per_unit(recording.units[i]);
    if (unit != recording.units[i] && (!scale || !expected))
      fail(fmt::format("signal {} is in '{}', expected '{}'", spec.name, unit, recording.units[i]));
    const double factor = unit == recording.units[i] ? 1 : *scale / *expected;
    auto row = static_cast<Eigen::Index>(first * wanted.samples_per_frame);
    for (const std::int32_t sample : digital.signals[lead]) {
      if (sample != kInvalidSample)
        recording.signal(row, static_cast<Eigen::Index>(i)) =
            static_cast<double>(std::int64_t{sample} - spec.baseline) / spec.gain * factor;
      ++row;
    }
  }
}

}  // namespace

ecg::Recording read_wfdb_segments(const WfdbHeader& header) {
  warn_of_missing_rate(header);
  const WfdbHeader layout = layout_of(header);
  const bool by_name = header.segments.front().samples == 0;
  std::vector<ecg::Channel> channels;
  for (const WfdbSignalSpec& spec : layout.signals)
    channels.push_back({spec.name, ecg::canonical_unit(spec.unit), header.rate * spec.samples_per_frame});
  const ecg::ChannelChoice choice = ecg::choose_ecg_channels(channels);
  ecg::require_leads(choice, header.path.string());

  ecg::Recording recording{header.path.string(), choice.rate, {}, {}, {}, header.comments, choice.others, header.start};
  for (const std::string& comment : layout.comments) recording.comments.push_back(comment);
  for (const std::size_t i : choice.leads) {
    recording.leads.push_back(channels[i].name);
    recording.units.push_back(channels[i].unit);
  }
  std::int64_t frames = 0;
  for (const WfdbSegment& segment : header.segments) frames += segment.samples;
  if (header.samples != 0 && frames != header.samples)
    throw Error(fmt::format("{}: the segments have {} samples, the record line announces {}", header.path.string(),
                            frames, header.samples),
                kContradiction);
  const std::int64_t width = layout.signals[choice.leads.front()].samples_per_frame;
  if (frames > kMaxWfdbValues / width / static_cast<std::int64_t>(choice.leads.size()))
    throw Error(fmt::format("{}: {} samples of {} leads are more than this reader takes ({})", header.path.string(),
                            frames * width, choice.leads.size(), kMaxWfdbValues),
                "Give its segments one by one.");
  recording.signal.setConstant(frames * width, static_cast<Eigen::Index>(choice.leads.size()),
                               std::numeric_limits<double>::quiet_NaN());
  std::int64_t first = 0;
  for (const WfdbSegment& segment : header.segments) {
    if (segment.record != kGap && segment.samples > 0)
      place(header, segment, first, layout, choice, by_name, recording);
    first += segment.samples;
  }
  return recording;
}

}  // namespace cardiograd::data
