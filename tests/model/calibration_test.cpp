#include "model/calibration.h"

#include <cmath>
#include <optional>
#include <vector>

#include <gtest/gtest.h>

#include "model/preprocessing.h"
#include "model/trainer.h"
#include "tests/common/temporary_folder.h"
#include "tests/model/tiny_set.h"

namespace cardiograd::model {
namespace {

// A trained model, the records that it was trained on, and those that chose its epoch.
struct Fitted {
  explicit Fitted(TrainingConfig config = testing::tiny_config()) {
    data::Dataset set = testing::tiny_set();
    const cardiograd::testing::TemporaryFolder folder;
    Trainer(config, set, folder.path()).run({});
    model = load_model(folder / "last.safetensors");
    rows = data::rows_of_folds(set, {config.data.val_fold});
    labels = data::labels_of(set, rows);
    const ModelDescription& d = model.description;
    loader.emplace(take_arrays(set, d.feature_scaling, d.crops()), d.signal_scaling);
  }
  Scores scores() { return score(*model.net, *loader, rows, 64, {}); }

  TrainedModel model;
  std::vector<std::int64_t> rows;
  std::vector<std::uint8_t> labels;
  std::optional<DataLoader> loader;
};

// Logits become slope * logit + offset, in the network itself.
TEST(Calibrate, TheLastLayerScalesTheLogits) {
  Fitted fitted;
  const std::vector<float> before = fitted.scores().logits;
  const std::vector<CalibratedClass> classes = calibrate(fitted.model, *fitted.loader, fitted.rows, 64);
  const std::vector<float> after = fitted.scores().logits;
  ASSERT_EQ(after.size(), before.size());
  bool some = false;
  for (std::size_t i = 0; i < after.size(); ++i) {
    const evaluation::PlattScaling& s = classes[i % classes.size()].scaling;
    const double expected = s.slope * static_cast<double>(before[i]) + s.offset;
    EXPECT_TRUE(std::abs(static_cast<double>(after[i]) - expected) <= 1e-4 * (1 + std::abs(expected))) << i;
    some = some || s.slope != 1;
  }
  EXPECT_TRUE(some);
}

TEST(Calibrate, ThresholdsOfOneHalfStayAndOthersFollow) {
  for (const Thresholds thresholds : {Thresholds::kFixed, Thresholds::kTuned}) {
    TrainingConfig config = testing::tiny_config();
    config.thresholds = thresholds;
    Fitted fitted(config);
    const std::vector<float> old = fitted.model.description.thresholds;
    const std::vector<float> before = fitted.scores().probabilities;
    const std::vector<CalibratedClass> classes = calibrate(fitted.model, *fitted.loader, fitted.rows, 64);
    const std::vector<float>& now = fitted.model.description.thresholds;
    if (thresholds == Thresholds::kFixed) {
      EXPECT_EQ(now, old);
      continue;
    }
    EXPECT_NE(now, old);
    const std::vector<float> after = fitted.scores().probabilities;
    for (std::size_t i = 0; i < after.size(); ++i)
      EXPECT_EQ(after[i] > now[i % now.size()], before[i] > old[i % old.size()]) << i;
  }
}

TEST(Calibrate, AClassThatIsNotThereStaysAsItWas) {
  Fitted fitted;
  std::vector<std::int64_t> without;
  const std::size_t classes = fitted.model.description.class_names.size();
  for (std::size_t i = 0; i < fitted.rows.size(); ++i)
    if (fitted.labels[i * classes + 1] == 0) without.push_back(fitted.rows[i]);
  ASSERT_FALSE(without.empty());
  const std::vector<CalibratedClass> fits = calibrate(fitted.model, *fitted.loader, without, 64);
  EXPECT_EQ(fits[1].reason, "no positives");
  EXPECT_EQ(fits[1].scaling.slope, 1);
  EXPECT_EQ(fits[1].scaling.offset, 0);
}

}  // namespace
}  // namespace cardiograd::model
