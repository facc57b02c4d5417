// Predictions as a table to read, as JSON lines and as CSV rows.
#pragma once

#include <string>

#include "model/model_file.h"
#include "model/predictor.h"

namespace cardiograd::apps {

// One record's answer, refusal or failure.
struct PredictionOutcome {
  std::string record;            // as the user named it
  model::Prediction prediction;  // empty when the record could not be read
  bool failed = false;           // it could not be read
  std::string error, hint;       // why, and what to do; empty otherwise
  double read_ms = 0;

  // "answered", "refused" or "failed"
  std::string status() const;
  std::string reason() const;
};

// Several lines: what the record is, each class with probability, threshold and a mark where it is positive, each lead
// with its quality, and what was done to it. With `timing` a line of milliseconds.
std::string prediction_text(const PredictionOutcome& outcome, const model::ModelDescription& model, bool timing);

// One line of JSON: record, status, reason, hint, classes, leads, features, notes, milliseconds.
std::string prediction_json(const PredictionOutcome& outcome, const model::ModelDescription& model);

// record,status,reason,positive,<class>...,windows,rate_hz,seconds,worst_snr_db,derived_leads,warning
std::string prediction_csv_header(const model::ModelDescription& model);
std::string prediction_csv(const PredictionOutcome& outcome, const model::ModelDescription& model);

}  // namespace cardiograd::apps
