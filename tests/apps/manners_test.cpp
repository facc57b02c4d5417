// What the programs say to people who mistype, mistake one thing for another, or want to hear less.
#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <nlohmann/json.hpp>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "ecg/leads.h"
#include "tests/apps/small_run.h"

namespace cardiograd::testing {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

TEST(Manners, UnknownOptionsAreNamedWithTheNearest) {
  struct Case {
    const char* program;
    std::vector<std::string> arguments;
    const char* wrong;
    const char* nearest;
  };
  const std::vector<Case> cases = {{"train", {"--epoch", "3"}, "--epoch", "--epochs"},
                                   {"train", {"--batch", "3"}, "--batch", "--batch-size"},
                                   {"evaluate", {"--pred=x"}, "--pred", "--predictions"},
                                   {"train", {"--learning-rate", "0.1", "--data", "x"}, "--learning-rate", "--lr"},
                                   {"train", {"--Seed=3"}, "--Seed", "--seed"},
                                   {"evaluate", {"--mdoel", "x", "--data", "y"}, "--mdoel", "--model"},
                                   {"evaluate", {"--checkpoint", "x"}, "--checkpoint", "--model"},
                                   {"predict", {"--modle=x", "record"}, "--modle", "--model"},
                                   {"synthesize", {"--recrods", "3", "--out", "x"}, "--recrods", "--records"},
                                   {"synthesize", {"--output", "x"}, "--output", "--out"},
                                   {"features", {"--skip-mising"}, "--skip-mising", "--skip-missing"},
                                   {"profile", {"--sample", "64"}, "--sample", "--samples"},
                                   {"profile", {"--silent"}, "--silent", "--quiet"}};
  for (const Case& c : cases) {
    const Outcome outcome = run_app(c.program, c.arguments);
    expect_failure(outcome, 2, {std::string("unknown option ") + c.wrong});
    expect_parts(outcome.err, {std::string("hint: The nearest one is ") + c.nearest + ";"});
  }
}

// Comparisons with NaN are false: it would pass as any number.
TEST(Manners, NumbersOutsideTheirRangeAreNamed) {
  struct Case {
    const char* program;
    std::vector<std::string> arguments;
    const char* message;
  };
  const std::vector<Case> cases = {
      {"train", {"--rank-timeout", "nan"}, "--rank-timeout: found 'nan', expected a number from 1 to 1000000"},
      {"train", {"--save-every", "nan"}, "--save-every: found 'nan', expected a number from 0 to 1000000"},
      {"train", {"--check-tolerance", "-nan"}, "--check-tolerance: found '-nan', expected a number from 0 to 1"},
      {"train", {"--rank-timeout", "x"}, "--rank-timeout: found 'x', expected a number from 1 to 1000000"},
      {"evaluate", {"--draws", "1.5"}, "--draws: found '1.5', expected a whole number from 0 to 1000000"},
      {"evaluate", {"--seed", "-1"}, "--seed: found '-1', expected a whole number from 0 on"},
      {"evaluate", {"--seed", "99999999999999999999999"}, "--seed: found '99999999999999999999999', expected"},
      {"synthesize", {"--seed", "-1"}, "--seed: found '-1', expected a whole number from 0 on"},
      {"features", {"--rate", "nan", "x"}, "--rate: found 'nan', expected a number above 0"},
      {"features", {"--rate", "inf", "x"}, "--rate: found 'inf', expected a number above 0"},
      {"features", {"--from", "nan", "x"}, "--from: found 'nan', expected 0 or a number above"},
      {"predict", {"--age", "nan", "x"}, "--age: found 'nan', expected a number from 0 to 130"},
      {"explain", {"--window", "nan"}, "--window: found 'nan', expected a number from 0 to 10000"},
      {"profile", {"--launch-us", "nan"}, "--launch-us: found 'nan', expected a number from 0 to 1000000"}};
  for (const auto& [program, arguments, message] : cases) {
    const Outcome outcome = run_app(program, arguments);
    EXPECT_EQ(outcome.status, 2) << program;
    expect_parts(outcome.err, {message});
  }
}

TEST(Manners, UnknownKeysAreNamedWithTheNearest) {
  const SmallRun run;
  ASSERT_TRUE(TinyPtbxl::edit(run.config(), "lr = 0.005", "learning_rate = 0.005"));
  const Outcome outcome = run_app("train", run.arguments());
  expect_failure(outcome, 1, {"small.toml:", "unknown key 'training.learning_rate'"});
  expect_parts(outcome.err, {"Nearest known key: training.lr."});
}

TEST(Manners, FoldersAndFilesInEachOthersPlace) {
  const SmallRun run;
  expect_success(run_app("train", run.arguments()));
  const Outcome config = run_app("train", run.with({"--config", run.out(), "--out", run.folder() / "b"}));
  expect_failure(config, 1, {"run: is a folder, expected a TOML file"});
  expect_parts(config.err, {"hint: Give the run's configuration: " + (run.out() / "config.toml").string()});
  expect_failure(run_app("train", run.with({"--config", run.folder(), "--out", run.folder() / "b"})), 1,
                 {"is a folder, expected a TOML file"});
  const Outcome data = run_app("train", run.with({"--data", run.tiny().table(), "--out", run.folder() / "b"}));
  expect_failure(data, 1, {"ptbxl_database.csv: is a file, expected a folder"});
  expect_parts(data.err, {"hint: Give the folder that it lies in: " + run.tiny().folder().string()});
  expect_failure(run_app("train", run.with({"--data", run.config(), "--out", run.folder() / "b"})), 1,
                 {"small.toml: is a file, expected a folder"});
  expect_failure(run_app("evaluate", run.judge({"--model", run.folder()})), 1,
                 {"is a folder without a run's best.safetensors"});
  const Outcome whole = run_app("evaluate", run.judge({"--model", run.out()}));
  expect_success(whole);
  expect_parts(whole.out, {"run/best.safetensors after epoch"});
  const Outcome best = run_app("evaluate", run.judge({"--model", run.out() / "best.safetensors"}));
  EXPECT_EQ(whole.out, best.out);
}

TEST(Manners, OneDashIsNamed) {
  for (const auto& [program, option, meant] :
       {std::array{"predict", "-model", "--model"}, std::array{"evaluate", "-mdoel", "--model"},
        std::array{"train", "-batch", "--batch-size"}, std::array{"features", "-svg=a.svg", "--svg"}}) {
    const Outcome outcome = run_app(program, {option, "x"});
    expect_failure(outcome, 2, {"unknown option -"});
    expect_parts(outcome.err, {fmt::format("The nearest one is {};", meant)});
  }
  expect_success(run_app("predict", {"-h"}));
}

TEST(Manners, FoldsTwiceOrBeyondAnyAreNamed) {
  const SmallRun run;
  expect_success(run_app("train", run.arguments()));
  expect_failure(run_app("evaluate", run.judge({"--fold", "10", "10"})), 2, {"--fold: 10 is there twice"});
  expect_failure(run_app("evaluate", run.judge({"--fold", "9", "10", "9"})), 2, {"--fold: 9 is there twice"});
  const fs::path out = run.folder() / "calibrated.safetensors";
  const auto calibrating = [&](const std::vector<std::string>& more) {
    std::vector<std::string> all = more;
    all.insert(all.end(), {"--model", run.out(), "--data", run.tiny().folder(), "--no-cache", "--out", out});
    return all;
  };
  expect_failure(run_app("calibrate", calibrating({"--fold", "9", "9"})), 2, {"--fold: 9 is there twice"});
  // 4294967306 is 10 in 32 bits.
  for (const char* fold : {"4294967306", "99999999999999999999", "-1", "0", "nan", "1e1", "10.5"}) {
    expect_failure(run_app("evaluate", run.judge({fmt::format("--fold={}", fold)})), 2, {"--fold", fold});
    expect_failure(run_app("calibrate", calibrating({fmt::format("--fold={}", fold)})), 2, {"--fold", fold});
  }
  EXPECT_FALSE(fs::exists(out));
}

// Results are printed, whatever --quiet says of notes and progress.
TEST(Manners, QuietLeavesResults) {
  const SmallRun run;
  expect_success(run_app("train", run.arguments()));
  const Outcome calibrated = run_app("calibrate", {"--model", run.out(), "--data", run.tiny().folder(), "--no-cache",
                                                   "--out", run.folder() / "calibrated.safetensors", "--quiet"});
  expect_success(calibrated);
  expect_parts(calibrated.out, {"fold 9: ", "ECE before"});
  EXPECT_EQ(calibrated.err, "");
  const Outcome why = run_app("explain", {"--model", run.out(), run.tiny().folder() / TinyPtbxl::stem(1), "--out",
                                          run.folder() / "why.html", "--quiet", "--any-quality"});
  expect_success(why);
  EXPECT_FALSE(why.out.empty());
}

// A missing file, and one that may not be read, want other steps.
TEST(Manners, DeniedPermissionsAreNoMissingFiles) {
  const TinyPtbxl tiny;
  RunSettings settings;
  settings.in_child = [] {  // Root may read everything, unless it gives that up.
    for (const int capability : {CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH}) ::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
  };
  const fs::path record = tiny.folder() / TinyPtbxl::stem(1), header = record.string() + ".hea",
                 samples = record.string() + ".dat";
  const auto closed = [&](const fs::path& path, std::initializer_list<std::string_view> parts) {
    const fs::perms before = fs::status(path).permissions();
    fs::permissions(path, fs::perms::none);
    const Outcome one = run_app("features", {record}, settings);
    expect_failure(one, 1, parts);
    EXPECT_EQ(one.err.find("not there"), std::string::npos) << one.err;
    const TemporaryFolder folder;
    expect_failure(
        run_app("features", {"--data", tiny.folder(), "--out", folder / "f.csv", "--skip-missing"}, settings), 1,
        parts);
    fs::permissions(path, before);
  };
  closed(header, {"permission denied"});
  closed(samples, {"permission denied"});
  closed(record.parent_path(), {"permission denied for the folder " + record.parent_path().string()});
  expect_success(run_app("features", {record}, settings));
}

TEST(Manners, QuietAndJson) {
  const SmallRun run;
  const Outcome quiet = run_app("train", run.with({"--quiet"}));
  expect_success(quiet);
  EXPECT_EQ(quiet.out, "");
  EXPECT_EQ(lines_with(quiet.err, "").size(), lines_with(quiet.err, "warning: ").size()) << quiet.err;
  const Outcome table = run_app("evaluate", run.judge({"--quiet"}));
  expect_success(table);
  expect_parts(table.out, {"precision"});
  EXPECT_EQ(table.err, "");
  const Outcome lines = run_app("evaluate", run.judge({"--log", "json", "--fold", "9", "77"}));
  EXPECT_EQ(lines.status, 1);
  std::vector<std::string> levels;
  for (const std::string& line : lines_with(lines.err, "")) {
    const json entry = json::parse(line);
    levels.push_back(entry.at("level"));
    EXPECT_FALSE(entry.at("message").get<std::string>().empty());
    EXPECT_TRUE(levels.back() != "error" || !entry.at("hint").get<std::string>().empty());
  }
  EXPECT_EQ(std::count(levels.begin(), levels.end(), "error"), 1) << lines.err;
  EXPECT_EQ(levels.back(), "error");
  expect_failure(run_app("evaluate", run.judge({"--log", "xml"})), 2, {"--log"});
}

// Of folds of the model's own data alone.
TEST(Manners, WarningsOfKnownFoldsAreTrue) {
  const SmallRun run;
  expect_success(run_app("train", run.arguments()));
  expect_parts(run_app("evaluate", run.judge({"--fold", "9"})).err, {"warning: fold 9 chose this model's epoch"});
  expect_parts(run_app("evaluate", run.judge({"--fold", "3"})).err, {"warning: fold 3 trained this model"});
  expect_parts(run_app("evaluate", run.judge({"--fold", "3", "4", "9", "10"})).err,
               {"warning: folds 3, 4 trained this model: their figures are no test\nwarning: fold 9 chose"});
  EXPECT_TRUE(lines_with(run_app("evaluate", run.judge({"--fold", "10"})).err, "warning: ").empty());
  // Other records with the same numbers of folds.
  std::string table = read_file(run.tiny().table());
  for (int i = 1; i <= TinyPtbxl::kRecords; ++i) {
    const std::string before = "\n" + std::to_string(i) + ",";
    table.replace(table.find(before), before.size(), "\n" + std::to_string(5000 + i) + ",");
  }
  write_file(run.tiny().table(), table);
  EXPECT_TRUE(lines_with(run_app("evaluate", run.judge({"--fold", "3", "9"})).err, "warning: ").empty());
}

// What is named on the command line is looked at before the work.
TEST(Manners, OutputsAreLookedAtFirst) {
  const SmallRun run;
  const fs::path model = run.folder() / "none.safetensors";  // is not there, but comes second
  const auto evaluate = [&](const char* option, const fs::path& path) {
    return run_app("evaluate", run.judge({"--model", model, option, path}));
  };
  expect_failure(evaluate("--json", run.folder() / "none/a.json"), 1, {"none/a.json"});
  expect_failure(evaluate("--json", run.folder()), 1, {"is a folder"});
  expect_failure(evaluate("--report", run.config() / "report"), 1, {"small.toml is no folder"});
  expect_failure(run_app("features", {"--data", run.tiny().folder(), "--out", run.folder()}), 1, {"is a folder"});
  expect_failure(run_app("train", run.with({"--data", run.folder() / "none", "--out", run.config() / "run"})), 1,
                 {"small.toml/run: cannot be created"});
}

// Names that would move the cursor, or that no terminal can show.
TEST(Text, EscapesAndOtherBytesAreShownAsSuch) {
  const Outcome outcome = run_app("evaluate", {"--model", "a\x1b[2Jb\xff\n.safetensors", "--data", "x"});
  expect_failure(outcome, 1, {"a\\x1b[2Jb\\xff .safetensors"});
  EXPECT_EQ(outcome.err.find('\x1b'), std::string::npos);
  // Names of results, on standard output.
  const TemporaryFolder folder;
  const Outcome set = run_app("synthesize", {"--records", "1", "--out", folder / "s\x1b]0;t\x07"});
  expect_success(set);
  expect_parts(set.out, {"s\\x1b]0;t\\x07"});
  const Outcome roof = run_app("profile", {"--samples", "64", "--gpu", "a\x1b[31m:1:1"});
  expect_success(roof);
  EXPECT_EQ((set.out + set.err + roof.out + roof.err).find('\x1b'), std::string::npos);
  const Outcome option = run_app("train", {"--\x1b[31mdata"});
  expect_failure(option, 2, {"--\\x1b[31mdata"});
}

// Names and comments of a record's header go to the terminal, or into a drawing.
TEST(Text, EscapesOfHeadersAreShownAsSuch) {
  const TinyPtbxl tiny;
  const std::string record = tiny.folder() / TinyPtbxl::stem(1);
  std::string header = read_file(record + ".hea");
  header.replace(header.rfind(" V6\n"), 4, " V6\x1b]0;x\x07\n# Age: 5\x1b[31m\n");
  write_file(record + ".hea", header);
  for (const auto& more : {std::vector<std::string>{}, {"--svg", "/dev/stdout"}, {"--fiducials", "/dev/stdout"}}) {
    std::vector<std::string> arguments = {record};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Outcome outcome = run_app("features", arguments);
    EXPECT_EQ((outcome.out + outcome.err).find('\x1b'), std::string::npos) << outcome.out << outcome.err;
    EXPECT_EQ((outcome.out + outcome.err).find('\x07'), std::string::npos);
  }
}

// What the library of file systems says by itself has no hint, and a prefix of its own.
TEST(Text, ErrorsOfFileSystemsAreOurs) {
  const SmallRun run;
  const std::string in_a_file = run.config() / "x", long_name = run.folder() / std::string(300, 'a');
  const std::string circle = run.folder() / "circle";
  fs::create_symlink("circle", circle);
  for (const std::string& path : {in_a_file, long_name, circle}) {
    for (const Outcome& outcome :
         {run_app("train", run.with({"--data", path})), run_app("train", run.with({"--config", path})),
          run_app("train", run.with({"--out", path})), run_app("train", {"--resume", "--out", path}),
          run_app("evaluate", run.judge({"--model", path})),
          run_app("evaluate", {"--model", run.config(), "--data", path}), run_app("features", {path}),
          run_app("features", {"--data", path, "--out", run.folder() / "f.csv"}),
          run_app("features", {"--data", run.tiny().folder(), "--out", path}),
          run_app("synthesize", {"--records", "1", "--out", path})}) {
      EXPECT_EQ(outcome.status, 1) << outcome.err;
      expect_failure(outcome, 1, {});
      EXPECT_EQ(outcome.err.find("filesystem error"), std::string::npos) << outcome.err;
    }
  }
  EXPECT_EQ(names_in(run.folder()), (std::vector<std::string>{"circle", "small.toml"}));
}

TEST(Text, KeysTwiceAreRefused) {
  const SmallRun run;
  ASSERT_TRUE(TinyPtbxl::edit(run.config(), "lr = 0.005", "lr = 0.005\nlr = 0.006"));
  expect_failure(run_app("train", run.arguments()), 1, {"small.toml:", "lr"});
  const SmallRun sections;
  write_file(sections.config(), read_file(sections.config()) + "[run]\nthreads = 2\n");
  expect_failure(run_app("train", sections.arguments()), 1, {"small.toml:", "run"});
  // One option twice is a mistake as well; CLI11 would take the last.
  expect_failure(run_app("train", run.with({"--lr", "1", "--lr", "2"})), 2, {"--lr"});
}

TEST(Text, NamesThatAreNotUtf8AreRefusedBeforeTheFirstEpoch) {
  const SmallRun run;
  ASSERT_TRUE(
      TinyPtbxl::edit(run.tiny().folder() / "scp_statements.csv", "LVH,,1.0,,,HYP,LVH", "LVH,,1.0,,,H\xfcP,LVH"));
  expect_failure(run_app("train", run.arguments()), 1, {"scp_statements.csv:", "LVH", "not UTF-8"});
  EXPECT_FALSE(fs::exists(run.out()));
  const SmallRun other;
  const fs::path folder = other.folder() / "d\xfc";
  fs::rename(other.tiny().folder(), folder);
  expect_failure(run_app("train", other.with({"--data", folder})), 2, {"--data is '", "not UTF-8"});
  fs::rename(folder, other.tiny().folder());
  const fs::path out = other.folder() / "r\xfcn";  // Only what goes into a file must be UTF-8.
  expect_success(run_app("train", other.with({"--out", out})));
  expect_success(run_app("train", {"--resume", "--out", out, "--no-cache"}));
}

TEST(Text, EnvironmentVariablesAreChecked) {
  for (const auto& [word, status] : {std::pair("avx2", 0), std::pair("sse", 2), std::pair("AVX2", 2)}) {
    RunSettings settings;
    settings.in_child = [word = word] { ::setenv("CARDIOGRAD_ISA", word, 1); };
    const Outcome outcome = run_app("profile", {"--samples", "64"}, settings);
    EXPECT_EQ(outcome.status, status) << outcome.err;
    if (status != 0) expect_failure(outcome, 2, {"CARDIOGRAD_ISA is '" + std::string(word) + "'"});
  }
}

// Nested as deeply as a file of a megabyte can: each reader must end by itself.
TEST(Sizes, DeepNestingIsNoStack) {
  const SmallRun run;
  const std::string open(200'000, '[');
  std::string xml = "<RestingECG>";
  for (int i = 0; i < 200'000; ++i) xml += "<a>";
  write_file(run.config(), "[model]\nchannels = " + open);
  expect_failure(run_app("train", run.arguments()), 1, {"small.toml:"});
  write_file(run.folder() / "deep.xml", xml);
  write_file(run.folder() / "deeper.xml", "<AnnotatedECG xmlns=\"urn:hl7-org:v3\">" + xml.substr(12));
  for (const char* name : {"deep.xml", "deeper.xml"})
    expect_failure(run_app("features", {run.folder() / name}), 1, {name});
  ASSERT_TRUE(TinyPtbxl::edit(run.tiny().table(), "'SR': 0.0", "'SR': " + open));
  expect_failure(run_app("features", {"--data", run.tiny().folder(), "--out", run.folder() / "f.csv"}), 1,
                 {"ptbxl_database.csv:2"});
}

// Sizes that overflow where they are multiplied or narrowed.
TEST(Sizes, AbsurdOnesAreRefused) {
  for (const std::string value : {"4611686018427387904", "4294967297", "9223372036854775807", "-9223372036854775808"}) {
    const SmallRun run;
    const std::string text = read_file(run.config());
    for (const auto& [from, key] :
         {std::pair("encoder_layers = 1", "encoder_layers"), std::pair("heads = 2", "heads"),
          std::pair("feed_forward = 16", "feed_forward"), std::pair("feature_width = 4", "feature_width"),
          std::pair("head_width = 16", "head_width"), std::pair("epochs = 3", "epochs"),
          std::pair("batch_size = 8", "batch_size"), std::pair("threads = 1", "threads")}) {
      write_file(run.config(), text);
      ASSERT_TRUE(TinyPtbxl::edit(run.config(), from, std::string(key) + " = " + value)) << from;
      expect_failure(run_app("train", run.arguments()), 1, {key, "expected"});
    }
    for (const auto& [from, key] : {std::pair("[4, 8, 8]", "channels"), std::pair("[5, 3, 3]", "kernels")}) {
      write_file(run.config(), text);
      ASSERT_TRUE(TinyPtbxl::edit(run.config(), from, "[" + value + ", 3, 3]")) << from;
      expect_failure(run_app("train", run.arguments()), 1, {key, "expected"});
    }
    EXPECT_FALSE(fs::exists(run.out()));
    write_file(run.config(), text);
    for (const char* option : {"--epochs", "--batch-size", "--threads", "--val-fold", "--test-fold", "--rate"})
      EXPECT_EQ(run_app("train", run.with({std::string(option) + "=" + value})).status, 2) << option << value;
    EXPECT_EQ(run_app("synthesize", {"--records=" + value, "--out", run.folder() / "set"}).status, 2) << value;
    for (const char* option : {"--samples", "--leads", "--classes", "--features", "--batch-size"})
      EXPECT_EQ(run_app("profile", {std::string(option) + "=" + value}).status, 2) << option << value;
  }
}

// As if the machine had no more memory than this; not with AddressSanitizer, which needs all addresses.
RunSettings with_memory(int resource, rlim_t bytes) {
  RunSettings settings;
  settings.in_child = [resource, limit = rlimit{.rlim_cur = bytes, .rlim_max = bytes}] {
    if (::setrlimit(static_cast<__rlimit_resource>(resource), &limit) != 0) ::_exit(125);
  };
  return settings;
}

// A file that takes more memory than there is costs its own answer alone, wherever in its reading memory runs out.
TEST(Memory, ABatchGoesOnWhereOneFileIsTooLarge) {
#if defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "AddressSanitizer needs all addresses";
#endif
  const SmallRun run;
  expect_success(run_app("train", run.arguments()));
  std::string plain = "I,II\n", quoted = "I,II\n";
  for (int i = 0; i < 4'000'000; ++i) plain += "1.25,2.5\n";
  for (int i = 0; i < 3'000'000; ++i) quoted += "\"1.25\",\"2.5\"\n";
  write_file(run.folder() / "plain.csv", plain);
  write_file(run.folder() / "quoted.csv", quoted);
  for (const auto& [name, format] : {std::pair("two_bytes", "16"), std::pair("packed", "212")}) {
    const fs::path samples = run.folder() / (name + std::string(".dat"));
    write_file(samples, "");
    fs::resize_file(samples, 240'000'000);  // a hole
    write_file(run.folder() / (name + std::string(".hea")),
               fmt::format("{0} 2 500 60000000\n{0}.dat {1} 1000/mV 16 0 0 0 0 I\n{0}.dat {1} 1000/mV 16 0 0 0 0 II\n",
                           name, format));
  }
  const std::string good = run.tiny().folder() / TinyPtbxl::stem(1);
  const Outcome outcome =
      run_app("predict",
              {"--model", run.out(), "--threads", "1", "--csv", "--rate", "500", good, run.folder() / "plain.csv",
               run.folder() / "quoted.csv", run.folder() / "two_bytes", run.folder() / "packed", good},
              with_memory(RLIMIT_AS, rlim_t{250} << 20));
  EXPECT_EQ(outcome.status, 3) << outcome.err;
  EXPECT_EQ(lines_with(outcome.out, "").size(), 7U) << outcome.out;
  EXPECT_EQ(lines_with(outcome.out, good + ",").size(), 2U) << outcome.out;
  expect_parts(outcome.err, {"plain.csv: too long for this machine's memory", "quoted.csv: too long",
                             "two_bytes: too long", "packed: too long"});
}

// 21 minutes of 12 leads at 100 Hz, 3 MB: looked at whole they would take forty times as much.
TEST(Memory, LongRecordingsAreNotHeldWhole) {
#if defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "AddressSanitizer needs memory of its own";
#endif
  const TinyPtbxl tiny;
  const TemporaryFolder folder;
  std::string samples, header = "long 12 100 126000\n";
  for (int i = 0; i < 126; ++i) samples += read_file(tiny.signals(1 + i % 3));
  for (int lead = 0; lead < 12; ++lead)
    header += fmt::format("long.dat 16 1000/mV 16 0 0 0 0 {}\n", ecg::kStandardLeads[static_cast<std::size_t>(lead)]);
  write_file(folder / "long.dat", samples);
  write_file(folder / "long.hea", header);
  for (const auto& more :
       {std::vector<std::string>{}, {"--fiducials", folder / "f.csv"}, {"--svg", folder / "a.svg"}}) {
    std::vector<std::string> arguments = {"--threads", "1", folder / "long"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    expect_success(run_app("features", arguments, with_memory(RLIMIT_DATA, 60'000'000)));
  }
}

// 1000 records, 24 MB when prepared: with the program itself they fit twice, not three times.
TEST(Memory, ManyRecordsAreHeldOnce) {
#if defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "AddressSanitizer needs memory of its own";
#endif
  const SmallRun run;
  std::string table = read_file(run.tiny().table());
  const std::size_t first = table.find('\n') + 1;
  const std::string rows = table.substr(first);
  for (int copy = 1; copy < 25; ++copy) {
    std::string more = "\n" + rows;
    for (int i = 1; i <= TinyPtbxl::kRecords; ++i) {
      const std::string before = fmt::format("\n{},", i);
      more.replace(more.find(before), before.size(), fmt::format("\n{},", TinyPtbxl::kRecords * copy + i));
    }
    table += more.substr(1);
  }
  write_file(run.tiny().table(), table);
  const std::vector<std::string> prepared_anew = {"--epochs", "1", "--batch-size", "64"};
  std::vector<std::string> cached = prepared_anew;
  cached.insert(cached.end(), {"--cache", run.cache()});
  for (const auto& more : {prepared_anew, cached, cached}) {  // the last one from the cache
    expect_success(run_app("train", run.with(more), with_memory(RLIMIT_DATA, 75'000'000)));
    fs::remove_all(run.out());
  }
}

}  // namespace
}  // namespace cardiograd::testing
