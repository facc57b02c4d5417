// From the dipole to the electrodes, and from the electrodes to the leads.
#pragma once

#include <Eigen/Core>

#include "base/philox.h"
#include "data/synthetic/wave.h"

namespace cardiograd::data::synthetic {

inline constexpr Eigen::Index kElectrodes = 9;  // RA, LA, LL, V1 ... V6
enum Electrode : Eigen::Index { kRa, kLa, kLl, kV1 };

// Potentials of the nine electrodes against Wilson's central terminal, one row each: potential = row · dipole.
using Body = Eigen::Matrix<double, kElectrodes, 3>;

// Dower's transformation of Frank's leads (Dower, Machado, Osborne, Clin. Cardiol. 3:87, 1980), as potentials.
Body standard_body();

// The same with a heart turned and electrodes placed a little differently, and a habitus that weakens or strengthens
// everything; women and the heavy have lower voltages.
Body draw_body(bool female, PhiloxStream& random);

// The twelve standard leads in their order, one row each: lead = row · dipole.
LeadVectors lead_vectors(const Body& body);

// Potentials (samples x 9) to the eight leads that are independent: I = LA - RA, II = LL - RA, V1 ... V6 against the
// mean of RA, LA and LL.
Eigen::ArrayXXd independent_leads(const Eigen::ArrayXXd& electrodes);

}  // namespace cardiograd::data::synthetic
