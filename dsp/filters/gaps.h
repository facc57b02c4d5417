// Missing samples: NaN (or infinite) values in a signal.
#pragma once

#include <optional>
#include <vector>

#include <Eigen/Core>

namespace cardiograd::dsp {

// A stretch of time in which no lead has a sample.
struct Gap {
  double begin_s, end_s;
};

// Shorter ones hide no beat: a QRS complex is about as long.
inline constexpr double kMinGapSeconds = 0.1;

// The stretches of kMinGapSeconds or more of `signal`, samples x leads, ascending. Leads that are set aside are NaN.
std::vector<Gap> common_gaps(const Eigen::ArrayXXd& signal, double rate);

// A lead that keeps one value for this long while another does not is not recorded there: prints of 3 x 4 leads show
// each for 2.5 s, and some exports have zeros elsewhere. No heart beats so seldom.
inline constexpr double kMinStopSeconds = 2.0;

// `signal`, samples x leads, with NaN in place of such stretches; nothing where there are none.
std::optional<Eigen::ArrayXXd> without_stops(const Eigen::ArrayXXd& signal, double rate);

// Replaces the missing samples of one lead: linearly between the neighbors of a gap, by the nearest sample at the
// ends. A lead without any finite sample becomes zero. Returns how many samples were missing.
Eigen::Index fill_gaps(Eigen::Ref<Eigen::ArrayXd> lead);

// `to` is NaN wherever `from` is not finite; both samples x leads.
void restore_gaps(const Eigen::ArrayXXd& from, Eigen::ArrayXXd& to);

}  // namespace cardiograd::dsp
