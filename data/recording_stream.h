// A recording of any length, read in pieces: what does not fit into memory twice over.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>

#include <Eigen/Core>

#include "data/signal_csv.h"
#include "ecg/recording.h"

namespace cardiograd::data {

class RecordingStream {
 public:
  virtual ~RecordingStream() = default;

  // Everything but the samples: `signal` has no rows.
  const ecg::Recording& head() const { return head_; }
  std::int64_t samples() const { return samples_; }
  double seconds() const { return static_cast<double>(samples_) / head_.rate; }

  // The samples `first` ... `first + count - 1` of all leads (samples, leads), which must be there, in the units of
  // head(); NaN where one is missing. From any thread. Throws Error when the file cannot be read any more.
  virtual Eigen::ArrayXXd read(std::int64_t first, std::int64_t count) const = 0;

  // The whole recording, or a part of it.
  ecg::Recording recording() const { return recording(0, samples_); }
  ecg::Recording recording(std::int64_t first, std::int64_t count) const;

 protected:
  ecg::Recording head_;
  std::int64_t samples_ = 0;
};

// The recording that read_recording reads (its rules, its errors), without its samples in memory where the format lets
// one begin anywhere: WFDB records of one segment but for format 8, FLAC and skewed signals, and EDF and BDF files.
// Others are held in memory whole. Checksums are looked at once, here.
std::unique_ptr<RecordingStream> open_recording(const std::filesystem::path& path, const SignalCsvOptions& csv = {});

}  // namespace cardiograd::data
