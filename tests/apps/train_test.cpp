// train and evaluate as a user runs them: what they write, and that it can be repeated and resumed.
#include <algorithm>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/philox.h"
#include "tests/apps/small_run.h"

namespace cardiograd::testing {
namespace {

using nlohmann::json;

TEST(Train, WritesARunThatItsOwnConfigurationRepeats) {
  const SmallRun run;
  const Outcome first = run_app("train", run.arguments());
  expect_success(first);
  EXPECT_EQ(names_in(run.out()), kRunFiles);
  expect_parts(first.out, {"\nHC-CNN-TN: ", "epoch   1/3", "epoch   3/3", "done: best validation macro AUC"});
  EXPECT_EQ(lines_with(read_file(run.out() / "log.csv"), "").size(), 4U);
  const auto again = run.folder() / "again";
  const Outcome second = run_app("train", {"--config", run.out() / "config.toml", "--out", again, "--no-cache"});
  expect_success(second);
  for (const char* name : {"best.safetensors", "last.safetensors", "config.toml"})
    EXPECT_EQ(read_file(run.out() / name), read_file(again / name)) << name;
}

// One record in the validation fold: every class is there or not.
TEST(Train, AValidationFoldWithoutBothOutcomesHasNoAuc) {
  const SmallRun run;
  for (const int i : {19, 29, 39})
    ASSERT_TRUE(TinyPtbxl::edit(run.tiny().table(), fmt::format(",9,{}", TinyPtbxl::stem(i)),
                                fmt::format(",1,{}", TinyPtbxl::stem(i))));
  const Outcome outcome = run_app("train", run.arguments());
  expect_success(outcome);
  expect_parts(outcome.out, {"val macro AUC none (no class has both outcomes)",
                             "done: best validation macro AUC none (no class has both outcomes) in epoch "});
  EXPECT_EQ(outcome.out.find("nan"), std::string::npos) << outcome.out;
}

TEST(Train, ThreadsAndCacheDoNotChangeAByte) {
  const SmallRun run;
  expect_success(run_app("train", run.arguments()));
  const auto other = run.folder() / "other";
  const Outcome first = run_app("train", run.with({"--out", other, "--threads", "2", "--cache", run.cache()}));
  expect_success(first);
  EXPECT_EQ(read_file(run.out() / "best.safetensors"), read_file(other / "best.safetensors"));
  EXPECT_EQ(read_file(run.out() / "last.safetensors"), read_file(other / "last.safetensors"));
  ASSERT_EQ(names_in(run.cache()).size(), 1U);
  const auto cached = run.folder() / "cached";
  expect_success(run_app("train", run.with({"--out", cached, "--cache", run.cache()})));
  EXPECT_EQ(read_file(run.out() / "last.safetensors"), read_file(cached / "last.safetensors"));
}

// 960,000 bytes of signals.
TEST(Train, SignalsInFilesGiveTheSameModel) {
  const SmallRun run;
  expect_success(run_app("train", run.arguments()));
  for (const char* out : {"made", "served"}) {
    const auto folder = run.folder() / out;
    expect_success(run_app("train", run.with({"--out", folder, "--signal-memory", "0.5", "--cache", run.cache()})));
    for (const char* name : {"best.safetensors", "last.safetensors"})
      EXPECT_EQ(read_file(run.out() / name), read_file(folder / name)) << out;
  }
  ASSERT_EQ(names_in(run.cache()).size(), 1U);
  EXPECT_EQ(names_in(run.cache() / names_in(run.cache())[0]).size(), 20U) << "two records in each";
  // Once the signals are in memory, once in files.
  std::vector<std::string> judge = {"--model",      run.out() / "last.safetensors",
                                    "--data",       run.tiny().folder(),
                                    "--draws",      "50",
                                    "--cache",      run.cache(),
                                    "--predictions"},
                           judge_files = judge;
  judge.push_back(run.folder() / "a.csv");
  judge_files.insert(judge_files.end(), {run.folder() / "b.csv", "--signal-memory", "0.5"});
  expect_success(run_app("evaluate", judge));
  expect_success(run_app("evaluate", judge_files));
  EXPECT_EQ(read_file(run.folder() / "a.csv"), read_file(run.folder() / "b.csv"));
  const auto cannot = run.with({"--out", run.folder() / "x", "--signal-memory", "0.5", "--cache", run.config()});
  expect_failure(run_app("train", cannot), 1, {"small.toml/", "cannot be created: Not a directory"});
}

// The words of the version before: old options and old keys give the same model, and new files have the new words.
TEST(Train, OldWordsAreTakenWithAWarning) {
  const SmallRun run;
  expect_success(run_app("train", run.with({"--normalize", "zscore", "--unlabeled", "keep"})));
  const auto old = run.folder() / "old";
  const Outcome options = run_app("train", run.with({"--harmonise", "zscore", "--unlabelled", "keep", "--out", old}));
  expect_success(options);
  EXPECT_EQ(lines_with(options.err, "warning: '--harmonise' is now '--normalize'").size(), 1U) << options.err;
  EXPECT_EQ(lines_with(options.err, "warning: '--unlabelled' is now '--unlabeled'").size(), 1U) << options.err;
  std::string text = read_file(run.out() / "config.toml");
  for (const auto& [now, before] :
       {std::pair("normalize =", "harmonise ="), std::pair("standardize =", "standardise ="),
        std::pair("unlabeled =", "unlabelled ="), std::pair("optimizer =", "optimiser ="),
        std::pair("pos_weight =", "class_weights ="), std::pair("name = 'hc_cnn_tn'\n", "")})
    text.replace(text.find(now), std::string(now).size(), before);
  write_file(run.folder() / "old.toml", text);
  const auto from_file = run.folder() / "from file";
  const Outcome file = run_app("train", {"--config", run.folder() / "old.toml", "--out", from_file, "--no-cache"});
  expect_success(file);
  const auto warnings = lines_with(file.err, "warning: ");
  EXPECT_EQ(std::count_if(warnings.begin(), warnings.end(),
                          [](const auto& line) { return line.find("the old word is accepted") != std::string::npos; }),
            5)
      << file.err;
  for (const auto& folder : {old, from_file})
    for (const char* name : {"best.safetensors", "last.safetensors", "config.toml"})
      EXPECT_TRUE(read_file(run.out() / name) == read_file(folder / name)) << folder << " " << name;
  expect_parts(run_app("evaluate", run.judge({"--unlabelled", "keep"})).err, {"'--unlabelled' is now '--unlabeled'"});
  const Outcome help = run_app("train", {"--help"});
  EXPECT_EQ(help.out.find("harmonise"), std::string::npos);
  expect_parts(help.out, {"--normalize", "--model", "hc_cnn_tn", "default 0.0003", "default butterworth"});
}

TEST(Train, ConfigHelpIsTheDocument) {
  const Outcome outcome = run_app("train", {"--config-help"});
  expect_success(outcome);
  EXPECT_EQ(outcome.out, read_file(std::string(CARDIOGRAD_TESTS_DIR) + "/../docs/configuration.md"));
}

TEST(Train, TwentyThreeClassesAndAllFeatures) {
  const SmallRun run;
  expect_success(run_app("train", run.with({"--task", "sub", "--features", "all", "--filter", "butterworth"})));
  const Outcome judged = run_app("evaluate", run.judge({"--json", run.folder() / "result.json"}));
  expect_success(judged);
  const json result = json::parse(read_file(run.folder() / "result.json"));
  EXPECT_EQ(result.at("class_order").size(), 23U);
  EXPECT_TRUE(result.at("classes").contains("LAFB/LPFB"));
}

// A table of labels over the records of a TinyPtbxl: whether a record has a diagnosis of MI, and one of CD.
void write_labels(const std::filesystem::path& path, const std::string& more = "") {
  std::string text = "path,patient,age,sex,fold,INFARCT,BLOCK\n";
  for (int i = 1; i <= TinyPtbxl::kRecords; ++i) {
    const auto has = [&](const std::string& superclass) {
      const auto codes = TinyPtbxl::codes(i);
      return std::any_of(codes.begin(), codes.end(),
                         [&](std::size_t code) { return kTinyCodes[code].superclass == superclass; });
    };
    text += fmt::format("{},p{},{},{},{},{:d},{:d}\n", TinyPtbxl::stem(i), i, 30 + i, i % 2 == 1 ? "F" : "M",
                        1 + (i - 1) % 10, has("MI"), has("CD"));
  }
  write_file(path, text + more);
}

// From a table to an answer, from there to other leads and classes, and what is wrong with a table.
TEST(Train, OwnLabelsAndAnotherModelsWeights) {
  const SmallRun run;
  const auto table = run.folder() / "own.csv", second = run.folder() / "second";
  write_labels(table);
  const Outcome own = run_app("train", run.with({"--labels", table}));
  expect_success(own);
  expect_parts(own.out, {"own labels: 40 records; folds of the table", "task own, 2 classes"});
  const auto predictions = run.folder() / "predictions.csv";
  const Outcome judged = run_app("evaluate", run.judge({"--labels", table, "--predictions", predictions}));
  expect_success(judged);
  expect_parts(read_file(predictions),
               {"path,fold,probability_INFARCT,probability_BLOCK,", TinyPtbxl::stem(10) + ",10,"});
  expect_failure(run_app("evaluate", run.judge({})), 2, {"trained on a table of labels"});
  // Report and figures need none of PTB-XL's tables.
  const std::filesystem::path plain = run.folder() / "plain";
  std::filesystem::create_directories(plain);
  std::filesystem::copy(run.tiny().folder() / "records100", plain / "records100",
                        std::filesystem::copy_options::recursive);
  expect_success(run_app("evaluate", {"--model", run.out(), "--labels", table, "--data", plain, "--report",
                                      run.folder() / "page", "--json", run.folder() / "own.json", "--draws", "20"}));
  expect_parts(read_file(run.folder() / "page/report.html"), {". records100/00000/", "without any of them"});
  const json figures = json::parse(read_file(run.folder() / "own.json"));
  EXPECT_EQ(figures.at("class_distribution").at("records"), 40);
  EXPECT_EQ(figures.at("mistakes")[0].at("path").get<std::string>().find("records100/"), 0U);

  // Runs of one table beside each other; where it is, the first run's configuration says.
  expect_success(run_app("train", run.with({"--labels", table, "--seed", "1", "--out", run.folder() / "seed1"})));
  const std::string seed1 = run.folder() / "seed1";
  const Outcome compared = run_app("compare", {run.out(), seed1, "--fold", "1", "10", "--draws", "20"});
  expect_success(compared);
  expect_parts(compared.out, {"training.seed: 0 | 1", "8 records"});
  expect_success(run_app("compare", {run.out(), seed1, "--data", plain, "--draws", "0"}));
  expect_success(run_app("compare", {run.out(), seed1, "--labels", table, "--data", plain, "--draws", "0"}));
  std::filesystem::copy_file(run.out() / "best.safetensors", run.folder() / "alone.safetensors");
  expect_failure(run_app("compare", {run.folder() / "alone.safetensors", seed1, "--data", plain}), 2,
                 {"alone.safetensors was trained on a table of labels", "no --labels"});

  const std::vector<std::string> fewer = {"--labels", table,     "--classes", "BLOCK", "--leads",          "V2,I,II",
                                          "--init",   run.out(), "--out",     second,  "--init-lr-factor", "0.1"};
  const Outcome tuned = run_app("train", run.with(fewer));
  expect_success(tuned);
  expect_parts(tuned.out, {" of ", " tensors taken over", "they learn 0.1 times as fast"});
  expect_success(run_app("train", {"--resume", "--out", second, "--no-cache"}));
  expect_success(run_app("synthesize", {"--out", run.folder() / "clean", "--records", "20"}));
  const auto record = run.folder() / "clean/records100/00000/00001_lr.hea";
  const Outcome answer = run_app("predict", {"--model", second, "--csv", record});
  expect_success(answer);
  expect_parts(answer.out, {"positive,BLOCK,windows", ",answered,"});
  const Outcome as_json = run_app("predict", {"--model", second, "--json", record});  // whose words nobody knows
  expect_parts(as_json.out, {R"("class":"BLOCK","meaning":"")"});
  expect_success(run_app("explain", {"--model", second, "--json", run.folder() / "why.json", record}));
  expect_success(run_app("export", {"--model", second, "--onnx", run.folder() / "second.onnx"}));
  const json why = json::parse(read_file(run.folder() / "why.json"));
  EXPECT_EQ(why.at("leads"), json({"V2", "I", "II"}));

  expect_failure(run_app("train", run.with({"--labels", table, "--task", "sub", "--out", run.folder() / "x"})), 2,
                 {"--labels with --task"});
  expect_failure(run_app("train", run.with({"--leads", "II", "--out", run.folder() / "x"})), 2, {"without --labels"});
  expect_failure(run_app("train", run.with({"--freeze", "encoder", "--out", run.folder() / "x"})), 2,
                 {"--freeze or --init-lr-factor without --init"});
  write_labels(table, "nowhere,p99,,,1,0,1\n");
  expect_failure(run_app("train", run.with({"--labels", table, "--out", run.folder() / "x"})), 1,
                 {"1 of 41 records are absent", "own.csv:42", "nowhere"});
  expect_failure(run_app("train", {"--resume", "--out", run.out(), "--skip-missing", "--no-cache"}), 2,
                 {"skip_missing"});
}

TEST(Train, WhatInitCannotBeginIsSaidBeforeTheDataAreRead) {
  const SmallRun run;
  expect_success(run_app("train", run.with({})));
  const Outcome other =
      run_app("train", run.with({"--init", run.out(), "--model", "lstm", "--out", run.folder() / "x"}));
  expect_failure(other, 1, {"--init is a model of the kind hc_cnn_tn, the run's is lstm"});
  EXPECT_EQ(other.out, "");
  const Outcome faster =
      run_app("train", run.with({"--init", run.out(), "--rate", "500", "--out", run.folder() / "x"}));
  expect_failure(faster, 1, {"--init was trained at 100 Hz, the data are at 500 Hz"});
  EXPECT_EQ(faster.out, "");
}

TEST(Evaluate, PrintsTheTableAndWritesItAsJson) {
  const SmallRun run;
  expect_success(run_app("train", run.with({"--epochs", "6"})));
  for (const char* option : {"--resample", "--skip-duplicates"}) {
    expect_failure(run_app("evaluate", run.judge({option})), 2, {std::string(option) + " without --labels"});
    expect_failure(run_app("train", run.with({option, "--out", run.folder() / "x"})), 2, {"without --labels"});
  }
  const auto file = run.folder() / "result.json";
  const Outcome outcome = run_app("evaluate", run.judge({"--explain", "1", "--fold", "1", "2", "3", "--json", file}));
  expect_success(outcome);
  expect_parts(outcome.out, {"precision", "recall", "AUC", "macro", "NORM", "STTC", "12 records"});
  const json result = json::parse(read_file(file));
  EXPECT_EQ(result.at("folds"), json({1, 2, 3}));
  EXPECT_EQ(result.at("records"), 12);
  EXPECT_EQ(result.at("epoch"), 6);
  double auc = 0;
  int classes = 0;
  for (const char* name : {"CD", "HYP", "MI", "NORM", "STTC"}) {
    const json& one = result.at("classes").at(name);
    if (one.at("auc").is_null()) continue;
    auc += one.at("auc").get<double>();
    ++classes;
    EXPECT_TRUE(one.at("auc_low").get<double>() <= one.at("auc_high").get<double>());
  }
  EXPECT_EQ(result.at("macro").at("classes"), classes);
  EXPECT_NEAR(result.at("macro").at("auc").get<double>(), auc / classes, 1e-12);
  EXPECT_TRUE(result.at("macro").at("f1").get<double>() >= 0);
  // The same again, on more threads and in other batches.
  const Outcome again = run_app("evaluate", run.judge({"--explain", "1", "--fold", "1", "2", "3", "--threads", "2",
                                                       "--json", run.folder() / "b.json"}));
  expect_success(again);
  json other = json::parse(read_file(run.folder() / "b.json"));
  other["date"] = result.at("date");
  EXPECT_EQ(other, result);
  const Outcome validation = run_app("evaluate", run.judge({"--fold", "9"}));
  expect_success(validation);
  expect_parts(validation.err, {"warning: fold 9 chose this model's epoch"});
}

// A class that the signals show is learnt: the whole way from the files to the AUC.
TEST(Evaluate, TheModelHasLearntFromTheSignals) {
  const SmallRun run;
  expect_success(run_app("train", run.with({"--epochs", "40", "--features", "none"})));
  const auto file = run.folder() / "result.json";
  expect_success(run_app("evaluate", run.judge({"--fold", "1", "2", "3", "4", "5", "6", "7", "8", "--json", file})));
  const json result = json::parse(read_file(file));
  EXPECT_TRUE(result.at("macro").at("auc").get<double>() >= 0.8) << result.at("macro").dump();
}

TEST(Evaluate, DataOfAnotherUnitOnlyWhenNormalized) {
  const SmallRun z("z");
  const SmallRun millivolts;
  expect_success(run_app("train", z.arguments()));
  expect_success(run_app("train", millivolts.arguments()));
  const auto on = [](const SmallRun& model, const SmallRun& data, std::vector<std::string> more) {
    std::vector<std::string> arguments = {
        "--model", model.out() / "last.safetensors", "--data", data.tiny().folder(), "--no-cache", "--draws", "10"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_app("evaluate", arguments);
  };
  const Outcome refused = on(z, millivolts, {});
  expect_failure(refused, 1, {"'mV'", "'z'"});
  expect_parts(refused.err, {"hint: Add --normalize zscore"});
  expect_success(on(z, millivolts, {"--normalize", "zscore"}));
  const Outcome hopeless = on(millivolts, z, {});
  expect_failure(hopeless, 1, {"'z'", "'mV'"});
  expect_failure(on(millivolts, z, {"--normalize", "zscore"}), 1, {"'z'", "'mV'"});
  const SmallRun both;
  expect_success(run_app("train", both.with({"--normalize", "zscore"})));
  expect_success(on(both, z, {}));
  expect_success(on(both, millivolts, {}));
}

TEST(Resume, ContinuesOnlyTheSameRun) {
  const SmallRun run;
  const auto resume = [&](std::vector<std::string> more) {
    more.insert(more.begin(), {"--resume", "--out", run.out(), "--no-cache"});
    return run_app("train", more);
  };
  expect_failure(run_app("train", {"--resume"}), 2, {"--resume without --out"});
  expect_failure(resume({}), 1, {"run", "config.toml", "no run to resume"});
  EXPECT_FALSE(std::filesystem::exists(run.out()));
  expect_success(run_app("train", run.arguments()));
  const std::string last = read_file(run.out() / "last.safetensors");
  expect_failure(run_app("train", run.arguments()), 1, {run.out().string(), "a run is there already"});
  expect_failure(resume({"--epochs", "9"}), 2, {"training.epochs is 3", "9 now"});
  expect_failure(resume({"--seed", "1"}), 2, {"training.seed"});
  expect_failure(resume({"--data", run.folder()}), 2, {"data.folder"});
  expect_success(resume({"--epochs", "3", "--threads", "2"}));
  expect_success(resume({}));
  EXPECT_EQ(read_file(run.out() / "last.safetensors"), last);
  EXPECT_EQ(names_in(run.out()), kRunFiles);
  write_file(run.out() / "state.safetensors", "no state");
  expect_failure(resume({}), 1, {"state.safetensors", "not a valid safetensors file"});
}

// 20 runs killed at moments spread over a run's whole length and continued by the same command with --resume.
TEST(Resume, KilledAtAnyMomentEndsWithTheSameBytes) {
  const SmallRun run;
  const auto arguments = [&](const std::filesystem::path& out, bool resume) {
    std::vector<std::string> all = run.with({"--out", out, "--cache", run.cache()});
    if (resume) all.emplace_back("--resume");
    return all;
  };
  expect_success(run_app("train", arguments(run.folder() / "filling the cache", false)));
  const Outcome whole = run_app("train", arguments(run.out(), false));
  expect_success(whole);
  PhiloxStream random(2024);
  int killed = 0;
  for (int i = 0; i < 20; ++i) {
    const auto out = run.folder() / ("killed-" + std::to_string(i));
    RunSettings settings;
    settings.kill_after_s = whole.seconds * (i + random.uniform()) / 20;
    bool resume = false;
    // Every fourth run is killed once more when it goes on.
    for (int kills = i % 4 == 0 ? 2 : 1; kills > 0; --kills) {
      killed += run_app("train", arguments(out, resume), settings).status == -1 ? 1 : 0;
      resume = true;
    }
    expect_success(run_app("train", arguments(out, true)));
    EXPECT_EQ(names_in(out), kRunFiles) << "after " << settings.kill_after_s << " of " << whole.seconds << " s";
    for (const char* name : {"best.safetensors", "last.safetensors", "config.toml"})
      EXPECT_EQ(read_file(out / name), read_file(run.out() / name))
          << name << " after " << settings.kill_after_s << " of " << whole.seconds << " s";
    std::filesystem::remove_all(out);
  }
  EXPECT_GE(killed, 10) << "too few runs were still alive when their moment came";
}

// The same while each of its files is being written: what is left of it disappears, the old content is never spoilt.
TEST(Resume, KilledWhileAFileIsWritten) {
  const SmallRun run;
  expect_success(run_app("train", run.arguments()));
  int caught = 0;
  for (const std::string& name : kRunFiles) {
    const auto out = run.folder() / ("killed at " + name);
    const auto is_temporary = [&](const std::string& file) { return file.starts_with("." + name + "."); };
    RunSettings settings;
    settings.kill_when = [&] {
      const auto names = names_in(out);
      return std::any_of(names.begin(), names.end(), is_temporary);
    };
    run_app("train", run.with({"--out", out}), settings);
    const auto left = names_in(out);
    caught += std::any_of(left.begin(), left.end(), is_temporary) ? 1 : 0;
    expect_success(run_app("train", run.with({"--out", out, "--resume"})));
    EXPECT_EQ(names_in(out), kRunFiles) << "killed at " << name;
    for (const char* file : {"best.safetensors", "last.safetensors", "config.toml"})
      EXPECT_EQ(read_file(out / file), read_file(run.out() / file)) << file << ", killed at " << name;
  }
  EXPECT_GE(caught, 1) << "no run was killed while a file was being written";
}

}  // namespace
}  // namespace cardiograd::testing
