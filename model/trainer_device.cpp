// What of a configuration a device cannot do.
#include <string>
#include <utility>

#include <fmt/format.h>

#include "base/error.h"
#include "model/trainer.h"

namespace cardiograd::model {

std::string why_no_graph(const TrainingConfig& config) {
  const std::pair<bool, const char*> reasons[] = {{config.init_lr_factor != 1, "--init-lr-factor"},
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
