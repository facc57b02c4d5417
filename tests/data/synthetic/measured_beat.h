// What a cardiologist would measure on one beat of a noise-free synthetic record, between its true boundaries.
#pragma once

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <vector>

#include <gtest/gtest.h>

#include "data/synthetic/record.h"

namespace cardiograd::data::synthetic::testing {

enum Lead { kI, kII, kIII, kAvr, kAvl, kAvf, kLeadV1, kLeadV2, kLeadV3, kLeadV4, kLeadV5, kLeadV6 };

// Voltages in mV above the level at QRS onset, times in seconds.
struct LeadMeasure {
  double initial_low = 0;                // lowest in the first 45 ms of QRS (a Q wave is negative)
  double initial_mean = 0;               // mean of these 45 ms
  double high = 0, low = 0;              // of QRS
  double terminal_high = 0;              // highest in the last third of QRS, none below 0
  double terminal_mean = 0;              // mean of that third
  double st20 = 0, st60 = 0, st100 = 0;  // so many ms behind the J point
  double t = 0;                          // at the T wave's peak, with its sign
  double p_high = 0, p_low = 0;          // of P, above the level at P onset
};

struct MeasuredBeat {
  double pr = 0, p_duration = 0, qrs = 0, qt = 0, qtc = 0, t_duration = 0;
  double j_to_t_onset = 0;
  double u = 0;     // in V3, 60 ms behind T
  double axis = 0;  // degrees
  LeadMeasure lead[12];

  double mean(double LeadMeasure::*field, std::initializer_list<int> leads) const {
    double sum = 0;
    for (const int l : leads) sum += lead[l].*field;
    return sum / static_cast<double>(leads.size());
  }
  double least(double LeadMeasure::*field, std::initializer_list<int> leads) const {
    double result = INFINITY;
    for (const int l : leads) result = std::min(result, lead[l].*field);
    return result;
  }
  double sokolow() const { return std::max(lead[kLeadV5].high, lead[kLeadV6].high) - lead[kLeadV1].low; }
};

inline double voltage(const SyntheticRecord& record, int lead, double t) {
  const auto last = record.signal.rows() - 1;
  return record.signal(std::clamp<Eigen::Index>(std::lround(t * kRate), 0, last), lead);
}

// From one to the other in steps of a sample.
inline std::vector<double> times_between(double from, double to) {
  std::vector<double> times(static_cast<std::size_t>((to - from) * kRate) + 1);
  for (std::size_t i = 0; i < times.size(); ++i) times[i] = from + static_cast<double>(i) / kRate;
  return times;
}

// The rows of `lead` (-1: all together).
inline std::vector<TrueBeat> rows_of(const SyntheticRecord& record, int lead) {
  std::vector<TrueBeat> rows;
  for (const TrueBeat& row : record.truth)
    if (row.lead == lead) rows.push_back(row);
  return rows;
}

inline LeadMeasure measure_lead(const SyntheticRecord& record, int l, const TrueBeat& all, double t_peak) {
  LeadMeasure m;
  const double base = voltage(record, l, all.qrs.onset_s);
  int initial = 0;
  int terminal = 0;
  const double width = all.qrs.offset_s - all.qrs.onset_s;
  for (const double t : times_between(all.qrs.onset_s, all.qrs.offset_s)) {
    const double v = voltage(record, l, t) - base;
    m.high = std::max(m.high, v);
    m.low = std::min(m.low, v);
    if (t <= all.qrs.onset_s + 0.045) {
      m.initial_low = std::min(m.initial_low, v);
      m.initial_mean += v;
      ++initial;
    }
    if (t >= all.qrs.offset_s - width / 3) {
      m.terminal_high = std::max(m.terminal_high, v);
      m.terminal_mean += v;
      ++terminal;
    }
  }
  m.initial_mean /= initial;
  m.terminal_mean /= terminal;
  m.st20 = voltage(record, l, all.qrs.offset_s + 0.02) - base;
  m.st60 = voltage(record, l, all.qrs.offset_s + 0.06) - base;
  m.st100 = voltage(record, l, all.qrs.offset_s + 0.10) - base;
  m.t = std::isfinite(t_peak) ? voltage(record, l, t_peak) - base : 0.0;
  if (std::isfinite(all.p.onset_s)) {
    const double p_base = voltage(record, l, all.p.onset_s);
    for (const double t : times_between(all.p.onset_s, all.p.offset_s)) {
      m.p_high = std::max(m.p_high, voltage(record, l, t) - p_base);
      m.p_low = std::min(m.p_low, voltage(record, l, t) - p_base);
    }
  }
  return m;
}

// The first whole beat after the second second. `conducted`: it must have a P wave.
inline MeasuredBeat measure(const SyntheticRecord& record, bool conducted = true) {
  const std::vector<TrueBeat> all = rows_of(record, -1);
  for (std::size_t k = 1; k < all.size(); ++k) {
    const TrueBeat& row = all[k];
    if (!(row.qrs.onset_s > 2) || !std::isfinite(row.t.offset_s) || !std::isfinite(all[k - 1].qrs.onset_s)) continue;
    if (conducted && !std::isfinite(row.p.onset_s)) continue;
    MeasuredBeat beat;
    beat.pr = row.qrs.onset_s - row.p.onset_s;
    beat.p_duration = row.p.offset_s - row.p.onset_s;
    beat.qrs = row.qrs.offset_s - row.qrs.onset_s;
    beat.qt = row.t.offset_s - row.qrs.onset_s;
    beat.qtc = beat.qt / std::cbrt(row.qrs.onset_s - all[k - 1].qrs.onset_s);
    beat.t_duration = row.t.offset_s - row.t.onset_s;
    beat.j_to_t_onset = row.t.onset_s - row.qrs.offset_s;
    for (int l = 0; l < 12; ++l) {
      const auto lead_rows = rows_of(record, l);
      const auto same = std::find_if(lead_rows.begin(), lead_rows.end(),
                                     [&](const TrueBeat& other) { return other.beat == row.beat; });
      beat.lead[l] = measure_lead(record, l, row, same->t.peak_s);
    }
    beat.u = voltage(record, kLeadV3, row.t.offset_s + 0.055) - voltage(record, kLeadV3, row.qrs.onset_s);
    double area_i = 0;
    double area_avf = 0;
    for (const double t : times_between(row.qrs.onset_s, row.qrs.offset_s)) {
      area_i += voltage(record, kI, t) - voltage(record, kI, row.qrs.onset_s);
      area_avf += voltage(record, kAvf, t) - voltage(record, kAvf, row.qrs.onset_s);
    }
    beat.axis = std::atan2(area_avf, area_i) * 180 / 3.14159265358979323846;
    return beat;
  }
  ADD_FAILURE() << "no whole beat";
  return {};
}

// A noise-free record of patient `number`, whose age and sex go with the number.
inline SyntheticRecord noise_free(std::int64_t number, std::vector<std::string> statements) {
  return synthesize_record({.seed = 11,
                            .record = number,
                            .patient = number,
                            .person = {.age = 30.0 + static_cast<double>(number * 7 % 50),
                                       .sex = number % 2 == 0 ? ecg::kFemale : ecg::kMale},
                            .statements = std::move(statements),
                            .noise = NoiseLevel::kNone,
                            .with_truth = true});
}

}  // namespace cardiograd::data::synthetic::testing
