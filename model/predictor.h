// What a trained model says about one recording of any rate, length and lead order, or why it says nothing.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/prepare_recording.h"
#include "data/source_recording.h"
#include "dsp/features/signal_quality.h"
#include "ecg/recording.h"
#include "engine/device.h"
#include "model/data_loader.h"
#include "model/explanation.h"
#include "model/model_file.h"

namespace cardiograd::model {

// A recording this much shorter than the model's is repeated from its beginning; below that it is refused.
inline constexpr double kMinLengthFraction = 0.3;

struct LeadReport {
  std::string lead;
  std::string formula;  // "II - I" when it was derived; empty when the recording has it
  bool missing = false;
  dsp::LeadQuality quality;  // over the whole recording
};

struct FeatureValue {
  std::string name;
  double value = 0;  // NaN: missing, the model got the training median
};

struct PredictionTimes {  // milliseconds
  double prepare = 0;     // quality, resampling, filter, features
  double network = 0;
};

struct Prediction {
  std::string refusal;                // why there is no answer; empty when there is one
  std::vector<float> probabilities;   // per class, mean over the windows; empty when refused
  std::vector<bool> positive;         // per class: probability > threshold
  std::int64_t windows = 0;           // of the model's length that the answer comes from
  std::int64_t windows_left_out = 0;  // with an unusable lead
  double rate = 0;                    // Hz, of the recording
  double seconds = 0;
  std::vector<LeadReport> leads;       // of the model
  std::vector<FeatureValue> features;  // of the first window used
  std::vector<std::string> notes;      // what was done to the recording, and what was not known
  PredictionTimes times;
};

struct PredictorOptions {
  bool any_quality = false;      // answer in spite of unusable leads, as long as the model's are there
  Device device = Device::kCpu;  // where the network runs; the signals are prepared on the CPU
};

// A trained model and the preparation of recordings that it expects; one recording at a time.
class Predictor {
 public:
  explicit Predictor(TrainedModel model, PredictorOptions options = {});

  // A twelve-lead record of the model's rate and length gives exactly what evaluate computes for it. Anything else is
  //  - matched by lead name, missing limb leads derived (named_leads in ecg/twelve_leads.h);
  //  - resampled to the model's rate;
  //  - when longer than the model's records, cut into the fewest windows of their length that cover it, evenly spaced
  //    and overlapping where they must; the answer is the mean of the windows' probabilities. Windows with an unusable
  //    lead are left out;
  //  - when shorter, repeated from its beginning (on 194 PTB-XL records cut to 5 s the macro AUC falls by 0.004 that
  //    way, by 0.013 when filled up with zeros at the end).
  // Refuses, with the reason: missing leads, less than kMinLengthFraction of the model's length, a rate below
  // dsp::kMinQualityRate, another unit than the model's, unusable leads (dsp/features/signal_quality.h), no heartbeats.
  // Throws Error for a recording that contradicts itself: a lead twice, mixed units.
  Prediction predict(const data::SourceRecording& source);
  // The same; of an answered recording the window whose probabilities are nearest to the recording's goes to `shown`,
  // as explain() takes it: the largest difference over the classes is the smallest. Its samples are the recording's own
  // at the model's rate, without filter, each lead without its median.
  Prediction predict(const data::SourceRecording& source, RecordToExplain& shown);

  const ModelDescription& description() const { return model_.description; }
  TrainedModel& model() { return model_; }
  // The length of the model's records.
  double window_seconds() const {
    return static_cast<double>(model_.description.record_samples()) / model_.description.rate;
  }

 private:
  struct Window;
  bool fits_exactly(const data::SourceRecording& source) const;
  Window window(const ecg::Recording& leads, const data::SourceRecording& source, bool exactly) const;
  std::vector<Window> windows(const ecg::Recording& leads, const ecg::Recording& resampled,
                              const data::SourceRecording& source, Prediction& prediction) const;
  RecordArrays arrays_of(const std::vector<Window>& windows) const;
  Prediction predict(const data::SourceRecording& source, RecordToExplain* shown);
  void answer(const std::vector<Window>& windows, const ecg::Recording& resampled, Prediction& prediction,
              RecordToExplain* shown);
  void keep(const Window& window, const ecg::Recording& resampled, Batch batch, RecordToExplain& shown) const;

  TrainedModel model_;
  PredictorOptions options_;
  data::RecordingSettings as_trained_;
  data::RecordingSettings settings_;  // for voltages: a model of standardized signals needs them standardized
  data::FeatureExtractor features_;
};

}  // namespace cardiograd::model
