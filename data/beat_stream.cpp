#include "data/beat_stream.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/threads.h"
#include "dsp/delineation/constants.h"
#include "ecg/units.h"

namespace cardiograd::data {
namespace {

constexpr std::size_t kNeighborhood = dsp::kBeatGroup.neighborhood_beats;
constexpr std::size_t kLongestNeighborhood = kNeighborhood + kNeighborhood / 2;
constexpr double kMargin = 10;  // s of signal beyond the beats, for the working signal's filter

void shift(double seconds, std::vector<ecg::BeatWaves>& beats) {
  for (ecg::BeatWaves& beat : beats) {
    for (ecg::Wave* wave : {&beat.p, &beat.qrs, &beat.t}) {
      wave->onset_s += seconds;
      wave->peak_s += seconds;
      wave->offset_s += seconds;
    }
  }
}

void shift(double seconds, dsp::Delineation& waves) {
  shift(seconds, waves.global);
  for (auto& lead : waves.leads) shift(seconds, lead);
}

// The beats `first` ... `last` - 1.
dsp::Delineation slice(const dsp::Delineation& waves, std::size_t first, std::size_t last) {
  const auto cut = [&](const auto& from) {
    using Values = std::decay_t<decltype(from)>;
    return Values(from.begin() + static_cast<std::ptrdiff_t>(first), from.begin() + static_cast<std::ptrdiff_t>(last));
  };
  dsp::Delineation own{cut(waves.global), cut(waves.p_hidden), {}};
  for (const auto& lead : waves.leads) own.leads.push_back(cut(lead));
  return own;
}

// Pieces that are computed at a time: no more than threads, nor so many that their samples take more than kMaxPieces
// bytes; what is computed from these takes some times as much.
std::size_t pieces_at_once(const RecordingStream& recording) {
  constexpr double kMaxPieces = 40e6;
  const double piece = (BeatStream::kPieceSeconds + 2 * BeatStream::kOverlapSeconds) * recording.head().rate *
                       static_cast<double>(recording.head().leads.size()) * sizeof(double);
  return static_cast<std::size_t>(
      std::clamp(kMaxPieces / piece, 1.0, static_cast<double>(std::max(1, thread_count()))));
}

// Calls `use(i, make(i))` in the order of i, for i below `count`; `at_once` of them are made in parallel.
template <class Make, class Use>
void in_order(std::size_t count, std::size_t at_once, Make make, Use use) {
  for (std::size_t first = 0; first < count; first += at_once) {
    std::vector<decltype(make(first))> made(std::min(at_once, count - first));
    parallel_for(static_cast<std::int64_t>(made.size()), [&](std::int64_t i) {
      made[static_cast<std::size_t>(i)] = make(first + static_cast<std::size_t>(i));
    });
    for (std::size_t i = 0; i < made.size(); ++i) use(first + i, made[i]);
  }
}

// Samples, rounded to a multiple of what pieces may begin at: blocks of the detection's levels and whole samples of the
// working signal then lie where they lie in the whole recording.
std::int64_t grid(double rate) {
  const auto block = std::max<std::int64_t>(1, std::lround(dsp::kRPeak.level_block_s * rate));
  const auto down = std::max<std::int64_t>(1, std::lround(rate / dsp::kWorkingSignal.rate_hz));
  return block * down;
}

}  // namespace

dsp::Delineation BeatPiece::waves_in_signal() const {
  dsp::Delineation local = waves;
  if (signal_start_s != 0) shift(-signal_start_s, local);
  return local;
}

bool is_one_piece(const RecordingStream& recording) {
  const auto leads = static_cast<std::int64_t>(std::max<std::size_t>(1, recording.head().leads.size()));
  return recording.seconds() <= kLongestWhole && recording.samples() <= kMaxWhole / leads;
}

BeatStream::BeatStream(const RecordingStream& recording, bool whole) : recording_(recording), whole_(whole) {
  unit_ = ecg::common_unit(recording.head().units).value_or("mixed");
  if (!whole_) find_peaks();
  if (whole_) peaks_ = dsp::detect_r_peaks(part(0, recording.samples()).signal, recording.head().rate);
}

ecg::Recording BeatStream::part(std::int64_t first, std::int64_t count) const {
  ecg::Recording part = recording_.recording(first, count);
  if (unit_ != "mixed") ecg::to_common_unit(part);
  return part;
}

void BeatStream::find_peaks() {
  const double rate = recording_.head().rate;
  const std::int64_t step = grid(rate), samples = recording_.samples();
  const auto length = std::max<std::int64_t>(1, std::llround(kPieceSeconds * rate) / step) * step;
  const auto overlap = std::max<std::int64_t>(1, std::llround(kOverlapSeconds * rate) / step) * step;
  const auto count = static_cast<std::size_t>((samples + length - 1) / length);
  in_order(
      count, pieces_at_once(recording_),
      [&](std::size_t i) {
        const std::int64_t own = static_cast<std::int64_t>(i) * length;
        const std::int64_t from = std::max<std::int64_t>(0, own - overlap);
        const std::int64_t to = std::min(samples, own + length + overlap);
        dsp::RPeaks found = dsp::detect_r_peaks(part(from, to - from).signal, rate);
        const double start_s = static_cast<double>(from) / rate, own_s = static_cast<double>(own) / rate;
        const double end_s = static_cast<double>(own + length) / rate;
        for (double& time : found.times_s) time += start_s;
        std::erase_if(found.times_s, [&](double time) { return time < own_s || (i + 1 < count && time >= end_s); });
        for (dsp::Gap& gap : found.gaps_s)
          gap = {std::max(gap.begin_s + start_s, own_s), std::min(gap.end_s + start_s, end_s)};
        std::erase_if(found.gaps_s, [](const dsp::Gap& gap) { return gap.begin_s >= gap.end_s; });
        return found;
      },
      [&](std::size_t, const dsp::RPeaks& found) {
        for (const double time : found.times_s) {
          // At a seam two pieces may place one beat on either side.
          if (peaks_.times_s.empty() || time - peaks_.times_s.back() >= dsp::kRPeak.separation_s / 2)
            peaks_.times_s.push_back(time);
        }
        for (const dsp::Gap& gap : found.gaps_s) {
          const bool goes_on = !peaks_.gaps_s.empty() && gap.begin_s <= peaks_.gaps_s.back().end_s;
          if (goes_on) peaks_.gaps_s.back().end_s = gap.end_s;
          if (!goes_on) peaks_.gaps_s.push_back(gap);
        }
        if (peaks_.reason.empty()) peaks_.reason = found.reason;
      });
  if (!peaks_.times_s.empty()) peaks_.reason.clear();
}

std::vector<BeatStream::Range> BeatStream::ranges() const {
  std::vector<Range> ranges;
  const std::size_t beats = peaks_.times_s.size();
  for (std::size_t first = 0; first < beats;) {
    std::size_t last = first;
    do {
      last += kNeighborhood;
      if (last >= beats || beats - last < kLongestNeighborhood) last = beats;
    } while (last < beats && peaks_.times_s[last] - peaks_.times_s[first] < kPieceSeconds);
    ranges.push_back({first, last});
    first = last;
  }
  return ranges;
}

BeatPiece BeatStream::whole_piece() const {
  const ecg::Recording recording = part(0, recording_.samples());
  BeatPiece piece;
  piece.peaks = peaks_;
  if (peaks_.times_s.empty()) {
    piece.waves = dsp::delineate(recording.signal, recording.rate, {});
  } else {
    piece.signal = dsp::working_signal(recording.signal, recording.rate);
    piece.waves = dsp::delineate(piece.signal, piece.peaks);
  }
  return piece;
}

BeatPiece BeatStream::piece(const Range& own) const {
  const double rate = recording_.head().rate;
  const std::vector<double>& all = peaks_.times_s;
  // A neighborhood more on either side: the intervals around the outermost beats count, and the groups are the same.
  const std::size_t first = own.first < kNeighborhood ? 0 : own.first - kNeighborhood;
  const std::size_t last = std::min(all.size(), own.last + kNeighborhood);
  const std::int64_t step = grid(rate);
  const auto from = std::max<std::int64_t>(0, static_cast<std::int64_t>((all[first] - kMargin) * rate) / step * step);
  const auto to = std::min(recording_.samples(), static_cast<std::int64_t>((all[last - 1] + kMargin) * rate));
  BeatPiece piece;
  piece.first = own.first;
  piece.signal_start_s = static_cast<double>(from) / rate;
  piece.signal = dsp::working_signal(part(from, to - from).signal, rate);
  std::vector<double> times_s(all.begin() + static_cast<std::ptrdiff_t>(first),
                              all.begin() + static_cast<std::ptrdiff_t>(last));
  for (double& time : times_s) time -= piece.signal_start_s;
  piece.waves =
      slice(dsp::delineate(piece.signal, std::span<const double>(times_s)), own.first - first, own.last - first);
  shift(piece.signal_start_s, piece.waves);
  piece.peaks.times_s.assign(all.begin() + static_cast<std::ptrdiff_t>(own.first),
                             all.begin() + static_cast<std::ptrdiff_t>(own.last));
  piece.peaks.gaps_s = peaks_.gaps_s;
  const double begin_s = piece.peaks.times_s.front(),
               end_s = own.last < all.size() ? all[own.last] : piece.peaks.times_s.back();
  std::erase_if(piece.signal.stimuli_s, [&](double time) {
    const double at = time + piece.signal_start_s;
    return (own.first > 0 && at < begin_s) || (own.last < all.size() && at >= end_s);
  });
  return piece;
}

void BeatStream::each_piece(const std::function<void(const BeatPiece&)>& use) const {
  if (whole_) return use(whole_piece());
  const std::vector<Range> all = ranges();
  if (all.empty()) {
    BeatPiece none;
    none.peaks = peaks_;
    none.waves.leads.resize(recording_.head().leads.size());
    return use(none);
  }
  in_order(
      all.size(), pieces_at_once(recording_), [&](std::size_t i) { return piece(all[i]); },
      [&](std::size_t, const BeatPiece& piece) { use(piece); });
}

std::size_t BeatStream::stretches() const {
  return whole_ ? 1 : std::max<std::size_t>(1, static_cast<std::size_t>(recording_.seconds() / kPieceSeconds));
}

void BeatStream::each_stretch(const std::function<void(std::size_t, const ecg::Recording&)>& prepare,
                              const std::function<void(std::size_t)>& use) const {
  const std::size_t count = stretches();
  const auto length = static_cast<std::int64_t>(kPieceSeconds * recording_.head().rate);
  in_order(
      count, pieces_at_once(recording_),
      [&](std::size_t i) {
        const std::int64_t from = static_cast<std::int64_t>(i) * length;
        prepare(i, part(from, i + 1 == count ? recording_.samples() - from : length));
        return 0;
      },
      [&](std::size_t i, int) { use(i); });
}

}  // namespace cardiograd::data
