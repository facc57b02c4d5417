#include "data/source_leads.h"

#include <cmath>
#include <cstddef>

#include <fmt/format.h>

#include "base/error.h"
#include "ecg/channels.h"
#include "ecg/units.h"

namespace cardiograd::data {

ecg::Recording recording_of(const SourceLeads& source, const std::filesystem::path& path) {
  const auto fail = [&](const std::string& what) {
    throw Error(fmt::format("{}: {}", path.string(), what),
                "The file is damaged or of a kind that is not known; export the ECG again, as EDF, WFDB or CSV.");
  };
  if (source.leads.empty()) fail("no rhythm with leads");
  if (!(source.rate > 0) || !std::isfinite(source.rate)) fail(fmt::format("the sampling rate is {}", source.rate));
  std::vector<ecg::Channel> channels;
  for (const SourceLead& lead : source.leads) channels.push_back({lead.name, ecg::canonical_unit(lead.unit)});
  const ecg::ChannelChoice choice = ecg::choose_ecg_channels(channels);
  ecg::require_leads(choice, path.string());
  const std::size_t length = source.leads[choice.leads.front()].samples.size();
  if (length == 0) fail(fmt::format("{}: no samples", source.leads[choice.leads.front()].name));
  ecg::Recording recording{path.string(), source.rate, {}, {}, {}, source.comments, choice.others, source.start};
  recording.signal.resize(static_cast<Eigen::Index>(length), static_cast<Eigen::Index>(choice.leads.size()));
  for (std::size_t i = 0; i < choice.leads.size(); ++i) {
    const SourceLead& lead = source.leads[choice.leads[i]];
    if (lead.samples.size() != length)
      fail(fmt::format("{} has {} samples, {} has {}", lead.name, lead.samples.size(),
                       source.leads[choice.leads.front()].name, length));
    recording.leads.push_back(lead.name);
    recording.units.push_back(channels[choice.leads[i]].unit);
    for (std::size_t t = 0; t < length; ++t)
      recording.signal(static_cast<Eigen::Index>(t), static_cast<Eigen::Index>(i)) = lead.samples[t];
  }
  return recording;
}

}  // namespace cardiograd::data
