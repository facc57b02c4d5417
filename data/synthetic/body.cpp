#include "data/synthetic/body.h"

#include <algorithm>
#include <cmath>

#include <Eigen/Geometry>

#include "ecg/twelve_leads.h"

namespace cardiograd::data::synthetic {
namespace {

constexpr double kDegree = 3.14159265358979323846 / 180;

// Rows I, II, V1 ... V6 of Dower's matrix.
Eigen::Matrix<double, 8, 3> dower() {
  Eigen::Matrix<double, 8, 3> matrix;
  matrix << 0.632, -0.235, 0.059,  //
      0.235, 1.066, -0.132,        //
      -0.515, 0.157, -0.917,       //
      0.044, 0.164, -1.387,        //
      0.882, 0.098, -1.277,        //
      1.213, 0.127, -0.601,        //
      1.125, 0.127, -0.086,        //
      0.831, 0.076, 0.230;
  return matrix;
}

}  // namespace

Body standard_body() {
  const Eigen::Matrix<double, 8, 3> leads = dower();
  Body body;
  // RA + LA + LL = 0 is the potential of the central terminal.
  body.row(kRa) = -(leads.row(0) + leads.row(1)) / 3;
  body.row(kLa) = body.row(kRa) + leads.row(0);
  body.row(kLl) = body.row(kRa) + leads.row(1);
  body.bottomRows<6>() = leads.bottomRows<6>();
  return body;
}

Body draw_body(bool female, PhiloxStream& random) {
  const auto turn = [&](double sd, const Vector3& axis) {
    return Eigen::AngleAxisd(std::clamp(random.normal(), -2.2, 2.2) * sd * kDegree, axis);
  };
  const Eigen::Matrix3d rotation =
      (turn(7, Vector3::UnitX()) * turn(9, Vector3::UnitY()) * turn(6, Vector3::UnitZ())).toRotationMatrix();
  Body body = standard_body() * rotation;
  const double habitus = (female ? 0.94 : 1.04) * std::exp(0.13 * std::clamp(random.normal(), -2.0, 2.0));
  body *= habitus;
  for (Eigen::Index v = kV1; v < kElectrodes; ++v) {
    // An electrode beside its place sees part of what its neighbors see, and stands nearer or farther.
    const Eigen::Index neighbor =
        random.uniform() < 0.5 ? std::max<Eigen::Index>(kV1, v - 1) : std::min<Eigen::Index>(kElectrodes - 1, v + 1);
    const double fraction = 0.2 * random.uniform();
    const Eigen::RowVector3d mixed = (1 - fraction) * body.row(v) + fraction * body.row(neighbor);
    body.row(v) = mixed * std::exp(0.06 * std::clamp(random.normal(), -2.0, 2.0));
  }
  return body;
}

LeadVectors lead_vectors(const Body& body) {
  // The columns of the body are three electrode recordings of a unit dipole.
  return ecg::complete_leads(independent_leads(body.transpose().array())).matrix().transpose();
}

Eigen::ArrayXXd independent_leads(const Eigen::ArrayXXd& electrodes) {
  Eigen::ArrayXXd leads(electrodes.rows(), 8);
  leads.col(0) = electrodes.col(kLa) - electrodes.col(kRa);
  leads.col(1) = electrodes.col(kLl) - electrodes.col(kRa);
  const Eigen::ArrayXd terminal = (electrodes.col(kRa) + electrodes.col(kLa) + electrodes.col(kLl)) / 3;
  for (Eigen::Index v = 0; v < 6; ++v) leads.col(2 + v) = electrodes.col(kV1 + v) - terminal;
  return leads;
}

}  // namespace cardiograd::data::synthetic
