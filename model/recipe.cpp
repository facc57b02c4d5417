#include "model/recipe.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/error.h"
#include "model/hc_cnn_tn.h"

namespace cardiograd::model {
namespace {

constexpr const char* kBestModel = "hc_cnn_tn";
constexpr const char* kStateSpaceModel = "s4";

void apply_helme(TrainingConfig& c) {
  c.data.features = FeatureSet::kNone;
  c.data.filter = Filter::kNone;
  c.data.standardize_over = StandardizeOver::kAll;
  c.epochs = 50;
  c.batch_size = 128;
  c.lr = 1e-2;
  c.optimizer = Optimizer::kAdamw;
  c.beta2 = 0.99;
  c.weight_decay = 1e-2;
  c.schedule = Schedule::kOneCycle;
  c.cycle_momentum = true;
  c.pos_weight = false;
  c.crop = 250;
  c.aggregate = Aggregate::kMax;
  c.keep = Keep::kLast;
  // The source trains its recurrent models slower, and clips their gradients.
  if (c.model.kind().name.starts_with("lstm")) {
    c.lr = 1e-3;
    c.clip_norm = 0.25;
  }
}

void apply_s4(TrainingConfig& c) {
  if (c.model.kind().name == Architecture().kind().name) c.model = Architecture(kStateSpaceModel);
  c.data.features = FeatureSet::kNone;
  c.data.filter = Filter::kNone;
  c.data.standardize = false;
  c.data.unlabeled = data::Unlabeled::kKeep;
  c.epochs = 100;
  c.batch_size = 64;
  c.lr = 1e-3;
  c.optimizer = Optimizer::kAdamw;
  c.weight_decay = 1e-3;
  c.schedule = Schedule::kConstant;
  c.pos_weight = false;
  c.crop = 250;
  c.window_step = 250;
  c.aggregate = Aggregate::kMean;
}

void apply_best(TrainingConfig& c) {
  apply_helme(c);
  c.data.features = FeatureSet::kAll;
  c.data.filter = Filter::kButterworth;
  c.data.standardize_over = StandardizeOver::kLead;
  c.lr = 1e-3;
  c.clip_norm = 1;
  c.aggregate = Aggregate::kMean;
  c.augmentation = {.mixup = 0.2, .lead_dropout = 0.05, .amplitude_sd = 0.1};
  if (c.model.kind().name != kBestModel) return;  // check_recipe() says so.
  auto& model = c.model.as<HcCnnTnConfig>();
  model.encoder_dropout = 0.2;
  model.head_dropout = 0.5;
  model.pool = Pool::kMeanMax;
}

}  // namespace

const std::vector<Recipe>& known_recipes() {
  static const std::vector<Recipe> recipes = {
      {"paper", "the defaults", [](TrainingConfig&) {}, 0, ""},
      {"helme", "of the PTB-XL benchmark's baselines: crops of 2.5 s at 100 Hz, one cycle, 50 epochs", apply_helme, 100,
       ""},
      {"s4",
       "of the state space model s4, which it trains unless --model says otherwise: crops of 2.5 s at 100 Hz, "
       "a constant rate, 100 epochs",
       apply_s4, 100, ""},
      {"best", "of HC-CNN-TN, the best on PTB-XL's fold 9: crops, one cycle, mixup, more dropout, 50 epochs",
       apply_best, 100, kBestModel}};
  return recipes;
}

const Recipe& recipe_named(std::string_view name) {
  std::vector<std::string> known;
  for (const Recipe& recipe : known_recipes()) {
    if (recipe.name == name) return recipe;
    known.push_back(recipe.name);
  }
  refuse_word("--recipe", name, known);
}

void check_recipe(const Recipe& recipe, const TrainingConfig& config) {
  if (recipe.rate != 0 && config.data.rate != recipe.rate)
    throw UsageError(fmt::format("--recipe {} is for records at {} Hz, and --rate is {}", recipe.name, recipe.rate,
                                 config.data.rate),
                     fmt::format("Leave --rate out; with --labels add --resample."));
  if (!recipe.model.empty() && config.model.kind().name != recipe.model)
    throw UsageError(
        fmt::format("--recipe {} is for {}, and --model is {}", recipe.name, recipe.model, config.model.kind().name),
        "Leave --model out, or use --recipe helme.");
}

}  // namespace cardiograd::model
