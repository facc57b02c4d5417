// Where the QRS complex of an average beat begins and ends: where slopes rise above and sink to the background.
// Positions and shifts are in samples of the average's window.
#pragma once

#include <optional>
#include <vector>

#include <Eigen/Core>

#include "dsp/delineation/average_beat.h"
#include "dsp/delineation/wave_search.h"

namespace cardiograd::dsp {

// Where things are sought.
struct QrsWindow {
  Eigen::Index from, to;         // The steepest place.
  Eigen::Index lowest, highest;  // The boundaries.
  Eigen::Index earliest;         // `lowest` without a stimulus.
  Eigen::Index slope_box, gap;   // Widths.
};
QrsWindow qrs_window(const AverageBeat& beat);

// How steep the average is. Leads are left out (weight 0, no slopes) where they are not usable or level.
struct QrsActivity {
  std::vector<Eigen::ArrayXd> slopes;  // Per lead (window): magnitude of the slope, the steepest place being 1.
  std::vector<double> steepest;        // Per lead: its steepest place near the R peak, unit / s.
  std::vector<double> backgrounds;     // Per lead: the slope beside the waves, on the same scale.
  std::vector<double> weights;         // Per lead: the lower its background, the more it counts.
  std::vector<double>
      energy_weights;        // Per lead: what the square of its slope in unit / s counts in all_leads squared.
  Eigen::ArrayXd all_leads;  // (window): weighted RMS of the slopes. Empty when no lead is left.
};
QrsActivity qrs_activity(const AverageBeat& beat, const QrsWindow& window);

struct FoundQrs {
  QrsWindow window;
  QrsActivity activity;
  double steepest = 0.0;   // Largest activity of all leads.
  double threshold = 0.0;  // Fraction of `steepest` at which the complex of all leads begins and ends.
  Extent all_leads;
  std::vector<std::optional<Extent>> leads;  // Drawn to the consensus of the leads.
  std::vector<double> peaks;                 // Per lead: the largest deflection from the level at its onset.
  // Per beat of the group: its own boundaries over all leads less those of the average; 0 for a group of one.
  std::vector<double> onset_shifts, offset_shifts;
};

// Nothing where no lead has any slope near the R peak, or the slope there does not stand out of that of the whole beat:
// the waves run into each other, and no complex begins or ends.
std::optional<FoundQrs> find_qrs(const AverageBeat& beat);

}  // namespace cardiograd::dsp
