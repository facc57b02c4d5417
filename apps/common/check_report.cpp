#include "apps/common/check_report.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/error.h"
#include "kernels/op_table.h"

namespace cardiograd::apps {
namespace {

using Entry = std::pair<std::string, DeviceCheck::Kernel>;

// The worst first; what is not a number is worse than any number.
std::vector<Entry> by_difference(const DeviceCheck& check) {
  std::vector<Entry> kernels(check.kernels().begin(), check.kernels().end());
  const auto rank = [](const Entry& entry) {
    return std::isnan(entry.second.worst) ? std::numeric_limits<double>::infinity() : entry.second.worst;
  };
  std::stable_sort(kernels.begin(), kernels.end(), [&](const Entry& a, const Entry& b) { return rank(a) > rank(b); });
  return kernels;
}

std::string buffer_name(const std::string& kernel, int argument) {
  const kernels::Op* op = kernels::find_op(kernel);
  const auto index = static_cast<std::size_t>(argument);
  const auto buffers = op == nullptr ? std::vector<kernels::BufferSpec>() : op->workload().front().buffers;
  return index < buffers.size() ? std::string(buffers[index].name) : fmt::format("buffer {}", argument);
}

std::string tensor_text(const Entry& entry) {
  const DeviceCheck::Kernel& kernel = entry.second;
  return fmt::format("{}{} {}", kernel.layer.empty() ? "" : kernel.layer + " ",
                     buffer_name(entry.first, kernel.argument), kernel.shape.text());
}

std::string percent(std::int64_t part, std::int64_t all) {
  if (part == 0) return "";
  const double value = 100 * static_cast<double>(part) / static_cast<double>(all);
  return value < 1 ? "<1" : fmt::format("{:.0f}", value);
}

}  // namespace

std::string check_text(const DeviceCheck& check) {
  const std::vector<Entry> kernels = by_difference(check);
  std::size_t width = 0;
  for (const Entry& entry : kernels) width = std::max(width, entry.first.size());
  std::string text = fmt::format("{:{}} {:>6} {:>9}  equal", "kernel on both devices", width, "calls", "worst");
  for (std::size_t bin = 1; bin + 1 < DeviceCheck::kBins; ++bin)
    text += fmt::format(" {:>5}", fmt::format("1e-{}", 9 - bin));
  text += "  more  worst tensor\n";
  for (const Entry& entry : kernels) {
    const DeviceCheck::Kernel& kernel = entry.second;
    const std::int64_t all = std::accumulate(kernel.values.begin(), kernel.values.end(), std::int64_t{0});
    text +=
        fmt::format("{:{}} {:>6} {:>9.1e} ", entry.first, std::max<std::size_t>(width, 22), kernel.calls, kernel.worst);
    for (const std::int64_t values : kernel.values) text += fmt::format(" {:>5}", percent(values, all));
    text += "  " + tensor_text(entry) + "\n";
  }
  return text +
         "worst: |gpu - cpu| / |cpu| of one tensor. Columns: percent of the values that differ by at most so much, as "
         "a fraction of their tensor's root mean square.\n";
}

void expect_within(const DeviceCheck& check, double tolerance) {
  const std::vector<Entry> kernels = by_difference(check);
  if (kernels.empty() || kernels.front().second.worst <= tolerance) return;
  const Entry& worst = kernels.front();
  throw Error(fmt::format("the devices differ: {} by {:.1e} in {}, more than {:.1e}", worst.first, worst.second.worst,
                          tensor_text(worst), tolerance),
              "Run the tests of this kernel on this GPU: ctest -L device -R EveryOp.");
}

}  // namespace cardiograd::apps
