// The heartbeats of recordings of any length, found and handed out in pieces.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "data/beats.h"
#include "data/recording_stream.h"
#include "dsp/features/signal_quality.h"

namespace cardiograd::data {

// Some beats of a recording, one after the other. Times of `beats` are seconds from the recording's start.
struct BeatPiece {
  std::size_t first = 0;      // the number of its first beat in the recording, from 0
  dsp::RPeaks peaks;          // of these beats alone, as is all that follows; all gaps
  dsp::Delineation waves;     // one lead for each of the recording
  dsp::WorkingSignal signal;  // around them; its first sample is at `signal_start_s`
  double signal_start_s = 0;

  // The waves in seconds from the first sample of `signal`.
  dsp::Delineation waves_in_signal() const;
};

// A recording is one piece when it is no longer than this and has no more samples in all of its leads: some 240 MB are
// in use for the latter.
inline constexpr double kLongestWhole = 1200;  // s
inline constexpr std::int64_t kMaxWhole = 3'000'000;
bool is_one_piece(const RecordingStream& recording);

class BeatStream {
 public:
  // Finds the R peaks of a recording. One that is not looked at as a whole is so in pieces of kPieceSeconds with
  // kOverlapSeconds more on either side; its leads are taken as recorded at once. Refers to `recording`, which must
  // outlive it. Throws what reading and detect_r_peaks throw.
  explicit BeatStream(const RecordingStream& recording) : BeatStream(recording, is_one_piece(recording)) {}
  BeatStream(const RecordingStream& recording, bool whole);

  static constexpr double kPieceSeconds = 300;
  static constexpr double kOverlapSeconds = 60;  // more than any filter or local level of the detection reaches

  const RecordingStream& recording() const { return recording_; }
  bool whole() const { return whole_; }
  const std::string& unit() const { return unit_; }  // Beats::unit
  const dsp::RPeaks& peaks() const { return peaks_; }

  // Calls `use` with each piece in the order of time; some of them are computed in parallel. Beats are grouped as in
  // the whole recording, so that waves do not depend on where pieces begin. A recording without beats has one piece
  // without any.
  void each_piece(const std::function<void(const BeatPiece&)>& use) const;

  // Calls `use` with stretches of kPieceSeconds of the signal (the last one up to twice as long), in order, in the
  // common unit of the leads where there is one. `prepare` is called before with the same, from any thread.
  void each_stretch(const std::function<void(std::size_t index, const ecg::Recording& part)>& prepare,
                    const std::function<void(std::size_t index)>& use) const;
  std::size_t stretches() const;

 private:
  struct Range {
    std::size_t first, last;  // beats
  };
  ecg::Recording part(std::int64_t first, std::int64_t count) const;
  void find_peaks();
  std::vector<Range> ranges() const;
  BeatPiece whole_piece() const;
  BeatPiece piece(const Range& own) const;

  const RecordingStream& recording_;
  bool whole_;
  std::string unit_;
  dsp::RPeaks peaks_;
};

}  // namespace cardiograd::data
