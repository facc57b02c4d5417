#include "apps/export/onnx_export.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <onnx/checker.h>
#include <onnx/onnx_pb.h>

#include "apps/export/onnx_graph.h"
#include "base/file.h"
#include "base/philox.h"
#include "engine/autograd.h"
#include "model/hc_cnn_tn.h"
#include "model/preprocessing.h"
#include "tests/apps/export/onnx_interpreter.h"
#include "tests/apps/run_app.h"
#include "tests/common/expect_error.h"
#include "tests/common/temporary_folder.h"

namespace cardiograd::apps {
namespace {

using cardiograd::testing::expect_error;

constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();

// A small model whose every tensor is random, running statistics included.
model::TrainedModel small_model(bool with_features, bool missing_flags, model::Filter filter, std::int64_t samples,
                                model::HcCnnTnConfig config = {}) {
  config.samples = samples;
  config.leads = 3;
  config.classes = 4;
  config.channels = {4, 6};
  config.kernels = {5, 3};
  config.heads = 3;
  config.feed_forward = 7;
  config.feature_width = 5;
  config.head_width = 9;
  model::TrainedModel trained;
  model::ModelDescription& d = trained.description;
  if (with_features) {
    d.feature_scaling = {{"age_years", "sex"}, {60, 1}, {59.5, 0.25}, {12.5, 0.5}, missing_flags};
    config.features = d.feature_scaling.width();
  } else {
    config.features = 0;
  }
  d.class_names = {"A", "B", "C", "D"};
  d.thresholds = {0.5F, 0.25F, 0.5F, 0.75F};
  d.lead_names = {"I", "II", "V1"};
  d.rate = 100;
  d.unit = "mV";
  d.filter = filter;
  d.signal_scaling = {{0.1, -0.2, 0.3}, {0.5, 2, 1}};
  auto net = std::make_unique<model::HcCnnTn>(config, 3);
  PhiloxStream random(5);
  for (const nn::NamedTensor& named : net->named_tensors())
    for (std::int64_t i = 0; i < named.tensor->count(); ++i)
      named.tensor->data()[i] = named.name.ends_with("running_var") ? static_cast<float>(0.5 + random.uniform())
                                                                    : static_cast<float>(0.4 * random.normal());
  trained.net = std::move(net);
  return trained;
}

// Random signals (records, leads, samples) and what the engine makes of them after the preparation of `predict`.
struct Case {
  Array signals;
  Array features;
  std::vector<double> logits;
};

// Of a model that sees crops: each record's logits from those of its windows, each run by itself.
std::vector<double> joined_by_hand(model::TrainedModel& trained, const Tensor& x, const Tensor& f) {
  const model::ModelDescription& d = trained.description;
  const std::int64_t crop = trained.net->shape().samples, leads = trained.net->shape().leads, record = x.dim(1) * leads;
  std::vector<double> joined;
  for (std::int64_t n = 0; n < x.dim(0); ++n) {
    std::vector<std::vector<double>> by_class(d.class_names.size());
    for (const std::int64_t start : model::crop_windows(d.crops(), x.dim(1))) {
      Tensor window = Tensor::empty({1, crop, leads});
      std::copy_n(x.data() + n * record + start * leads, crop * leads, window.data());
      Tensor features;
      if (f.defined()) {
        features = Tensor::empty({1, f.dim(1)});
        std::copy_n(f.data() + n * f.dim(1), f.dim(1), features.data());
      }
      const std::vector<float> logits = trained.net->forward(window, features).values();
      for (std::size_t i = 0; i < logits.size(); ++i) by_class[i].push_back(static_cast<double>(logits[i]));
    }
    for (const std::vector<double>& logits : by_class) {
      double yes = 0, largest = logits[0];
      for (const double logit : logits) {
        yes += 1 / (1 + std::exp(-logit)) / static_cast<double>(logits.size());
        largest = std::max(largest, logit);
      }
      joined.push_back(d.aggregate == model::Aggregate::kMax ? largest : std::log(yes / (1 - yes)));
    }
  }
  return joined;
}

Case run_engine(model::TrainedModel& trained, bool filter) {
  constexpr std::int64_t kRecords = 3;
  const model::ModelDescription& d = trained.description;
  model::DataShape shape = trained.net->shape();
  if (d.cropped_from != 0) shape.samples = d.cropped_from;
  PhiloxStream random(8);
  Case c;
  c.signals.dims = {kRecords, shape.leads, shape.samples};
  Tensor x = Tensor::empty({kRecords, shape.samples, shape.leads});
  const auto settings = model::recording_settings(d.filter, d.normalize, d.feature_set);
  for (std::int64_t n = 0; n < kRecords; ++n) {
    Eigen::ArrayXXd signal(shape.samples, shape.leads);
    for (Eigen::Index lead = 0; lead < signal.cols(); ++lead)
      for (Eigen::Index t = 0; t < signal.rows(); ++t) {
        signal(t, lead) = static_cast<double>(static_cast<float>(random.normal()));
        c.signals.values.push_back(signal(t, lead));
      }
    if (filter) signal = settings.filter.apply(signal, d.rate);
    for (Eigen::Index t = 0; t < signal.rows(); ++t)
      for (Eigen::Index lead = 0; lead < signal.cols(); ++lead) {
        const auto place = static_cast<std::size_t>(lead);
        x.data()[(n * shape.samples + t) * shape.leads + lead] =
            static_cast<float>((signal(t, lead) - d.signal_scaling.mean[place]) / d.signal_scaling.sd[place]);
      }
  }
  Tensor f;
  if (!d.feature_scaling.names.empty()) {
    c.features = {{kRecords, 2}, {72, 0, kMissing, 1, 400, -std::numeric_limits<double>::infinity()}};
    const std::vector<float> raw(c.features.values.begin(), c.features.values.end());
    f = Tensor::from<float>(model::scaled_features(d.feature_scaling, d.feature_scaling.names, raw),
                            {kRecords, d.feature_scaling.width()});
  }
  const NoGrad no_grad;
  trained.net->set_training(false);
  if (d.cropped_from != 0) {
    c.logits = joined_by_hand(trained, x, f);
    return c;
  }
  const Tensor logits = trained.net->forward(x, f);
  c.logits.assign(logits.data(), logits.data() + logits.count());
  return c;
}

void expect_equal(model::TrainedModel& trained, bool filter_inside) {
  const onnx::ModelProto proto = to_onnx(trained, "{}", {.filter_inside = filter_inside});
  EXPECT_NO_THROW(onnx::checker::check_model(proto));
  const Case c = run_engine(trained, filter_inside);
  std::map<std::string, Array> inputs = {{"signals", c.signals}};
  if (!c.features.dims.empty()) inputs["features"] = c.features;
  const std::map<std::string, Array> values = run_onnx(proto, inputs);
  const Array& logits = values.at("logits");
  ASSERT_EQ(logits.values.size(), c.logits.size());
  for (std::size_t i = 0; i < c.logits.size(); ++i) {
    EXPECT_TRUE(std::abs(logits.values[i] - c.logits[i]) <= 2e-5)
        << i << ": " << logits.values[i] << ", " << c.logits[i];
    EXPECT_TRUE(std::abs(values.at("probabilities").values[i] - 1 / (1 + std::exp(-logits.values[i]))) <= 1e-12);
  }
}

TEST(OnnxExport, GraphGivesTheEnginesLogits) {
  for (const std::int64_t samples : {40, 43}) {
    model::TrainedModel trained = small_model(true, false, model::Filter::kNone, samples);
    expect_equal(trained, false);
  }
}

TEST(OnnxExport, MissingFeaturesBecomeFlags) {
  model::TrainedModel trained = small_model(true, true, model::Filter::kNone, 40);
  expect_equal(trained, false);
}

TEST(OnnxExport, MaximaStandBesideMeansAndPositionsMayBeAbsent) {
  for (const bool positions : {true, false}) {
    model::TrainedModel trained =
        small_model(true, false, model::Filter::kNone, 40, {.positions = positions, .pool = model::Pool::kMeanMax});
    expect_equal(trained, false);
  }
}

TEST(OnnxExport, AModelWithoutFeaturesHasOneInput) {
  model::TrainedModel trained = small_model(false, false, model::Filter::kNone, 40);
  EXPECT_EQ(to_onnx(trained, "{}", {}).graph().input_size(), 1);
  expect_equal(trained, false);
}

TEST(OnnxExport, CropsAreCutAndTheirAnswersJoined) {
  for (const model::Aggregate aggregate : {model::Aggregate::kMax, model::Aggregate::kMean})
    for (const bool with_features : {true, false}) {
      model::TrainedModel trained = small_model(with_features, with_features, model::Filter::kButterworth, 40);
      trained.description.architecture = dynamic_cast<model::HcCnnTn&>(*trained.net).config();
      trained.description.cropped_from = 130;
      trained.description.aggregate = aggregate;
      trained.description.window_step = 25;
      expect_equal(trained, false);
      expect_equal(trained, true);
    }
}

TEST(OnnxExport, FilterInsideDoesWhatPredictDoes) {
  model::TrainedModel trained = small_model(true, false, model::Filter::kButterworth, 120);
  expect_equal(trained, true);
}

TEST(OnnxExport, MetadataSayWhatTheInputsAre) {
  model::TrainedModel trained = small_model(true, false, model::Filter::kButterworth, 120);
  const onnx::ModelProto proto = to_onnx(trained, "the description", {});
  std::map<std::string, std::string> found;
  for (const auto& entry : proto.metadata_props()) found[entry.key()] = entry.value();
  EXPECT_EQ(found.at("cardiograd"), "the description");
  EXPECT_EQ(found.at("classes"), "A,B,C,D");
  EXPECT_EQ(found.at("leads"), "I,II,V1");
  EXPECT_EQ(found.at("thresholds"), "0.5,0.25,0.5,0.75");
  EXPECT_EQ(found.at("filter"), "butterworth");
  EXPECT_EQ(found.at("features"), "age_years,sex");
  EXPECT_EQ(proto.opset_import(0).version(), kOnnxOpset);
}

TEST(OnnxExport, RefusesAFilterThatIsNone) {
  model::TrainedModel trained = small_model(true, false, model::Filter::kNone, 40);
  expect_error([&] { to_onnx(trained, "{}", {.filter_inside = true}); }, {"--filter-inside", "filter 'none'"});
}

TEST(OnnxExport, RefusesAModelOfAnotherKind) {
  class Other : public model::Model {
   public:
    Other() : Model({}) {}
    Tensor encode(const Tensor& signals) override { return signals; }
    Tensor classify(const Tensor& encoded, const Tensor& /*features*/) override { return encoded; }
  };
  model::TrainedModel trained = small_model(true, false, model::Filter::kNone, 40);
  trained.net = std::make_unique<Other>();
  expect_error([&] { to_onnx(trained, "{}", {}); }, {"only hc_cnn_tn"});
}

TEST(OnnxExport, ProgramKeepsAFileThatExists) {
  const cardiograd::testing::TemporaryFolder folder;
  const auto model_file = folder / "m.safetensors";
  const auto out = folder / "m.onnx";
  write_file(out, "mine");
  const auto refused = cardiograd::testing::run_app("export", {"--model", model_file, "--onnx", out});
  EXPECT_EQ(refused.status, 1);
  EXPECT_NE(refused.err.find("exists already"), std::string::npos) << refused.err;
  EXPECT_EQ(read_file(out), "mine");
}

}  // namespace
}  // namespace cardiograd::apps
