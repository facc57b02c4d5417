#include "data/beat_stream.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include <gtest/gtest.h>

#include "data/wfdb.h"
#include "tests/common/temporary_folder.h"

namespace cardiograd::data {
namespace {

// Ten minutes of two leads in memory: P, QRS and T at an interval that wanders, every 17th beat early and broad, noise.
class LongRecording : public RecordingStream {
 public:
  explicit LongRecording(double rate = 128, double seconds = 600) {
    samples_ = static_cast<std::int64_t>(rate * seconds);
    head_ = {"long", rate, {"I", "II"}, {"mV", "mV"}, Eigen::ArrayXXd(0, 2), {}};
    signal_ = Eigen::ArrayXXd::Zero(samples_, 2);
    const auto add = [&](double at, double height, double width) {
      const auto from = std::max<std::int64_t>(0, static_cast<std::int64_t>((at - 4 * width) * rate));
      const auto to = std::min(samples_, static_cast<std::int64_t>((at + 4 * width) * rate));
      for (std::int64_t t = from; t < to; ++t) {
        const double x = (static_cast<double>(t) / rate - at) / width;
        signal_(t, 0) += height * std::exp(-0.5 * x * x);
        signal_(t, 1) += 0.6 * height * std::exp(-0.5 * x * x);
      }
    };
    double at = 0.5;
    for (int beat = 0; at < seconds; ++beat) {
      const bool early = beat % 17 == 16;
      if (!early) add(at - 0.16, 0.12, 0.02);
      add(at, early ? 1.4 : 1.0, early ? 0.04 : 0.012);
      add(at + 0.28, early ? -0.3 : 0.25, 0.045);
      times_s.push_back(at);
      at += 0.85 + 0.12 * std::sin(0.37 * beat) - (beat % 17 == 15 ? 0.3 : 0.0);
    }
    std::uint32_t state = 1;
    for (double& value : signal_.reshaped()) {
      state = state * 1664525U + 1013904223U;
      value += 0.01 * (static_cast<double>(state >> 8) / (1 << 24) - 0.5);
    }
  }
  Eigen::ArrayXXd read(std::int64_t first, std::int64_t count) const override {
    return signal_.middleRows(first, count);
  }

  void lose(double from_s, double to_s) {
    const auto first = std::llround(from_s * head_.rate), end = std::llround(to_s * head_.rate);
    signal_.middleRows(first, end - first).setConstant(std::numeric_limits<double>::quiet_NaN());
  }

  std::vector<double> times_s;

 private:
  Eigen::ArrayXXd signal_;
};

struct All {
  std::vector<double> times_s;
  std::vector<ecg::BeatWaves> global;
  std::vector<std::vector<ecg::BeatWaves>> leads;
  int pieces = 0;
};

All all_of(const BeatStream& beats) {
  All all;
  beats.each_piece([&](const BeatPiece& piece) {
    EXPECT_EQ(piece.first, all.times_s.size());
    all.times_s.insert(all.times_s.end(), piece.peaks.times_s.begin(), piece.peaks.times_s.end());
    all.global.insert(all.global.end(), piece.waves.global.begin(), piece.waves.global.end());
    all.leads.resize(piece.waves.leads.size());
    for (std::size_t l = 0; l < all.leads.size(); ++l)
      all.leads[l].insert(all.leads[l].end(), piece.waves.leads[l].begin(), piece.waves.leads[l].end());
    ++all.pieces;
  });
  return all;
}

void expect_same(const ecg::Wave& a, const ecg::Wave& b) {
  const auto same = [](double x, double y) { return (std::isnan(x) && std::isnan(y)) || std::abs(x - y) < 1e-6; };
  EXPECT_TRUE(same(a.onset_s, b.onset_s)) << a.onset_s << " " << b.onset_s;
  EXPECT_TRUE(same(a.peak_s, b.peak_s)) << a.peak_s << " " << b.peak_s;
  EXPECT_TRUE(same(a.offset_s, b.offset_s)) << a.offset_s << " " << b.offset_s;
}

TEST(BeatStream, PiecesGiveWhatTheWholeRecordGives) {
  const LongRecording recording;
  const BeatStream whole(recording), streamed(recording, false);
  EXPECT_TRUE(whole.whole());
  EXPECT_FALSE(streamed.whole());
  const All expected = all_of(whole), found = all_of(streamed);
  EXPECT_EQ(expected.pieces, 1);
  EXPECT_GE(found.pieces, 2);
  EXPECT_NEAR(static_cast<double>(expected.times_s.size()), static_cast<double>(recording.times_s.size()), 1);
  ASSERT_EQ(found.times_s.size(), expected.times_s.size());
  ASSERT_EQ(found.leads.size(), 2U);
  std::size_t with_p = 0;
  for (std::size_t b = 0; b < found.times_s.size(); ++b) {
    SCOPED_TRACE(b);
    EXPECT_TRUE(std::isfinite(found.global[b].qrs.onset_s));
    if (std::isfinite(found.global[b].p.onset_s)) ++with_p;
    EXPECT_NEAR(found.times_s[b], expected.times_s[b], 1e-6);
    for (const auto wave : {&ecg::BeatWaves::p, &ecg::BeatWaves::qrs, &ecg::BeatWaves::t}) {
      expect_same(found.global[b].*wave, expected.global[b].*wave);
      for (std::size_t l = 0; l < 2; ++l) expect_same(found.leads[l][b].*wave, expected.leads[l][b].*wave);
    }
  }
  EXPECT_GT(10 * with_p, 8 * found.times_s.size());  // All but the early ones, one in 17, have one.
}

// Neither long ones nor those of many samples: both take memory in proportion when looked at as a whole.
TEST(BeatStream, WhatIsLongOrManyIsLookedAtInPieces) {
  class Sized : public RecordingStream {
   public:
    Sized(double rate, double seconds, std::size_t leads) {
      head_ = {"sized", rate, std::vector<std::string>(leads, "I"), {}, {}, {}};
      samples_ = static_cast<std::int64_t>(rate * seconds);
    }
    Eigen::ArrayXXd read(std::int64_t, std::int64_t) const override { return {}; }
  };
  EXPECT_TRUE(is_one_piece(Sized(500, 10, 12)));
  EXPECT_TRUE(is_one_piece(Sized(500, 500, 12)));
  EXPECT_FALSE(is_one_piece(Sized(500, 501, 12)));
  EXPECT_TRUE(is_one_piece(Sized(1000, 1200, 2)));
  EXPECT_FALSE(is_one_piece(Sized(1000, 1201, 2)));
  EXPECT_FALSE(is_one_piece(Sized(100, 1201, 0)));
  EXPECT_FALSE(is_one_piece(Sized(16000, 190, 1)));
}

TEST(BeatStream, ARecordWithoutBeatsIsOnePieceWithoutAny) {
  class Flat : public RecordingStream {
   public:
    Flat() {
      head_ = {"flat", 100, {"I"}, {"mV"}, Eigen::ArrayXXd(0, 1), {}};
      samples_ = 40000;
    }
    Eigen::ArrayXXd read(std::int64_t, std::int64_t count) const override { return Eigen::ArrayXXd::Zero(count, 1); }
  };
  const Flat flat;
  const BeatStream beats(flat, false);
  EXPECT_EQ(beats.peaks().reason, "all leads are flat or missing");
  const All all = all_of(beats);
  EXPECT_EQ(all.pieces, 1);
  EXPECT_TRUE(all.times_s.empty());
}

TEST(BeatStream, StretchesCoverTheRecordOnce) {
  const LongRecording recording(64, 1000);
  const BeatStream beats(recording, false);
  EXPECT_EQ(beats.stretches(), 3U);
  std::vector<std::int64_t> lengths(3);
  std::size_t next = 0;
  beats.each_stretch([&](std::size_t i, const ecg::Recording& part) { lengths[i] = part.signal.rows(); },
                     [&](std::size_t i) { EXPECT_EQ(i, next++); });
  EXPECT_EQ(lengths, (std::vector<std::int64_t>{300 * 64, 300 * 64, 400 * 64}));
}

// As in the whole recording: within a piece, across two of them, and at a seam.
TEST(BeatStream, GapsDoNotDependOnPieces) {
  LongRecording recording(128, 900);
  for (const auto& [from, to] : {std::pair{0.0, 1.5}, {40.0, 42.0}, {298.0, 303.0}, {600.0, 602.5}, {899.0, 900.0}})
    recording.lose(from, to);
  const BeatStream whole(recording, true), pieces(recording, false);
  ASSERT_EQ(whole.peaks().gaps_s.size(), 5U);
  ASSERT_EQ(pieces.peaks().gaps_s.size(), 5U);
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_NEAR(pieces.peaks().gaps_s[i].begin_s, whole.peaks().gaps_s[i].begin_s, 1e-9);
    EXPECT_NEAR(pieces.peaks().gaps_s[i].end_s, whole.peaks().gaps_s[i].end_s, 1e-9);
  }
}

}  // namespace
}  // namespace cardiograd::data
