// The program synthesize as its users call it: exit status, one error line, nothing half-written.
#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/apps/run_app.h"
#include "tests/common/temporary_folder.h"

namespace cardiograd::apps {
namespace {

namespace fs = std::filesystem;
using cardiograd::testing::expect_failure;
using cardiograd::testing::Outcome;
using cardiograd::testing::TemporaryFolder;

class SynthesizeTest : public ::testing::Test {
 protected:
  // Arguments separated by spaces.
  Outcome call(const std::string& arguments) const {
    std::istringstream words(arguments);
    std::vector<std::string> list;
    for (std::string word; words >> word;) list.push_back(word);
    return testing::run_app("synthesize", list);
  }
  std::string path(const std::string& name) const { return (folder_ / name).string(); }

  TemporaryFolder folder_;
};

TEST_F(SynthesizeTest, MakesADataSet) {
  const Outcome outcome =
      call("--out " + path("set") + " --records 12 --seed 3 --rate both --noise low --truth " + path("truth.csv"));
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_NE(outcome.out.find("12 synthetic ECGs"), std::string::npos) << outcome.out;
  for (const char* name : {"set/ptbxl_database.csv", "set/scp_statements.csv", "set/records100/00000/00012_lr.hea",
                           "set/records500/00000/00012_hr.dat", "truth.csv"})
    EXPECT_TRUE(fs::exists(folder_ / name)) << name;
}

TEST_F(SynthesizeTest, WrongUseIsOneErrorAndStatusTwo) {
  const std::string out = "--out " + path("set") + " ";
  expect_failure(call(out + "--records 0"), 2, {"--records 0"});
  expect_failure(call(out + "--records -5"), 2, {"--records -5"});
  expect_failure(call(out + "--records many"), 2, {"many"});
  expect_failure(call(out), 2, {"--records"});
  expect_failure(call("--records 3"), 2, {"--out"});
  expect_failure(call(out + "--records 3 --noise loud"), 2, {"loud"});
  expect_failure(call(out + "--records 3 --rate 250"), 2, {"250"});
  expect_failure(call(out + "--records 3 --task all"), 2, {"all"});
  expect_failure(call(out + "--records 30 --task sub --min-per-class 9"), 2, {"cannot hold"});
  expect_failure(call(out + "--records 3 --beats 4"), 2, {"--beats"});
  EXPECT_TRUE(fs::is_empty(folder_.path()));
}

TEST_F(SynthesizeTest, FoldersThatCannotBeUsedAreOneErrorAndStatusOne) {
  expect_failure(call("--records 3 --out " + path("missing/set")), 1, {"missing"});
  EXPECT_TRUE(fs::is_empty(folder_.path()));
  ASSERT_EQ(call("--records 3 --out " + path("set")).status, 0);
  expect_failure(call("--records 3 --out " + path("set")), 1, {"there already"});
  EXPECT_EQ(call("--records 3 --force --out " + path("set")).status, 0);
}

}  // namespace
}  // namespace cardiograd::apps
