// Why a model gives one class of one recording the probability that it gives: contributions of every sample and feature
// (attribution.h), added up over leads and over the waves of the heartbeats, and what would change the answer.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "data/scp_codes.h"
#include "dsp/delineation/delineation.h"
#include "model/attribution.h"
#include "model/model_file.h"

namespace cardiograd::model {

// Where in a heartbeat a sample lies, by the boundaries over all leads: the P wave, from its end to the QRS complex,
// the QRS complex, from its end to the T wave, the T wave, anywhere else.
enum class BeatPart : std::uint8_t { kP, kPr, kQrs, kSt, kT, kRest };
inline constexpr std::array<const char*, 6> kBeatPartNames = {"P", "PR segment", "QRS", "ST", "T", "rest"};

// A recording as the model takes it and as it is drawn.
struct RecordToExplain {
  std::string name;
  std::vector<float> samples;  // (T, leads) at the model's rate in `unit`; NaN where invalid
  std::string unit;
  double start_s = 0;  // where the samples begin in the whole recording
  // (1, samples, leads) and (1, features) as the model takes them, on the CPU; of a model that sees crops all samples
  // of a record. Where T is shorter than that, the signals repeat from their beginning.
  Tensor signals;
  Tensor features;
  std::vector<double> feature_values;  // of the model's features before scaling; NaN: missing
};

// How much of a contribution falls on a part of the recording.
struct PartContribution {
  std::string name;
  double contribution = 0;  // to the logit, with its sign: parts add up to the signals' contribution
  double fraction = 0;      // of the absolute contributions of all samples; parts add up to 1
  double extent = 0;        // fraction of the samples that lie there
};

struct FeatureContribution {
  std::string name;
  double value = 0;  // NaN: missing, the training median stood in
  double training_mean = 0;
  double training_sd = 0;
  double contribution = 0;  // to the logit
};

// The answer without a part of what it was given.
struct Without {
  std::string what;  // "lead V1", "the QRS complexes", "age_years"
  double probability = 0;
  bool changes_decision = false;
};

// Of the difference of the two logits: more than this is worth a warning.
inline constexpr double kMaxMissed = 0.01;

// Why one class of one recording has its probability.
struct Explanation {
  std::string class_name;
  data::Task task = data::Task::kSuper;  // of the model: what its classes' names mean
  double probability = 0;
  double threshold = 0;
  double logit = 0;
  double baseline_logit = 0;
  double missed = 0;           // Attribution::missed()
  double missed_fraction = 0;  // of |logit - baseline_logit|
  std::int64_t steps = 0;

  std::vector<double> map;              // (T, leads): each sample's contribution to the logit
  double signals = 0;                   // sum of `map`
  double features = 0;                  // sum over the features
  std::vector<PartContribution> leads;  // as the model's
  std::vector<PartContribution> parts;  // by BeatPart
  std::vector<FeatureContribution> feature_contributions;

  std::int64_t window = 0;        // samples of the occlusion's windows
  std::vector<double> occlusion;  // (windows, leads): fall of the logit
  // Samples of a token, 1 where those of several crops are joined; 0 where the model has none and the next two are
  // empty.
  std::int64_t token = 0;
  std::vector<double> grad_cam;
  std::vector<double> rollout;
  std::vector<Without> without;  // each lead, each part of the beats, each feature, all features

  bool positive() const { return probability > threshold; }
  bool complete() const { return !(missed_fraction > kMaxMissed); }
};

struct ExplanationSettings {
  IntegrationSettings integration;
  double window_s = 0.2;  // of the occlusion; 0: none
};

// The waves of a recording's beats, and where in a beat each of its samples lies. Seconds from the first sample.
struct BeatParts {
  dsp::Delineation waves;
  std::vector<BeatPart> of_sample;  // T
};
BeatParts beat_parts(const RecordToExplain& record, double rate);

// What the model gives each class for exactly this window.
std::vector<float> probabilities_of(const TrainedModel& model, const RecordToExplain& record);

// Of the class with the index `target`; of a model that sees crops, of the answer that those of a record's windows
// become (record_model.h). Throws Error for sizes that do not fit the model.
Explanation explain(const TrainedModel& model, const RecordToExplain& record, const BeatParts& beats,
                    std::int64_t target, const ExplanationSettings& settings = {});

// The classes that are worth an explanation: those above their threshold, or else the one that comes nearest to it.
std::vector<std::int64_t> classes_to_explain(const ModelDescription& model, const std::vector<float>& probabilities);

}  // namespace cardiograd::model
