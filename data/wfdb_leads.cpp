#include "data/wfdb_leads.h"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/error.h"
#include "ecg/units.h"

namespace cardiograd::data {
namespace {

// "line 3: gain is nan, expected ...", without the file.
std::string reason_of(const Error& fault, const WfdbHeader& header) {
  std::string text = fault.what();
  if (const std::string begin = header.path.string() + ":"; text.starts_with(begin))
    text = "line " + text.substr(begin.size());
  return text;
}

ecg::Recording physical_leads(const DigitalRecording& digital, const ecg::ChannelChoice& choice) {
  const WfdbHeader& header = digital.header;
  ecg::Recording recording{header.path.string(), choice.rate, {}, {}, {}, header.comments, choice.others, header.start};
  const auto samples = static_cast<Eigen::Index>(digital.signals.front().size());
  recording.signal.resize(samples, static_cast<Eigen::Index>(digital.signals.size()));
  for (std::size_t i = 0; i < digital.signals.size(); ++i) {
    const WfdbSignalSpec& spec = header.signals[i];
    recording.leads.push_back(spec.name);
    recording.units.push_back(ecg::canonical_unit(spec.unit));
    for (Eigen::Index t = 0; t < samples; ++t) {
      const std::int32_t sample = digital.signals[i][static_cast<std::size_t>(t)];
      recording.signal(t, static_cast<Eigen::Index>(i)) =
          sample == kInvalidSample ? std::numeric_limits<double>::quiet_NaN()
                                   : static_cast<double>(std::int64_t{sample} - spec.baseline) / spec.gain;
    }
  }
  return recording;
}

}  // namespace

ecg::ChannelChoice choose_wfdb_leads(const WfdbHeader& header) {
  std::vector<ecg::Channel> channels;
  for (const WfdbSignalSpec& spec : header.signals)
    channels.push_back({spec.name, ecg::canonical_unit(spec.unit), header.rate * spec.samples_per_frame});
  ecg::ChannelChoice choice = ecg::choose_ecg_channels(channels);
  const Error* fault = nullptr;
  std::vector<std::size_t> readable;
  for (const std::size_t lead : choice.leads) {
    const WfdbSignalSpec& spec = header.signals[lead];
    if (spec.fault) {
      if (fault == nullptr) fault = &*spec.fault;
      choice.others.push_back({spec.name, reason_of(*spec.fault, header)});
    } else {
      readable.push_back(lead);
    }
  }
  if (readable.empty() && fault != nullptr) throw Error(*fault);
  choice.leads = std::move(readable);
  ecg::require_leads(choice, header.path.string());
  return choice;
}

WfdbLeads read_wfdb_leads(WfdbHeader header) {
  ecg::ChannelChoice choice = choose_wfdb_leads(header);
  keep_wfdb_files(header, choice.leads);
  DigitalRecording all = read_wfdb_signals(std::move(header), choice.leads);
  WfdbLeads leads;
  leads.digital.header = all.header;
  leads.digital.header.signals.clear();
  for (const std::size_t lead : choice.leads) {
    leads.digital.header.signals.push_back(std::move(all.header.signals[lead]));
    leads.digital.signals.push_back(std::move(all.signals[lead]));
  }
  leads.recording = physical_leads(leads.digital, choice);
  return leads;
}

}  // namespace cardiograd::data
