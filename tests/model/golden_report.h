// tests/model/golden/report.json (scripts/golden/report.py, scikit-learn).
#pragma once

#include <fstream>

#include <nlohmann/json.hpp>

namespace cardiograd::model::testing {

inline const nlohmann::json& golden_report() {
  static const nlohmann::json golden = [] {
    std::ifstream file(CARDIOGRAD_TESTS_DIR "/model/golden/report.json");
    return nlohmann::json::parse(file);
  }();
  return golden;
}

}  // namespace cardiograd::model::testing
