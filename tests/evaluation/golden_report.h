// tests/evaluation/golden/report.json (scripts/golden/report.py, scikit-learn).
#pragma once

#include <fstream>

#include <nlohmann/json.hpp>

namespace cardiograd::evaluation::testing {

inline const nlohmann::json& golden_report() {
  static const nlohmann::json golden = [] {
    std::ifstream file(CARDIOGRAD_TESTS_DIR "/evaluation/golden/report.json");
    return nlohmann::json::parse(file);
  }();
  return golden;
}

}  // namespace cardiograd::evaluation::testing
