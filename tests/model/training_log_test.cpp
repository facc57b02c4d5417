#include "model/training_log.h"

#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/file.h"
#include "tests/common/temporary_folder.h"

namespace cardiograd::model {
namespace {

constexpr const char* kHeader = "epoch,train_loss,val_loss,val_macro_auc,lr,samples_per_s\n";

TEST(TrainingLog, ReadsWhatTheTrainerWrites) {
  const cardiograd::testing::TemporaryFolder folder;
  write_file(folder / "log.csv", std::string(kHeader) +
                                     "1,0.624345,0.492316,0.854939,0.0003,29.6\n2,0.5,0.4,nan,0.00029,45.1\n"
                                     "3,0.45,0.41,0.850000,0.00028,45.1\n4,0.4,0.42,0.860000,0.00027,44\n");
  const auto log = read_training_log(folder / "log.csv");
  ASSERT_EQ(log.size(), 4U);
  EXPECT_EQ(log[0].train_loss, 0.624345);
  EXPECT_EQ(log[1].epoch, 2);
  EXPECT_TRUE(std::isnan(log[1].val_macro_auc));
  EXPECT_EQ(log[3].lr, 0.00027);
  EXPECT_TRUE(log[0].best);
  EXPECT_FALSE(log[1].best);
  EXPECT_FALSE(log[2].best);
  EXPECT_TRUE(log[3].best);
}

// As long as no epoch has an AUC each is the best: there is a best model at any time.
TEST(TrainingLog, NanIsTheWorst) {
  const double nan = std::nan("");
  const auto epochs = [](const std::vector<double>& aucs) {
    std::vector<EpochResult> log(aucs.size());
    for (std::size_t i = 0; i < aucs.size(); ++i) log[i].val_macro_auc = aucs[i];
    return log;
  };
  EXPECT_TRUE(is_best(0.5, {}));
  EXPECT_TRUE(is_best(nan, {}));
  EXPECT_TRUE(is_best(nan, epochs({nan, nan})));
  EXPECT_TRUE(is_best(0.5, epochs({nan, 0.4})));
  EXPECT_FALSE(is_best(nan, epochs({nan, 0.4})));
  EXPECT_FALSE(is_best(0.4, epochs({0.4, nan})));
}

TEST(TrainingLog, ErrorsNameThePlace) {
  const cardiograd::testing::TemporaryFolder folder;
  const auto message_of = [&](const std::string& text) -> std::string {
    write_file(folder / "log.csv", text);
    try {
      read_training_log(folder / "log.csv");
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_NE(message_of(std::string(kHeader) + "2,1,1,1,1,1\n").find("log.csv:2: column 'epoch'"), std::string::npos);
  EXPECT_NE(message_of(std::string(kHeader) + "1,x,1,1,1,1\n").find("column 'train_loss': found 'x'"),
            std::string::npos);
  EXPECT_NE(message_of("epoch,loss\n1,2\n").find("no column 'train_loss'"), std::string::npos);
  EXPECT_NE(message_of(""), "");
}

}  // namespace
}  // namespace cardiograd::model
