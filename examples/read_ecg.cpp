// Reads a recording and finds its heart beats.
//
//   read_ecg RECORD [--samples]     RECORD: a WFDB record, with or without extension, or a file of another format
//   (docs/formats.md)
//
// Prints the recording's leads, rate and unit, and the heart rate from its R peaks; with --samples a line for each lead
// instead of the heart rate. Exit status 2 for wrong use, 1 for a recording that cannot be read.
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <span>
#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.h"
#include "data/source_recording.h"
#include "dsp/delineation/r_peaks.h"
#include "dsp/features/rr_statistics.h"
#include "ecg/channels.h"

using namespace cardiograd;

namespace {

void print_samples(const ecg::Recording& recording) {
  for (std::size_t lead = 0; lead < recording.leads.size(); ++lead) {
    const auto samples = recording.signal.col(static_cast<Eigen::Index>(lead));
    const Eigen::Index missing = samples.isNaN().count();
    const double mean = samples.isNaN().select(0.0, samples).sum() / static_cast<double>(samples.size() - missing);
    fmt::print("lead        {}: {} samples, {} missing, mean {:.12g} {}\n", recording.leads[lead], samples.size(),
               missing, mean, recording.units[lead]);
  }
}

void print_record(const std::filesystem::path& path, bool samples) {
  const ecg::Recording recording = data::read_recording(path).recording;
  fmt::print("record      {}\n", path.filename().string());
  fmt::print("leads       {}\n", fmt::join(recording.leads, " "));
  fmt::print("units       {}\n", fmt::join(recording.units, " "));
  fmt::print("rate        {} Hz\n", recording.rate);
  fmt::print("duration    {:.1f} s\n", static_cast<double>(recording.signal.rows()) / recording.rate);
  if (!recording.others.empty()) fmt::print("left aside  {}\n", ecg::others_text(recording.others));
  if (samples) return print_samples(recording);

  const dsp::RPeaks peaks = dsp::detect_r_peaks(recording.signal, recording.rate);
  if (peaks.times_s.size() < 2) {
    fmt::print("heart rate  unknown: {}\n", peaks.times_s.empty() ? peaks.reason : "one beat only");
    return;
  }
  const double rr_ms = dsp::rr_statistics(dsp::rr_intervals_ms(peaks.times_s, peaks.gaps_s)).rr_mean_ms;
  if (std::isnan(rr_ms)) {
    fmt::print("heart rate  unknown: no interval between beats without missing samples\n");
    return;
  }
  fmt::print("heart rate  {:.0f} per minute, from {} R peaks\n", 60000 / rr_ms, peaks.times_s.size());
}

}  // namespace

int main(int argc, char** argv) {
  const std::span<char*> arguments(argv, static_cast<std::size_t>(argc));
  const bool samples = arguments.size() == 3 && std::string_view(arguments[2]) == "--samples";
  if (arguments.size() != 2 && !samples) {
    fmt::print(stderr, "error: {} arguments, expected one\nhint: read_ecg RECORD [--samples]\n",
               arguments.empty() ? 0 : arguments.size() - 1);
    return 2;
  }
  try {
    print_record(arguments[1], samples);
  } catch (const Error& error) {
    fmt::print(stderr, "error: {}\n", error.what());
    if (!error.hint().empty()) fmt::print(stderr, "hint: {}\n", error.hint());
    return 1;
  }
  return 0;
}
