// --version of every program.
#include "apps/common/version.h"

#include <cstdlib>
#include <filesystem>
#include <string>

#include <gtest/gtest.h>
#include <regex.h>

#include "tests/apps/run_app.h"

namespace cardiograd::apps {
namespace {

namespace fs = std::filesystem;
using cardiograd::testing::expect_success;
using cardiograd::testing::Outcome;
using cardiograd::testing::run_app;
using cardiograd::testing::RunSettings;

// Whether a text fits an extended POSIX expression. GCC 12 warns inside std::regex when it builds for the sanitizers.
bool matches(const std::string& text, const std::string& pattern) {
  regex_t expression;
  if (regcomp(&expression, pattern.c_str(), REG_EXTENDED | REG_NOSUB) != 0) {
    ADD_FAILURE() << "no expression: " << pattern;
    return false;
  }
  const bool fits = regexec(&expression, text.c_str(), 0, nullptr, 0) == 0;
  regfree(&expression);
  return fits;
}

TEST(Version, EveryProgramSaysWhatItIs) {
  int programs = 0;
  for (const auto& entry : fs::directory_iterator(CARDIOGRAD_APPS_DIR)) {
    const std::string name = entry.path().filename().string();
    if (!entry.is_regular_file()) continue;
    ++programs;
    const Outcome outcome = run_app(name, {"--version"});
    expect_success(outcome);
    EXPECT_TRUE(matches(outcome.out, "^" + name +
                                         " [0-9]+\\.[0-9]+\\.[0-9]+\n"
                                         "commit: +([0-9a-f]{12}( with changes)?|unknown)\n"
                                         "compiler: +(g\\+\\+|clang) [^\n]+\n"
                                         "instruction set: +avx(2|512|512_bf16)\n"
                                         "back ends: +cpu(, (simt|cuda)[^\n]*)?\n"
                                         "cuBLASLt: +(yes|no)\n$"))
        << outcome.out;
    EXPECT_EQ(outcome.err, "");
  }
  EXPECT_GE(programs, 6);
}

TEST(Version, NamesTheInstructionSetThatRuns) {
  RunSettings settings;
  settings.in_child = [] { ::setenv("CARDIOGRAD_ISA", "avx2", 1); };
  const Outcome outcome = run_app("train", {"--version"}, settings);
  EXPECT_NE(outcome.out.find("avx2\n"), std::string::npos) << outcome.out;
  EXPECT_NE(version_text("x").find(commit()), std::string::npos);
}

}  // namespace
}  // namespace cardiograd::apps
