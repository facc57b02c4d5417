#include "ecg/recording.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace cardiograd::ecg {
namespace {

TEST(Recording, LeadsAreSelectedInTheOrderAskedFor) {
  Recording recording{"r", 250, {"I", "II", "V1"}, {"mV", "uV", "V"}, Eigen::ArrayXXd(2, 3), {"Age: 50"}};
  recording.signal << 1, 2, 3, 4, 5, 6;
  const std::vector<std::size_t> positions = {2, 0, 2};
  const Recording selected = select_leads(recording, positions);
  EXPECT_EQ(selected.name, "r");
  EXPECT_EQ(selected.rate, 250);
  EXPECT_EQ(selected.leads, (std::vector<std::string>{"V1", "I", "V1"}));
  EXPECT_EQ(selected.units, (std::vector<std::string>{"V", "mV", "V"}));
  EXPECT_EQ(selected.comments, recording.comments);
  ASSERT_EQ(selected.signal.cols(), 3);
  for (Eigen::Index t = 0; t < 2; ++t) {
    EXPECT_EQ(selected.signal(t, 0), recording.signal(t, 2));
    EXPECT_EQ(selected.signal(t, 1), recording.signal(t, 0));
    EXPECT_EQ(selected.signal(t, 2), recording.signal(t, 2));
  }
  const Recording none = select_leads(recording, {});
  EXPECT_EQ(none.signal.rows(), 2);
  EXPECT_EQ(none.signal.cols(), 0);
}

}  // namespace
}  // namespace cardiograd::ecg
