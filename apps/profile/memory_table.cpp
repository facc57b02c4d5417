#include "apps/profile/memory_table.h"

#include <algorithm>
#include <memory>

#include <fmt/format.h>

#include "model/step_memory.h"

namespace cardiograd::apps {
namespace {

constexpr std::size_t kListed = 20;
constexpr std::int64_t kMaxBatch = 65'536;
constexpr std::size_t kGiB = std::size_t{1} << 30;
constexpr double kMB = 1e6;

double megabytes(std::size_t bytes) {
  return static_cast<double>(bytes) / kMB;
}

std::string tensor_line(const PlannedTensor& tensor, const MemoryPlan& plan) {
  const std::string layer = tensor.layer.empty() ? "(model)" : tensor.layer;
  return fmt::format("{:>9.2f} {:>5.1f}  {:30} {}\n", megabytes(tensor.bytes),
                     100 * static_cast<double>(tensor.bytes) / static_cast<double>(plan.peak), tensor.made_by, layer);
}

std::string step_lines(const MemoryPlan& plan) {
  const std::vector<const PlannedTensor*> live = plan.at_height();
  std::string text = fmt::format(
      "tensors of the step: {} in all, {} at its height, {:.1f} MB; planned block {:.1f} MB ({:.2f} of the height); "
      "without reuse {:.1f} MB\n{:>9} {:>5}  {:30} {}\n",
      plan.tensors.size(), live.size(), megabytes(plan.peak), megabytes(plan.bytes),
      static_cast<double>(plan.bytes) / static_cast<double>(plan.peak),
      [&] {
        std::size_t all = 0;
        for (const PlannedTensor& tensor : plan.tensors) all += tensor.bytes;
        return megabytes(all);
      }(),
      "MB", "%", "made for", "layer");
  std::size_t rest = 0;
  for (std::size_t i = 0; i < live.size(); ++i) {
    if (i < kListed)
      text += tensor_line(*live[i], plan);
    else
      rest += live[i]->bytes;
  }
  if (live.size() > kListed) text += fmt::format("{:>9.2f}        {} more\n", megabytes(rest), live.size() - kListed);
  return text;
}

}  // namespace

std::string step_memory_text(const MemorySettings& settings) {
  const model::BuildModel build = [&] { return std::make_unique<model::HcCnnTn>(settings.architecture, 0); };
  const model::StepMemory memory = model::plan_training_step(build, settings.records, settings.batch, /*clip=*/true);
  std::string text =
      fmt::format("memory of a training step on {} records on the GPU, planned from a dry run\n\n", settings.batch);
  text += step_lines(memory.step);
  text += fmt::format(
      "\n{:>9.2f}  signals, features and labels of {} records, resident\n{:>9.2f}  parameters and statistics\n"
      "{:>9.2f}  gradients\n{:>9.2f}  moments of Adam\n{:>9.2f}  block of the step\n{:>9.2f}  together\n",
      megabytes(memory.data), settings.records, megabytes(memory.parameters), megabytes(memory.gradients),
      megabytes(memory.moments), megabytes(memory.step.bytes), megabytes(memory.total()));
  text += fmt::format("\n{:>6}  {:>14}  {:>22}  {}\n", "GPU", "for tensors",
                      fmt::format("batch {} leaves", settings.batch), "largest batch");
  for (const std::size_t gigabytes : {4, 6, 8}) {
    const std::size_t bytes = gigabytes * kGiB - model::kBesideTensors;
    const std::int64_t largest = model::largest_batch(build, settings.records, /*clip=*/true, bytes, kMaxBatch);
    const std::string left =
        memory.total() <= bytes ? fmt::format("{:.0f} MB", megabytes(bytes - memory.total())) : "does not fit";
    text += fmt::format("{:>3} GB  {:>11.0f} MB  {:>22}  {}\n", gigabytes, megabytes(bytes), left,
                        largest > 0 ? std::to_string(largest) : "none");
  }
  return text + fmt::format(
                    "for tensors: without {:.0f} MB assumed for the driver, the kernels' code and their working "
                    "memory.\n",
                    megabytes(model::kBesideTensors));
}

}  // namespace cardiograd::apps
