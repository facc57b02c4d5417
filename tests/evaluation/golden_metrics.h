// The cases of tests/evaluation/golden/metrics.json (scripts/golden/metrics.py, scikit-learn).
#pragma once

#include <cstdint>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "evaluation/metrics.h"

namespace cardiograd::evaluation::testing {

struct GoldenCase {
  std::string name;
  std::int64_t records = 0;
  std::int64_t classes = 0;
  std::vector<float> scores;
  std::vector<std::uint8_t> labels;
  std::vector<float> thresholds;
  nlohmann::json expected;

  Predictions predictions() const { return {scores, labels, records, classes, {}}; }
};

inline std::vector<GoldenCase> golden_metric_cases() {
  std::ifstream file(CARDIOGRAD_TESTS_DIR "/evaluation/golden/metrics.json");
  std::vector<GoldenCase> cases;
  for (nlohmann::json& json : nlohmann::json::parse(file)) {
    GoldenCase one;
    json.at("name").get_to(one.name);
    json.at("records").get_to(one.records);
    json.at("classes").get_to(one.classes);
    json.at("scores").get_to(one.scores);
    json.at("labels").get_to(one.labels);
    json.at("thresholds").get_to(one.thresholds);
    one.expected = std::move(json);
    cases.push_back(std::move(one));
  }
  return cases;
}

inline GoldenCase golden_metric_case(const std::string& name) {
  for (GoldenCase& one : golden_metric_cases())
    if (one.name == name) return one;
  throw std::runtime_error("no golden case " + name);
}

}  // namespace cardiograd::evaluation::testing
