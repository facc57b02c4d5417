#include "model/model_file.h"

#include <cmath>
#include <functional>
#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/file.h"
#include "engine/io/safetensors.h"
#include "engine/memory.h"
#include "tests/common/temporary_folder.h"
#include "tests/data/helpers.h"
#include "tests/model/tiny_set.h"

namespace cardiograd::model {
namespace {

namespace fs = std::filesystem;
using cardiograd::testing::TemporaryFolder;
using data::testing::expect_error;
using data::testing::LogCapture;
using nlohmann::json;

ModelDescription description() {
  ModelDescription d;
  d.architecture = testing::tiny_config().model;
  d.architecture.set_shape({.classes = 3, .features = 4, .leads = 2, .samples = 64});
  d.task = data::Task::kSub;
  d.class_names = {"A", "B \"x\"", "LAFB/LPFB"};
  d.thresholds = {0.1F, 0.5F, std::nextafter(0.3F, 1.0F)};
  d.lead_names = {"I", "aVR"};
  d.rate = 100;
  d.unit = "mV";
  d.filter = Filter::kNone;
  d.normalize = data::Normalize::kZscore;
  d.unlabeled = data::Unlabeled::kKeep;
  d.feature_set = FeatureSet::kDemographics;
  d.signal_scaling = {{1.0 / 3, -1e-300}, {0.1, 7}};
  d.feature_scaling = {{"age_years", "sex"}, {60, 1}, {59.9, 0.1}, {1.0 / 7, 0}, true};
  d.epoch = 12;
  d.val_folds = {9, 3};
  d.train_folds = {1, 2};
  d.data_hash = "00ff";
  d.synthetic_start = true;
  return d;
}

// A good model file that a test may spoil.
class ModelFile {
 public:
  ModelFile() {
    save_model(path(), description(), *description().architecture.build(4));
    file_ = read_safetensors(path());
  }
  fs::path path() const { return folder_ / "last.safetensors"; }
  SafetensorsFile& tensors() { return file_; }
  json metadata() const { return json::parse(file_.metadata.at("cardiograd")); }

  void expect_refused(std::initializer_list<std::string_view> parts) {
    write_safetensors(path(), file_);
    expect_error([this] { load_model(path()); }, {"last.safetensors"});
    expect_error([this] { load_model(path()); }, parts);
    try {
      load_model(path());
    } catch (const UsageError&) {
      ADD_FAILURE() << "a damaged file is no wrong usage";
    } catch (const Error&) {
    }
  }
  // After `change` of the description.
  void expect_refused(const std::function<void(json&)>& change, std::initializer_list<std::string_view> parts) {
    const std::string good = file_.metadata.at("cardiograd");
    json changed = json::parse(good);
    change(changed);
    file_.metadata["cardiograd"] = changed.dump();
    expect_refused(parts);
    file_.metadata["cardiograd"] = good;
  }

 private:
  TemporaryFolder folder_;
  SafetensorsFile file_;
};

TEST(ModelFile, RoundTripKeepsEveryValueAndByte) {
  const TemporaryFolder folder;
  const ModelDescription d = description();
  const auto net = d.architecture.build(4);
  save_model(folder / "a.safetensors", d, *net);
  const TrainedModel loaded = load_model(folder / "a.safetensors");
  const ModelDescription& back = loaded.description;
  EXPECT_EQ(back.architecture.kind().name, "hc_cnn_tn");
  Architecture written = d.architecture;
  Architecture read = back.architecture;
  for (const ConfigField& field : written.fields())
    EXPECT_EQ(field_named(read.fields(), field.key).text(), field.text()) << field.key;
  EXPECT_EQ(back.task, d.task);
  EXPECT_EQ(back.class_names, d.class_names);
  EXPECT_EQ(back.thresholds, d.thresholds);
  EXPECT_EQ(back.lead_names, d.lead_names);
  EXPECT_EQ(back.rate, d.rate);
  EXPECT_EQ(back.unit, d.unit);
  EXPECT_EQ(back.filter, d.filter);
  EXPECT_EQ(back.normalize, d.normalize);
  EXPECT_EQ(back.unlabeled, d.unlabeled);
  EXPECT_EQ(back.feature_set, d.feature_set);
  EXPECT_EQ(back.signal_scaling.mean, d.signal_scaling.mean);
  EXPECT_EQ(back.signal_scaling.sd, d.signal_scaling.sd);
  EXPECT_EQ(back.feature_scaling.names, d.feature_scaling.names);
  EXPECT_EQ(back.feature_scaling.median, d.feature_scaling.median);
  EXPECT_EQ(back.feature_scaling.mean, d.feature_scaling.mean);
  EXPECT_EQ(back.feature_scaling.sd, d.feature_scaling.sd);
  EXPECT_EQ(back.feature_scaling.missing_flags, d.feature_scaling.missing_flags);
  EXPECT_EQ(back.epoch, d.epoch);
  EXPECT_EQ(back.val_folds, d.val_folds);
  EXPECT_EQ(back.train_folds, d.train_folds);
  EXPECT_EQ(back.data_hash, d.data_hash);
  EXPECT_TRUE(back.synthetic_start);
  Tensor x = Tensor::empty({3, 64, 2});
  for (std::int64_t i = 0; i < x.count(); ++i) x.data()[i] = static_cast<float>(i % 13) / 6 - 1;
  const Tensor f = Tensor::from<float>({1, 2, 0, 1, -1, 0, 0, 0, 2, 2, 1, 1}, {3, 4});
  EXPECT_EQ(loaded.net->forward(x, f).values(), net->forward(x, f).values());
  save_model(folder / "b.safetensors", back, *loaded.net);
  EXPECT_EQ(read_file(folder / "a.safetensors"), read_file(folder / "b.safetensors"));
}

// Keys that came later are not in earlier files, which mean the defaults; any other that is missing is damage.
TEST(ModelFile, AFileWithoutLaterKeysMeansTheirDefaults) {
  const TemporaryFolder folder;
  const auto file_of_now = folder / "a.safetensors", earlier = folder / "b.safetensors";
  const std::vector<std::pair<std::string, std::vector<std::string>>> later = {{"hc_cnn_tn", {"positions", "pool"}},
                                                                               {"fcn_wang", {"feature_width"}}};
  for (const auto& [model, keys] : later) {
    ModelDescription d = description();
    const DataShape shape = d.architecture.shape();
    d.architecture = Architecture(model);
    d.architecture.set_shape(shape);
    const auto net = d.architecture.build(4);
    save_model(file_of_now, d, *net);
    SafetensorsFile file = read_safetensors(file_of_now);
    json changed = json::parse(file.metadata.at("cardiograd"));
    for (const std::string& key : keys) EXPECT_EQ(changed.at("architecture").erase(key), 1U) << key;
    file.metadata["cardiograd"] = changed.dump();
    write_safetensors(earlier, file);
    const TrainedModel back = load_model(earlier);
    save_model(earlier, back.description, *back.net);
    EXPECT_EQ(read_file(earlier), read_file(file_of_now));
    changed.at("architecture").erase("head_width");
    file.metadata["cardiograd"] = changed.dump();
    write_safetensors(earlier, file);
    expect_error([&] { load_model(earlier); }, {"damaged", "head_width"});
  }
}

TEST(ModelFile, ARunsFolderStandsForItsBestModel) {
  const ModelFile model;
  const fs::path folder = model.path().parent_path();
  EXPECT_EQ(model_path(model.path()), model.path());
  expect_error([&] { load_model(folder); }, {"is a folder without a run's best.safetensors"});
  fs::rename(model.path(), folder / "best.safetensors");
  EXPECT_EQ(load_model(folder).description.epoch, 12);
}

TEST(ModelFile, CutAtAnyPlaceIsRefused) {
  const ModelFile model;
  const std::string good = read_file(model.path());
  for (std::size_t size = 0; size < good.size(); size += 1 + size / 7) {
    write_file(model.path(), good.substr(0, size));
    expect_error([&] { load_model(model.path()); }, {"last.safetensors", "not a valid safetensors file"});
  }
  write_file(model.path(), good + "x");
  expect_error([&] { load_model(model.path()); }, {"last.safetensors", "not a valid safetensors file"});
  expect_error([&] { load_model(model.path().parent_path() / "none"); }, {"none"});
}

TEST(ModelFile, ForeignAndIncompleteFilesAreRefused) {
  ModelFile model;
  const SafetensorsFile good = model.tensors();
  model.tensors().metadata = {{"format", "pt"}};
  model.expect_refused({"'cardiograd' is missing"});
  model.tensors() = good;
  model.tensors().metadata["cardiograd"] = "{nonsense";
  model.expect_refused({"description is damaged"});
  model.tensors() = good;
  model.tensors().tensors.erase("head.0.weight");
  model.expect_refused({"no tensor 'head.0.weight'"});
  model.tensors() = good;
  model.tensors().tensors["head.0.weight"] = Tensor::zeros({10, 13});
  model.expect_refused({"'head.0.weight' has shape (10, 13), expected (10, 14)"});
  model.tensors() = good;
  model.tensors().tensors["head.0.weight"] = Tensor::zeros({10, 14}, DType::kInt32);
  model.expect_refused({"tensor 'head.0.weight' is of type I32"});
}

TEST(ModelFile, DescriptionsThatCannotBeAreRefused) {
  ModelFile model;
  const auto set = [](const char* key, const json& value) { return [=](json& j) { j[key] = value; }; };
  const auto set_size = [](const char* key, const json& value) {
    return [=](json& j) { j["architecture"][key] = value; };
  };
  model.expect_refused(set("format_version", 3), {"format version 3, expected 2"});
  const json whole = model.metadata();
  for (const auto& [key, value] : whole.items()) {
    // Files from before lack these.
    const bool new_key = key == "precision" || key == "train_folds" || key == "data_hash" || key == "synthetic_start";
    if (!new_key) model.expect_refused([&key = key](json& j) { j.erase(key); }, {"description is damaged", key});
    if (key != "format_version") model.expect_refused(set(key.c_str(), json::object()), {"last.safetensors"});
  }
  for (const char* key : {"model", "task", "filter", "normalize", "unlabeled", "feature_set", "precision"})
    model.expect_refused(set(key, "something"), {key, "'something'"});
  model.expect_refused(set("classes", json::array({"A", "B"})), {"2 class names, expected 3"});
  model.expect_refused(set("thresholds", json::array({0.5})), {"1 thresholds, expected 3"});
  model.expect_refused(set("leads", json::array({"I"})), {"1 lead names, expected 2"});
  model.expect_refused(set("signal_mean", json::array({0, 0, 0})), {"3 signal means, expected 2"});
  model.expect_refused(set("signal_sd", json::array()), {"0 signal SDs, expected 2"});
  model.expect_refused(set("feature_median", json::array({0})), {"1 feature medians, expected 2"});
  model.expect_refused(set("feature_mean", json::array({0})), {"1 feature means, expected 2"});
  model.expect_refused(set("feature_sd", json::array({0})), {"1 feature SDs, expected 2"});
  model.expect_refused(set("feature_missing_flags", false), {"2 feature inputs, expected 4"});
  model.expect_refused(set("signal_sd", json::array({0, 1})), {"signal_sd is 0"});
  model.expect_refused(set("feature_sd", json::array({1, -1})), {"feature_sd is -1"});
  for (const json& value : {json(9), json(-1), json(1.5)})
    model.expect_refused(set("thresholds", {0.5, value, 0.5}), {"the threshold of class 'B \"x\"' is "});
  model.expect_refused(set("thresholds", {0.5, "0.5", 0.5}), {"description is damaged"});
  model.expect_refused(set("classes", {"A", "", "C"}), {"the name of class 2, '', is empty"});
  for (const auto& [name, fault] : {std::pair("B ", "'B ', ends with a blank"),
                                    {" B", "begins with a blank"},
                                    {"B\nC", "'B C', has a line break"},
                                    {"B\x1b[31m", "'B\\x1b[31m', has a control character"},
                                    {"B\u2028", "has a line break"}}) {
    model.expect_refused(set("classes", {"A", name, "C"}), {"the name of class 2", fault});
    model.expect_refused(set("leads", {"I", name}), {"the name of lead 2", fault});
  }
  model.expect_refused(set("leads", {"I", "I"}), {"leads 1 and 2 are the same: 'I' and 'I'"});
  model.expect_refused(set("leads", {"aVR", "Lead AVR"}), {"leads 1 and 2 are the same"});
  for (const char* unit : {"", "NU", "uV", "MV", "z "})
    model.expect_refused(set("unit", unit), {fmt::format("the unit is '{}', expected mV or z", unit)});
  model.expect_refused(set("classes", {"A", "B", "A"}), {"two classes are called 'A'"});
  model.expect_refused(set("rate_hz", -100), {"rate_hz is -100"});
  model.expect_refused(set("rate_hz", 1e300), {"rate_hz is 1e+300"});
  model.expect_refused(set_size("heads", 3), {"8 channels cannot be shared by 3 heads"});
  model.expect_refused(set_size("kernels", json::array({5, 4})), {"kernel 4 is even"});
  model.expect_refused(set_size("encoder_layers", -1), {"encoder_layers is -1"});
}

// Values that take stack when they are written out again, and keys of which one would be passed over.
TEST(ModelFile, DeeplyNestedDescriptionsAndKeysTwiceAreRefused) {
  ModelFile model;
  const std::string good = model.tensors().metadata.at("cardiograd");
  const auto refused = [&](const std::string& key, const std::string& value, std::string_view part) {
    const std::string quoted = "\"" + key + "\":";
    const std::size_t at = good.find(quoted);
    ASSERT_NE(at, std::string::npos);
    model.tensors().metadata["cardiograd"] = good.substr(0, at) + quoted + value + "," + good.substr(at);
    model.expect_refused({part});
  };
  const std::string nested = std::string(500'000, '[') + std::string(500'000, ']');
  for (const char* key : {"format_version", "model", "epoch"}) refused(key, nested, "nested more than 64 deep");
  refused("thresholds", "[0.5,0.5,0.5]", "the key \"thresholds\" twice");
  refused("heads", "2", "the key \"heads\" twice");
}

// A description must not make the program ask for memory that the file's own tensors do not fill.
TEST(ModelFile, ArchitecturesBeyondTheFileAreRefusedBeforeMemoryIsTaken) {
  ModelFile model;
  const std::size_t limit = cpu_allocator().limit();
  const auto set_size = [](const char* key, const json& value) {
    return [=](json& j) { j["architecture"][key] = value; };
  };
  for (const char* key : {"feed_forward", "feature_width", "head_width", "encoder_layers"})
    for (const std::int64_t value : {std::int64_t{1} << 30, std::int64_t{1} << 45, std::int64_t{1} << 62})
      model.expect_refused(set_size(key, value), {key, std::to_string(value)});
  model.expect_refused(set_size("kernels", json::array({(std::int64_t{1} << 62) + 1, 3})), {"kernels is ["});
  model.expect_refused(set_size("channels", json::array({std::int64_t{1} << 40, 8})), {"channels is ["});
  model.expect_refused(set_size("samples", std::int64_t{1} << 50), {"samples is 1125899906842624"});
  model.expect_refused([](json& j) { j["architecture"]["classes"] = std::int64_t{1} << 50; }, {"class names"});
  // Values that are allowed, but whose weights would fill 34 and 8 GB.
  cpu_allocator().reset_peak();
  model.expect_refused(set_size("channels", json::array({32768, 32768})), {"more than the ", " of weights"});
  model.expect_refused(set_size("feature_width", 44000), {"more than the ", " of weights"});
  EXPECT_TRUE(cpu_allocator().statistics().peak_in_use < std::size_t{400} << 20);
  EXPECT_EQ(cpu_allocator().limit(), limit);
}

// As the version before wrote them, and as the one before that did.
TEST(ModelFile, FilesOfFormatVersion1AreReadWithOneWarning) {
  for (const bool older : {false, true}) {
    ModelFile model;
    const std::string today = read_file(model.path());
    json j = model.metadata();
    j["format_version"] = 1;
    j["sizes"] = j["architecture"];
    j["architecture"] = "HC-CNN-TN";
    j.erase("model");
    if (older) {
      j["harmonise"] = j["normalize"];
      j["unlabelled"] = j["unlabeled"];
      j.erase("normalize");
      j.erase("unlabeled");
    }
    model.tensors().metadata["cardiograd"] = j.dump();
    write_safetensors(model.path(), model.tensors());
    LogCapture log;
    const TrainedModel loaded = load_model(model.path());
    ASSERT_EQ(log.warnings.size(), 1U);
    EXPECT_TRUE(log.warned("last.safetensors: format version 1 is read in this version only: "));
    EXPECT_TRUE(log.warned("'architecture' is now 'model', 'sizes' is now 'architecture'"));
    EXPECT_EQ(log.warned("'harmonise' is now 'normalize', 'unlabelled' is now 'unlabeled'"), older);
    save_model(model.path(), loaded.description, *loaded.net);
    EXPECT_TRUE(read_file(model.path()) == today);
    model.expect_refused([](json& bad) { bad["architecture"] = "another"; }, {"model is 'another'"});
    ModelFile mixed;  // today's keys under yesterday's number
    mixed.expect_refused([](json& bad) { bad["format_version"] = 1; }, {"description is damaged"});
  }
}

}  // namespace
}  // namespace cardiograd::model
