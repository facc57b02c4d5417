#include "data/source_leads.h"

#include <cmath>
#include <cstddef>
#include <map>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.h"
#include "base/log.h"
#include "ecg/channels.h"
#include "ecg/units.h"

namespace cardiograd::data {

namespace {

// The length that most of the leads have, the longest of several such; a sample less where leads have that.
std::size_t common_length(const SourceLeads& source, const std::vector<std::size_t>& leads) {
  std::map<std::size_t, int> counts;
  for (const std::size_t lead : leads) ++counts[source.leads[lead].samples.size()];
  std::size_t length = 0;
  int most = 0;
  for (const auto& [samples, count] : counts) {
    if (samples == 0 || count < most) continue;
    length = samples;
    most = count;
  }
  return length > 1 && counts.contains(length - 1) ? length - 1 : length;
}

}  // namespace

ecg::Recording recording_of(const SourceLeads& source, const std::filesystem::path& path) {
  const auto fail = [&](const std::string& what) {
    throw Error(fmt::format("{}: {}", path.string(), what),
                "The file is damaged or of a kind that is not known; export the ECG again, as EDF, WFDB or CSV.");
  };
  if (source.leads.empty()) fail("no rhythm with leads");
  if (!(source.rate > 0) || !std::isfinite(source.rate)) fail(fmt::format("the sampling rate is {}", source.rate));
  std::vector<ecg::Channel> channels;
  for (const SourceLead& lead : source.leads) channels.push_back({lead.name, ecg::canonical_unit(lead.unit)});
  ecg::ChannelChoice choice = ecg::choose_ecg_channels(channels);
  ecg::require_leads(choice, path.string());
  const std::size_t length = common_length(source, choice.leads);
  if (length == 0) fail(fmt::format("{}: no samples", source.leads[choice.leads.front()].name));
  std::vector<std::string> longer;
  std::erase_if(choice.leads, [&](std::size_t i) {
    const SourceLead& lead = source.leads[i];
    if (lead.samples.size() > length) longer.push_back(fmt::format("{} ({})", lead.name, lead.samples.size()));
    if (lead.samples.size() >= length) return false;
    choice.others.push_back({lead.name, fmt::format("{} samples, the others have {}", lead.samples.size(), length)});
    return true;
  });
  if (!longer.empty())
    log_warning("{}: of leads of different lengths the first {} samples are read; longer is {}", path.string(), length,
                fmt::join(longer, ", "));
  choice.others.insert(choice.others.end(), source.others.begin(), source.others.end());
  ecg::Recording recording{path.string(), source.rate, {}, {}, {}, source.comments, choice.others, source.start};
  recording.signal.resize(static_cast<Eigen::Index>(length), static_cast<Eigen::Index>(choice.leads.size()));
  for (std::size_t i = 0; i < choice.leads.size(); ++i) {
    const SourceLead& lead = source.leads[choice.leads[i]];
    recording.leads.push_back(lead.name);
    recording.units.push_back(channels[choice.leads[i]].unit);
    for (std::size_t t = 0; t < length; ++t)
      recording.signal(static_cast<Eigen::Index>(t), static_cast<Eigen::Index>(i)) = lead.samples[t];
  }
  return recording;
}

}  // namespace cardiograd::data
