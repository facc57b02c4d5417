// Reads a WFDB record and finds its heart beats.
//
//   read_ecg RECORD     RECORD: the path of a .hea file, with or without the extension
//
// Prints the record's leads, rate and unit, and the heart rate from its R peaks. Exit status 2 for wrong use, 1 for a
// record that cannot be read.
#include <cstdio>
#include <span>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.h"
#include "data/wfdb.h"
#include "dsp/delineation/r_peaks.h"

using namespace cardiograd;

namespace {

void print_record(const char* path) {
  const ecg::Recording recording = data::read_wfdb(path);
  fmt::print("record      {}\n", recording.name);
  fmt::print("leads       {}\n", fmt::join(recording.leads, " "));
  fmt::print("units       {}\n", fmt::join(recording.units, " "));
  fmt::print("rate        {} Hz\n", recording.rate);
  fmt::print("duration    {:.1f} s\n", static_cast<double>(recording.signal.rows()) / recording.rate);

  const dsp::RPeaks peaks = dsp::detect_r_peaks(recording.signal, recording.rate);
  if (peaks.times_s.size() < 2) {
    fmt::print("heart rate  unknown: {}\n", peaks.times_s.empty() ? peaks.reason : "one beat only");
    return;
  }
  const double seconds = peaks.times_s.back() - peaks.times_s.front();
  const auto intervals = static_cast<double>(peaks.times_s.size() - 1);
  fmt::print("heart rate  {:.0f} per minute, from {} R peaks\n", 60 * intervals / seconds, peaks.times_s.size());
}

}  // namespace

int main(int argc, char** argv) {
  const std::span<char*> arguments(argv, static_cast<std::size_t>(argc));
  if (arguments.size() != 2) {
    fmt::print(stderr, "error: {} arguments, expected one\nhint: read_ecg RECORD, the path of a WFDB header\n",
               arguments.empty() ? 0 : arguments.size() - 1);
    return 2;
  }
  try {
    print_record(arguments[1]);
  } catch (const Error& error) {
    fmt::print(stderr, "error: {}\n", error.what());
    if (!error.hint().empty()) fmt::print(stderr, "hint: {}\n", error.hint());
    return 1;
  }
  return 0;
}
