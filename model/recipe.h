// Named sets of a run's values: what a paper or a benchmark has trained with.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "model/training_config.h"

namespace cardiograd::model {

struct Recipe {
  std::string name;     // for --recipe
  std::string meaning;  // a few words for help texts
  // Sets its values, those for config.model; the others stay.
  void (*apply)(TrainingConfig& config) = nullptr;
  std::int64_t rate = 0;  // Hz, of the only records that it is for; 0: any
  std::string model;      // the only one that it is for; empty: any
};

//   paper   the defaults: HC-CNN-TN's
//   helme   of the baselines in github.com/helme/ecg_ptbxl_benchmarking (Strodthoff et al. 2021): signals alone, one
//           mean and SD for all leads, crops of 2.5 s, the largest answer of 7 windows, one cycle up to lr 0.01 in 50
//           epochs with AdamW and cycled momentum, the last epoch's weights; for lstm and lstm_bidir up to lr 0.001,
//           and gradients clipped to a norm of 0.25. The source turns from up to down one step of the
//           cycle later than one_cycle does.
//   s4      of the state space model in github.com/tmehari/ssm_ecg and github.com/AI4HealthUOL/ecg-fm-benchmarking:
//           signals in mV alone, records without a class kept, crops of 2.5 s, the mean of 4 windows side by side,
//           AdamW with lr and weight decay 0.001 for 100 epochs, the best epoch's weights; the model s4 in the place of
//           HC-CNN-TN
//   best    HC-CNN-TN with all features: crops, mean of 7 windows and one cycle as in helme, up to lr 0.001; mixup,
//           silent leads, random amplitudes, dropout 0.2 and 0.5, maximum beside the mean over time. Chosen on fold 9
//           of PTB-XL (docs/experiments.md).
const std::vector<Recipe>& known_recipes();
// Throws UsageError with the known names and the nearest.
const Recipe& recipe_named(std::string_view name);

// Throws UsageError saying what the recipe needs where the configuration has other data.
void check_recipe(const Recipe& recipe, const TrainingConfig& config);

}  // namespace cardiograd::model
