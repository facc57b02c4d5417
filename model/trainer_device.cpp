// What of a configuration a device cannot do.
#include <string>
#include <utility>

#include <fmt/format.h>

#include "base/error.h"
#include "model/trainer.h"

namespace cardiograd::model {

std::string why_no_graph(const TrainingConfig& config) {
  const Augmentation& altered = config.augmentation;
  const std::pair<bool, const char*> reasons[] = {{config.crop > 0, "training.crop"},
                                                  {config.cycle_momentum, "training.cycle_momentum"},
                                                  {altered.mixup > 0, "training.mixup"},
                                                  {altered.lead_dropout > 0, "training.lead_dropout"},
                                                  {altered.amplitude_sd > 0, "training.amplitude_sd"},
                                                  {altered.time_mask > 0, "training.time_mask"},
                                                  {altered.label_smoothing > 0, "training.label_smoothing"},
                                                  {config.init_lr_factor != 1, "--init-lr-factor"},
                                                  {config.device == DeviceChoice::kCheck, "--device check"}};
  for (const auto& [is_so, name] : reasons)
    if (is_so) return name;
  return "";
}

void check_for_device(const TrainingConfig& config, Device device) {
  if (config.auto_batch_size && device == Device::kCpu)
    throw UsageError("--batch-size auto on the CPU, whose memory is not planned",
                     "Give a number, or use --device cuda.");
  if (config.graph != GraphChoice::kOn) return;
  if (device == Device::kCpu)
    throw UsageError("--graph on: the CPU has no graphs", "Use --device cuda, or leave --graph out.");
  if (const std::string why = why_no_graph(config); !why.empty())
    throw UsageError(fmt::format("--graph on with {}: its steps run kernel by kernel", why), "Leave one of them out.");
}

}  // namespace cardiograd::model
