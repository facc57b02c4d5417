// The program synthesize as its users call it: exit status, one error line, nothing half-written.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string>

#include <gtest/gtest.h>
#include <sys/wait.h>

#include "base/file.h"
#include "tests/common/temporary_folder.h"

namespace cardiograd::apps {
namespace {

namespace fs = std::filesystem;
using cardiograd::testing::TemporaryFolder;

struct Outcome {
  int status = -1;
  std::string out;
  std::string err;
};

class SynthesizeTest : public ::testing::Test {
 protected:
  Outcome call(const std::string& arguments) const {
    const TemporaryFolder output;
    const std::string command = std::string(CARDIOGRAD_APPS_DIR) + "/synthesize " + arguments + " >" +
                                (output / "out.txt").string() + " 2>" + (output / "err.txt").string();
    const int result = std::system(command.c_str());
    return {WIFEXITED(result) ? WEXITSTATUS(result) : -1, read_file(output / "out.txt"), read_file(output / "err.txt")};
  }
  std::string path(const std::string& name) const { return (folder_ / name).string(); }

  TemporaryFolder folder_;
};

void expect_one_error(const Outcome& outcome, int status, const std::string& part) {
  EXPECT_EQ(outcome.status, status);
  EXPECT_TRUE(outcome.err.starts_with("error: ")) << outcome.err;
  EXPECT_NE(outcome.err.find(part), std::string::npos) << outcome.err;
  EXPECT_NE(outcome.err.find("\nhint: "), std::string::npos) << outcome.err;
  EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 2) << outcome.err;
}

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
  expect_one_error(call(out + "--records 0"), 2, "--records 0");
  expect_one_error(call(out + "--records -5"), 2, "--records -5");
  expect_one_error(call(out + "--records many"), 2, "many");
  expect_one_error(call(out), 2, "--records");
  expect_one_error(call("--records 3"), 2, "--out");
  expect_one_error(call(out + "--records 3 --noise loud"), 2, "loud");
  expect_one_error(call(out + "--records 3 --rate 250"), 2, "250");
  expect_one_error(call(out + "--records 3 --task all"), 2, "all");
  expect_one_error(call(out + "--records 30 --task sub --min-per-class 9"), 2, "cannot hold");
  expect_one_error(call(out + "--records 3 --beats 4"), 2, "--beats");
  EXPECT_TRUE(fs::is_empty(folder_.path()));
}

TEST_F(SynthesizeTest, FoldersThatCannotBeUsedAreOneErrorAndStatusOne) {
  expect_one_error(call("--records 3 --out " + path("missing/set")), 1, "missing");
  EXPECT_TRUE(fs::is_empty(folder_.path()));
  ASSERT_EQ(call("--records 3 --out " + path("set")).status, 0);
  expect_one_error(call("--records 3 --out " + path("set")), 1, "there already");
  EXPECT_EQ(call("--records 3 --force --out " + path("set")).status, 0);
}

}  // namespace
}  // namespace cardiograd::apps
