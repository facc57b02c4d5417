#include "data/wfdb_segments.h"

#include <algorithm>
#include <limits>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.h"
#include "base/log.h"
#include "data/wfdb_leads.h"
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

// The header of a segment, which is a record of signals.
WfdbHeader read_segment(const WfdbHeader& header, const WfdbSegment& segment) {
  WfdbHeader part = read_wfdb_header(path_of(header, segment), {}, WfdbFaults::kWarn);
  if (part.segments.empty()) return part;
  throw Error(fmt::format("{}: its segment {} consists of segments itself", header.path.string(), segment.record),
              "Segments must be records of signals. Name those in its place, or give them one by one.");
}

// The header that names the signals of the whole record.
WfdbHeader layout_of(const WfdbHeader& header) {
  for (const WfdbSegment& segment : header.segments) {
    if (segment.record == kGap) continue;
    WfdbHeader layout = read_segment(header, segment);
    layout.rate = header.rate;
    if (!layout.signals.empty()) return layout;
  }
  throw Error(fmt::format("{}: all {} segments are gaps", header.path.string(), header.segments.size()),
              "Fetch the record again.");
}

[[noreturn]] void fail(const WfdbHeader& part, const std::string& what) {
  throw Error(fmt::format("{}: {}", part.path.string(), what), kContradiction);
}

bool has_no_names(const WfdbHeader& header) {
  for (std::size_t i = 0; i < header.signals.size(); ++i)
    if (header.signals[i].name != unnamed_wfdb_signal(i)) return false;
  return true;
}

// Where the signal `index` of the first segment stands in another one of a record of fixed layout. All segments have
// the same signals in the same order, but there are records whose segments have another order: names decide where both
// headers have them.
std::size_t signal_of_fixed_layout(const WfdbHeader& part, const WfdbHeader& layout, std::size_t index) {
  const std::string& wanted = layout.signals[index].name;
  const auto names = part.leads();
  std::size_t lead = index;
  if (const bool by_place = index < names.size() && find_signal({names[index]}, wanted) == 0;
      !by_place && !has_no_names(part) && !has_no_names(layout))
    lead = find_signal(names, wanted);
  if (lead >= names.size()) fail(part, fmt::format("signal {} is missing, {} has it", wanted, layout.path.string()));
  return lead;
}

// A segment of a fixed layout with other signals than the first: says what is not taken as the headers have it.
void check_fixed_layout(const WfdbHeader& part, const WfdbHeader& layout, const std::vector<std::size_t>& signals,
                        const ecg::ChannelChoice& choice) {
  auto sorted = signals;
  std::sort(sorted.begin(), sorted.end());
  if (const auto twice = std::adjacent_find(sorted.begin(), sorted.end()); twice != sorted.end())
    fail(part, fmt::format("signal {} would be two of those of {}", part.signals[*twice].name, layout.path.string()));
  if (signals != choice.leads)
    log_warning("{}: signals in another order than in {}; they are placed by their names", part.path.string(),
                layout.path.string());
  if (part.signals.size() <= layout.signals.size() || has_no_names(layout)) return;
  std::vector<std::string> surplus;
  const auto known = layout.leads();
  for (const std::size_t lead : choose_wfdb_leads(part).leads)
    if (find_signal(known, part.signals[lead].name) == known.size()) surplus.push_back(part.signals[lead].name);
  if (!surplus.empty())
    log_warning("{}: lead {} is not in {}, whose signals the record has, and left aside", part.path.string(),
                fmt::join(surplus, ", "), layout.path.string());
}

// A signal of a segment, the column of the recording that it fills, and what makes its values those of that column.
struct PlacedSignal {
  std::size_t signal;
  Eigen::Index column;
  double factor;
};

// The chosen signals that a segment has.
std::vector<PlacedSignal> placed_signals(const WfdbHeader& part, const WfdbHeader& layout,
                                         const ecg::ChannelChoice& choice, bool by_name,
                                         const ecg::Recording& recording) {
  std::vector<PlacedSignal> placed;
  const auto names = part.leads();
  std::vector<std::size_t> signals;
  for (const std::size_t lead : choice.leads)
    signals.push_back(by_name ? find_signal(names, layout.signals[lead].name)
                              : signal_of_fixed_layout(part, layout, lead));
  if (!by_name) check_fixed_layout(part, layout, signals, choice);
  for (std::size_t i = 0; i < choice.leads.size(); ++i) {
    const WfdbSignalSpec& wanted = layout.signals[choice.leads[i]];
    const std::size_t lead = signals[i];
    if (lead == names.size()) continue;
    const WfdbSignalSpec& spec = part.signals[lead];
    if (spec.fault) throw Error(*spec.fault);
    if (spec.format == kNullSignal) continue;
    if (spec.samples_per_frame != wanted.samples_per_frame)
      fail(part, fmt::format("signal {} has {} samples per frame, expected {}", spec.name, spec.samples_per_frame,
                             wanted.samples_per_frame));
    const std::string unit = ecg::canonical_unit(spec.unit);
    const auto scale = ecg::millivolts_per_unit(unit), expected = ecg::millivolts_per_unit(recording.units[i]);
    if (unit != recording.units[i] && (!scale || !expected))
      fail(part, fmt::format("signal {} is in '{}', expected '{}'", spec.name, unit, recording.units[i]));
    placed.push_back({lead, static_cast<Eigen::Index>(i), unit == recording.units[i] ? 1 : *scale / *expected});
  }
  return placed;
}

// Fills the rows from frame `first` on with what the segment has of the chosen signals.
void place(const WfdbHeader& header, const WfdbSegment& segment, std::int64_t first, const WfdbHeader& layout,
           const ecg::ChannelChoice& choice, bool by_name, ecg::Recording& recording) {
  WfdbHeader part = read_segment(header, segment);
  // A record that was cut ends within its last segment.
  const bool cut = &segment == &header.segments.back() && part.samples > segment.samples;
  if (part.samples != 0 && part.samples != segment.samples && !cut)
    fail(part, fmt::format("{} samples, {} announces {}", part.samples, header.path.string(), segment.samples));
  if (part.signals.empty()) return;  // A gap that has a header.
  if (part.rate != header.rate)
    fail(part, fmt::format("{} frames per second, {} says {}", part.rate, header.path.string(), header.rate));
  part.samples = segment.samples;
  for (WfdbSignalSpec& spec : part.signals)
    if (cut) spec.checksum.reset();  // It is of all samples.
  const std::vector<PlacedSignal> placed = placed_signals(part, layout, choice, by_name, recording);
  if (placed.empty()) return;
  std::vector<std::size_t> leads;
  leads.reserve(placed.size());
  for (const PlacedSignal& signal : placed) leads.push_back(signal.signal);
  keep_wfdb_files(part, leads);
  const DigitalRecording digital = read_wfdb_signals(std::move(part), leads);
  for (std::size_t i = 0; i < placed.size(); ++i) {
    const WfdbSignalSpec& spec = digital.header.signals[leads[i]];
    auto row = static_cast<Eigen::Index>(first * spec.samples_per_frame);
    for (const std::int32_t sample : digital.signals[leads[i]]) {
      if (sample != kInvalidSample)
        recording.signal(row, placed[i].column) =
            static_cast<double>(std::int64_t{sample} - spec.baseline) / spec.gain * placed[i].factor;
      ++row;
    }
  }
}

}  // namespace

ecg::Recording read_wfdb_segments(const WfdbHeader& header) {
  warn_of_missing_rate(header);
  const WfdbHeader layout = layout_of(header);
  const bool by_name = header.segments.front().samples == 0;
  if (!by_name && static_cast<std::int64_t>(layout.signals.size()) < header.announced_signals)
    fail(layout, fmt::format("{} signals, {} announces {} in each segment", layout.signals.size(), header.path.string(),
                             header.announced_signals));
  const ecg::ChannelChoice choice = choose_wfdb_leads(layout);

  ecg::Recording recording{header.path.string(), choice.rate, {}, {}, {}, header.comments, choice.others, header.start};
  for (const std::string& comment : layout.comments) recording.comments.push_back(comment);
  for (const std::size_t i : choice.leads) {
    recording.leads.push_back(layout.signals[i].name);
    recording.units.push_back(ecg::canonical_unit(layout.signals[i].unit));
  }
  std::int64_t frames = 0;
  for (const WfdbSegment& segment : header.segments) frames += segment.samples;
  if (header.missing_segments > 0)
    log_warning("{}: {} segments are announced, {} have a line and are read", header.path.string(),
                header.missing_segments + static_cast<std::int64_t>(header.segments.size()), header.segments.size());
  if (header.samples != 0 && frames != header.samples && header.missing_segments == 0)
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
