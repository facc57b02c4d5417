#include "dsp/delineation/pause_waves.h"

#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

#include "dsp/delineation/r_peaks.h"
#include "dsp/statistics.h"
#include "tests/dsp/synthetic_ecg.h"

namespace cardiograd::dsp {
namespace {

constexpr double kRate = 250.0;
const std::vector<SyntheticWave> kP = {kSinusBeat[0]};

struct Pauses {
  Eigen::ArrayXXd signal;
  std::vector<double> beats_s, alone_s;  // R peaks; where R peaks would be behind P waves that none follows.
};

// 20 s of sinus rhythm of which the ventricles leave `lost` of every `cycle` beats out, and P waves go on.
Pauses with_pauses(std::size_t cycle, std::size_t lost, Eigen::Index leads) {
  Pauses pauses;
  const auto all = regular_beats(20.0, 0.8);
  for (std::size_t i = 0; i < all.size(); ++i)
    (i % cycle < cycle - lost ? pauses.beats_s : pauses.alone_s).push_back(all[i]);
  pauses.signal = synthetic_ecg(pauses.beats_s, 20.0, kRate, leads, 0.002) +
                  synthetic_ecg(pauses.alone_s, 20.0, kRate, leads, 0.002, kP);
  return pauses;
}

TEST(PauseWaves, PWavesThatNoComplexFollowsAreNoBeats) {
  for (const std::size_t lost : {3U, 5U, 7U}) {
    for (const Eigen::Index leads : {1, 2, 12}) {
      const Pauses pauses = with_pauses(10, lost, leads);
      const RPeaks found = detect_r_peaks(pauses.signal, kRate);
      ASSERT_EQ(found.times_s.size(), pauses.beats_s.size()) << lost << " " << leads;
      for (std::size_t i = 0; i < found.times_s.size(); ++i) EXPECT_NEAR(found.times_s[i], pauses.beats_s[i], 0.02);
    }
  }
}

// Which are candidates, and what of them stays.
struct Taken {
  std::vector<Eigen::Index> at;
  std::vector<char> taken;

  void add(const std::vector<double>& times_s, double delay_s) {
    for (const double time : times_s) at.push_back(std::lround((time + delay_s) * kRate));
    std::sort(at.begin(), at.end());
    taken.assign(at.size(), 1);
  }
};

TEST(PauseWaves, OnlyWhatIsLikeTheWaveBeforeBeatsIsDropped) {
  const Pauses pauses = with_pauses(6, 3, 2);
  Taken with_p;
  with_p.add(pauses.beats_s, 0.0);
  with_p.add(pauses.alone_s, kP[0].delay_s);
  drop_waves_of_pauses(pauses.signal, kRate, with_p.at, with_p.taken);
  EXPECT_EQ(static_cast<std::size_t>(std::count(with_p.taken.begin(), with_p.taken.end(), 1)), pauses.beats_s.size());
  // Small beats of another shape stay, whether escape beats in pauses or early ones.
  std::vector<SyntheticWave> small = {{-0.02, -0.1, 0.02}, {0.02, 0.2, 0.02}, {0.3, 0.05, 0.05}};
  const Eigen::ArrayXXd x = synthetic_ecg(pauses.beats_s, 20.0, kRate, 2, 0.002) +
                            synthetic_ecg(pauses.alone_s, 20.0, kRate, 2, 0.002, small);
  Taken all;
  all.add(pauses.beats_s, 0.0);
  all.add(pauses.alone_s, 0.0);
  drop_waves_of_pauses(x, kRate, all.at, all.taken);
  EXPECT_EQ(std::count(all.taken.begin(), all.taken.end(), 1), static_cast<std::ptrdiff_t>(all.at.size()));
}

// Pauses of 5 s in noise of 18 dB.
TEST(PauseWaves, NoiseIsNoBeat) {
  std::size_t beats = 0, found = 0;
  for (const Eigen::Index leads : {1, 2, 12}) {
    for (const std::uint64_t seed : {1U, 2U, 3U, 4U}) {
      std::vector<double> at_s;
      for (const double beat : regular_beats(20.0, 0.8)) {
        if (std::fmod(beat, 7.5) < 2.5) at_s.push_back(beat);
      }
      Eigen::ArrayXXd x = synthetic_ecg(at_s, 20.0, kRate, leads, 0.0);
      PhiloxStream random(seed);
      const double sd = std::sqrt(x.square().mean()) / std::pow(10.0, 18.0 / 20.0);
      for (double& sample : x.reshaped()) sample += sd * random.normal();
      beats += at_s.size();
      const RPeaks peaks = detect_r_peaks(x, kRate);
      found += peaks.times_s.size();
    }
  }
  EXPECT_EQ(found, beats);
}

// Heights that alternate: what comes before the large beats is the small one itself.
TEST(PauseWaves, SmallBeatsBeforeLargeOnesStay) {
  const auto all = regular_beats(12.0, 0.34);
  std::vector<double> large, small;
  for (std::size_t i = 0; i < all.size(); ++i) (i % 2 == 0 ? large : small).push_back(all[i]);
  const std::vector<SyntheticWave> qrs(kSinusBeat.begin() + 1, kSinusBeat.begin() + 4);
  const Eigen::ArrayXXd x =
      synthetic_ecg(large, 12.0, kRate, 2, 0.002, qrs) + 0.3 * synthetic_ecg(small, 12.0, kRate, 2, 0.002, qrs);
  Taken both;
  both.add(all, 0.0);
  drop_waves_of_pauses(x, kRate, both.at, both.taken);
  EXPECT_EQ(std::count(both.taken.begin(), both.taken.end(), 1), static_cast<std::ptrdiff_t>(all.size()));
}

// A gap is no pause: the beats at its ends stay, however much of them it takes.
TEST(PauseWaves, BeatsBesideAGapStay) {
  const auto beats = regular_beats(20.0, 0.8);
  for (const double margin_s : {0.01, 0.03, 0.06}) {
    for (const Eigen::Index leads : {1, 2, 12}) {
      Eigen::ArrayXXd x = synthetic_ecg(beats, 20.0, kRate, leads, 0.002);
      const auto from = std::lround((beats[8] + margin_s) * kRate), to = std::lround((beats[14] - margin_s) * kRate);
      x.middleRows(from, to - from).setConstant(kMissing);
      Taken with_gap;
      std::vector<double> seen_s(beats.begin(), beats.begin() + 9);
      seen_s.insert(seen_s.end(), beats.begin() + 14, beats.end());
      with_gap.add(seen_s, 0.0);
      drop_waves_of_pauses(x, kRate, with_gap.at, with_gap.taken);
      EXPECT_EQ(std::count(with_gap.taken.begin(), with_gap.taken.end(), 1), static_cast<std::ptrdiff_t>(seen_s.size()))
          << margin_s << " " << leads;
    }
  }
}

TEST(PauseWaves, TakesWhatItIsGiven) {
  std::vector<char> none;
  drop_waves_of_pauses(Eigen::ArrayXXd::Zero(100, 2), kRate, {}, none);
  std::vector<Eigen::Index> at = {0, 99};
  std::vector<char> taken = {1, 1};
  drop_waves_of_pauses(Eigen::ArrayXXd::Constant(100, 2, kMissing), kRate, at, taken);
  EXPECT_EQ(taken, (std::vector<char>{1, 1}));
}

}  // namespace
}  // namespace cardiograd::dsp
