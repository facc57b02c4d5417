// Golden values: tests/dsp/golden/<name>.txt, one list per line: name, count, values.
#pragma once

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <map>
#include <sstream>
#include <string>

#include <Eigen/Core>
#include <gtest/gtest.h>

namespace cardiograd::dsp {

inline std::map<std::string, Eigen::ArrayXd> read_golden(const std::string& name) {
  std::ifstream file(std::string(CARDIOGRAD_TESTS_DIR) + "/dsp/golden/" + name + ".txt");
  EXPECT_TRUE(file.good()) << name;
  std::map<std::string, Eigen::ArrayXd> lists;
  std::string line;
  while (std::getline(file, line)) {
    std::istringstream fields(line);
    std::string key;
    Eigen::Index count = 0;
    fields >> key >> count;
    Eigen::ArrayXd values(count);
    for (double& value : values) {
      std::string text;
      fields >> text;
      value = std::stod(text);
    }
    EXPECT_TRUE(fields) << key;
    lists[key] = values;
  }
  EXPECT_FALSE(lists.empty()) << name;
  return lists;
}

// Largest absolute difference relative to the larger of 1 and the largest golden value; NaN where either is NaN.
inline double golden_error(const Eigen::ArrayXd& found, const Eigen::ArrayXd& golden) {
  if (found.size() != golden.size()) return std::numeric_limits<double>::infinity();
  const double scale = std::max(1.0, golden.abs().maxCoeff());
  double worst = 0.0;
  for (Eigen::Index i = 0; i < found.size(); ++i) {
    const double error = std::abs(found[i] - golden[i]) / scale;
    if (!(error <= worst)) worst = error;
    if (std::isnan(worst)) break;
  }
  return worst;
}

// The test signal of scripts/golden/filters.py at 100 Hz.
inline Eigen::ArrayXd golden_signal(Eigen::Index count) {
  Eigen::ArrayXd x(count);
  for (Eigen::Index n = 0; n < count; ++n) {
    const double t = 2.0 * 3.141592653589793 * static_cast<double>(n) / 100.0;
    x[n] = std::sin(5.0 * t) + 0.3 * std::sin(0.1 * t) + 0.1 * std::cos(30.0 * t) + 0.5;
  }
  return x;
}

}  // namespace cardiograd::dsp
