#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstddef>
#include <utility>

#include <fmt/format.h>

#include "base/error.h"
#include "base/file.h"
#include "data/wfdb.h"

namespace cardiograd::data {
namespace {

constexpr double kLargest = 32767;
constexpr std::int16_t kInvalid = -32768;

bool is_record_name(const std::string& name) {
  return !name.empty() && std::all_of(name.begin(), name.end(),
                                      [](unsigned char c) { return std::isalnum(c) != 0 || c == '_' || c == '-'; });
}

void check_writable(const std::string& name, const ecg::Recording& recording, double gain) {
  const auto refuse = [&](const std::string& message) {
    throw Error(fmt::format("record '{}': {}", name, message), "WFDB headers cannot hold this.");
  };
  if (!is_record_name(name)) refuse("the name must consist of letters, digits, '_' and '-'");
  if (!(gain > 0) || !std::isfinite(gain)) refuse(fmt::format("gain {}, expected more than 0", gain));
  if (!(recording.rate > 0) || !std::isfinite(recording.rate))
    refuse(fmt::format("sampling rate {}, expected more than 0", recording.rate));
  const auto leads = static_cast<std::size_t>(recording.signal.cols());
  if (leads == 0 || recording.signal.rows() == 0 || leads != recording.leads.size() || leads != recording.units.size())
    refuse(fmt::format("a signal of {} x {} with {} lead names and {} units", recording.signal.rows(), leads,
                       recording.leads.size(), recording.units.size()));
  for (const auto& lead : recording.leads)
    if (lead.empty() || lead.find_first_of("\r\n") != std::string::npos) refuse(fmt::format("lead name {:?}", lead));
  for (const auto& unit : recording.units)
    if (unit.empty() || unit.find_first_of(" \t\r\n\f\v") != std::string::npos) refuse(fmt::format("unit {:?}", unit));
  for (const auto& comment : recording.comments)
    if (comment.find_first_of("\r\n") != std::string::npos) refuse(fmt::format("comment {:?}", comment));
}

std::int16_t quantized(const std::string& name, const ecg::Recording& recording, Eigen::Index t, Eigen::Index lead,
                       double gain) {
  const double value = recording.signal(t, lead);
  if (std::isnan(value)) return kInvalid;
  const double steps = std::round(value * gain);
  if (!(std::abs(steps) <= kLargest)) {
    const double largest = recording.signal.isNaN().select(0.0, recording.signal).abs().maxCoeff();
    throw Error(fmt::format("record '{}': lead {}, sample {}: {} {} does not fit into 16 bits at gain {}", name,
                            recording.leads[static_cast<std::size_t>(lead)], t, value,
                            recording.units[static_cast<std::size_t>(lead)], gain),
                fmt::format("The largest gain that fits is {:.6g}.", kLargest / largest));
  }
  return static_cast<std::int16_t>(steps);
}

}  // namespace

WfdbFiles encode_wfdb(const std::string& name, const ecg::Recording& recording, double gain) {
  check_writable(name, recording, gain);
  const Eigen::Index samples = recording.signal.rows();
  const Eigen::Index leads = recording.signal.cols();
  std::string bytes;
  bytes.reserve(static_cast<std::size_t>(samples * leads) * 2);
  std::vector<std::int16_t> first(static_cast<std::size_t>(leads));
  std::vector<std::uint32_t> sums(static_cast<std::size_t>(leads));
  for (Eigen::Index t = 0; t < samples; ++t) {
    for (Eigen::Index lead = 0; lead < leads; ++lead) {
      const std::int16_t sample = quantized(name, recording, t, lead, gain);
      const auto column = static_cast<std::size_t>(lead);
      if (t == 0) first[column] = sample;
      sums[column] += static_cast<std::uint32_t>(sample);
      bytes += static_cast<char>(sample & 0xFF);
      bytes += static_cast<char>((sample >> 8) & 0xFF);
    }
  }
  std::string header = fmt::format("{} {} {} {}\n", name, leads, recording.rate, samples);
  for (std::size_t lead = 0; lead < first.size(); ++lead)
    header += fmt::format("{}.dat 16 {}(0)/{} 16 0 {} {} 0 {}\n", name, gain, recording.units[lead], first[lead],
                          static_cast<std::int16_t>(sums[lead]), recording.leads[lead]);
  for (const auto& comment : recording.comments) header += fmt::format("# {}\n", comment);
  return {std::move(header), std::move(bytes)};
}

void write_wfdb(const std::filesystem::path& folder, const std::string& name, const ecg::Recording& recording,
                double gain) {
  const WfdbFiles files = encode_wfdb(name, recording, gain);
  write_file(folder / (name + ".dat"), files.samples);
  write_file(folder / (name + ".hea"), files.header);
}

}  // namespace cardiograd::data
