#include "model/prediction.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdlib>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/json.h"
#include "model/bench_tables.h"

namespace cardiograd::model {
namespace {

constexpr double kWarp = 32;
constexpr double kSectorBytes = 32;
constexpr double kWavefrontBytes = 128;
constexpr double kHalfDigit = 0.5;
// Fields of shapes in proportion to which everything grows that an operation does.
constexpr std::array<const char*, 3> kProportional = {"batch", "rows", "count"};

double& at(Terms& terms, Limit limit) {
  return terms.seconds[static_cast<std::size_t>(limit)];
}

// Work of one multiprocessor; 0 where its rate is not known.
double over(double work, double rate) {
  return rate > 0 ? work / rate : 0;
}

// "N T C->": what two shapes of one kind have in common.
std::string without_numbers(const std::string& shape) {
  std::string text;
  for (const char c : shape)
    if (std::isdigit(static_cast<unsigned char>(c)) == 0) text += c;
  return text;
}

using Fields = std::map<std::string, std::int64_t>;

// How many times larger a shape is than another one that differs in proportional sizes only; 0 where it differs in
// more.
double proportion(const Fields& from, const Fields& to) {
  if (from.size() != to.size()) return 0;
  const auto whole_period = [](const Fields& fields) {
    return fields.contains("period") && fields.contains("count") && fields.at("period") == fields.at("count");
  };
  double factor = 1;
  for (const auto& [name, value] : to) {
    const auto other = from.find(name);
    if (other == from.end()) return 0;
    if (other->second == value) continue;
    if (std::find(kProportional.begin(), kProportional.end(), name) != kProportional.end())
      factor *= static_cast<double>(value) / static_cast<double>(other->second);
    else if (name != "records" && !(name == "period" && whole_period(from) && whole_period(to)))
      return 0;  // records: how many there are to choose from
  }
  return factor;
}

KernelCosts scaled(KernelCosts costs, double factor) {
  if (factor == 1) return costs;
  costs.blocks = std::max(1.0, std::floor(costs.blocks * factor + kHalfDigit));
  costs.l2_sectors *= factor;
  costs.dram_bytes *= factor;
  for (auto& [capability, counts] : costs.machine)
    for (double* count : {&counts.shortest, &counts.instructions, &counts.longest, &counts.fp32, &counts.fp64,
                          &counts.special, &counts.tf32_products, &counts.bf16_products, &counts.shared_wavefronts})
      *count *= factor;
  return costs;
}

KernelPrediction predict_kernel(const KernelCosts& costs, const Gpu& gpu) {
  const std::pair<const int, MachineCounts>& code = machine_code_for(costs, gpu);
  const MachineCounts& counts = code.second;
  const auto along = [&](double instructions) {
    MachineCounts other = counts;
    other.instructions = instructions;
    return static_cast<double>(costs.launches) * terms_of(costs, other, gpu).longest();
  };
  KernelPrediction prediction;
  prediction.kernel = costs.kernel;
  prediction.launches = costs.launches;
  prediction.terms = terms_of(costs, counts, gpu);
  prediction.limiter = prediction.terms.limiter();
  prediction.seconds = static_cast<double>(costs.launches) * prediction.terms.longest();
  prediction.at_least = along(counts.shortest);
  prediction.at_most = along(counts.longest);
  prediction.compute_capability = code.first;
  return prediction;
}

// The mode of a product, the last word of its shape's text.
Precision precision_of(const std::string& shape) {
  for (const Precision precision : {Precision::kTf32, Precision::kBf16})
    if (shape.ends_with(" " + std::string(word_of(precision)))) return precision;
  return Precision::kFp32;
}

// A library's kernels are not ours to read: no faster than the units that make its products, and DRAM.
KernelPrediction library_floor(const std::string& library, const kernels::OpCase& work, const Gpu& gpu) {
  const kernels::Cost& cost = work.cost;
  const Precision precision = precision_of(work.shape);
  KernelPrediction prediction;
  prediction.kernel = library;
  prediction.launches = 1;
  prediction.library = true;
  at(prediction.terms, precision == Precision::kFp32 ? Limit::kFp32 : Limit::kTensor) =
      over(cost.flop, gpu.flop_per_s(precision));
  at(prediction.terms, Limit::kDram) = cost.bytes / gpu.dram_bytes_per_s;
  prediction.limiter = prediction.terms.limiter();
  prediction.seconds = prediction.at_least = prediction.at_most = prediction.terms.longest();
  return prediction;
}

MachineCounts parse_machine(const nlohmann::json& json) {
  const auto& ways = json.at("warp_instructions");
  return {.shortest = ways.at(0),
          .instructions = ways.at(1),
          .longest = ways.at(2),
          .fp32 = json.at("fp32"),
          .fp64 = json.at("fp64"),
          .special = json.at("sfu"),
          .tf32_products = json.at("tf32_products"),
          .bf16_products = json.at("bf16_products"),
          .shared_wavefronts = json.at("shared_wavefronts")};
}

KernelCosts parse_kernel(const nlohmann::json& json) {
  KernelCosts costs{.kernel = json.at("kernel"),
                    .launches = json.at("launches"),
                    .blocks = json.at("blocks"),
                    .threads = json.at("threads"),
                    .l2_sectors = json.at("l2_sectors"),
                    .dram_bytes = json.at("dram_bytes"),
                    .machine = {}};
  for (const auto& [capability, counts] : json.at("machine").items())
    costs.machine[std::stoi(capability)] = parse_machine(counts);
  return costs;
}

double sum(const std::vector<KernelPrediction>& kernels, double KernelPrediction::*seconds) {
  double total = 0;
  for (const KernelPrediction& kernel : kernels) total += kernel.*seconds;
  return total;
}

}  // namespace

const char* limit_name(Limit limit) {
  constexpr std::array<const char*, kLimits> kNames = {"issue",        "fp32 units",    "fp64 units", "special units",
                                                       "tensor cores", "shared memory", "L2",         "DRAM"};
  return kNames[static_cast<std::size_t>(limit)];
}

Limit Terms::limiter() const {
  return static_cast<Limit>(std::max_element(seconds.begin(), seconds.end()) - seconds.begin());
}

double Terms::longest() const {
  return *std::max_element(seconds.begin(), seconds.end());
}

Terms terms_of(const KernelCosts& costs, const MachineCounts& counts, const Gpu& gpu) {
  Terms terms;
  at(terms, Limit::kL2) = over(costs.l2_sectors * kSectorBytes, gpu.l2_bytes_per_s);
  at(terms, Limit::kDram) = over(costs.dram_bytes, gpu.dram_bytes_per_s);
  if (costs.blocks <= 0) return terms;
  const double busiest = std::ceil(costs.blocks / gpu.multiprocessors);
  const double share = busiest / costs.blocks;
  // A scheduler without a warp issues nothing.
  const double issue = std::min(gpu.issue, busiest * std::ceil(costs.threads / kWarp));
  const auto clocks = [&](double work, double rate) { return over(work * share, rate) / gpu.clock_hz; };
  at(terms, Limit::kIssue) = clocks(counts.instructions, issue);
  at(terms, Limit::kFp32) = clocks(counts.fp32 * kWarp, gpu.fp32);
  at(terms, Limit::kFp64) = clocks(counts.fp64 * kWarp, gpu.fp64);
  at(terms, Limit::kSpecial) = clocks(counts.special * kWarp, gpu.sfu);
  at(terms, Limit::kTensor) =
      (over(counts.tf32_products * share, gpu.tensor_tf32) + over(counts.bf16_products * share, gpu.tensor_bf16)) /
      gpu.tensor_clock_hz;
  at(terms, Limit::kShared) = clocks(counts.shared_wavefronts * kWavefrontBytes, gpu.shared_bytes);
  return terms;
}

const std::pair<const int, MachineCounts>& machine_code_for(const KernelCosts& costs, const Gpu& gpu) {
  const auto distance = [&](int capability) {
    constexpr int kOtherGeneration = 1000;
    constexpr int kMinor = 10;
    const int difference = std::abs(capability - gpu.compute_capability);
    return capability / kMinor == gpu.compute_capability / kMinor ? difference : kOtherGeneration + difference;
  };
  const auto best = std::min_element(costs.machine.begin(), costs.machine.end(), [&](const auto& a, const auto& b) {
    return distance(a.first) < distance(b.first);
  });
  if (best == costs.machine.end()) throw Error(costs.kernel + ": the table of costs has no machine code");
  return *best;
}

std::int64_t CallPrediction::launches() const {
  std::int64_t count = 0;
  for (const KernelPrediction& kernel : kernels) count += kernel.launches;
  return count;
}
double CallPrediction::seconds() const {
  return sum(kernels, &KernelPrediction::seconds);
}
double CallPrediction::at_least() const {
  return sum(kernels, &KernelPrediction::at_least);
}
double CallPrediction::at_most() const {
  return sum(kernels, &KernelPrediction::at_most);
}
const KernelPrediction& CallPrediction::slowest() const {
  return *std::max_element(kernels.begin(), kernels.end(),
                           [](const KernelPrediction& a, const KernelPrediction& b) { return a.seconds < b.seconds; });
}

CostTable::CostTable(const std::string& json, const std::string& where) {
  try {
    const nlohmann::json table = parse_json(json);
    for (const auto& entry : table.at("operations")) {
      Row row{.op = entry.at("op"),
              .shape = entry.at("shape"),
              .fields = entry.at("fields"),
              .library = {},
              .kernels = {},
              .unknown = {}};
      if (entry.contains("library")) row.library = entry.at("library");
      if (entry.contains("unknown"))
        row.unknown = entry.at("unknown").at(0);
      else
        for (const auto& kernel : entry.at("kernels")) row.kernels.push_back(parse_kernel(kernel));
      rows_.push_back(std::move(row));
    }
  } catch (const std::exception& error) {  // nlohmann::json's, and std::stoi's
    throw Error(fmt::format("{}: {}", where, error.what()), "write it with bench/kernel_costs");
  }
}

const CostTable& CostTable::built_in() {
  static const CostTable table(kernel_costs_json(), "bench/kernel_costs.json");
  return table;
}

std::pair<const CostTable::Row*, double> CostTable::find(const KernelCall& call) const {
  const Fields fields(call.work.fields.begin(), call.work.fields.end());
  std::pair<const Row*, double> nearest{nullptr, 0};
  for (const Row& row : rows_) {
    if (row.op != call.op) continue;
    if (row.shape == call.work.shape) return {&row, 1.0};
    if (without_numbers(row.shape) != without_numbers(call.work.shape)) continue;
    const double factor = proportion(row.fields, fields);
    if (factor > 0 && (nearest.first == nullptr || std::abs(std::log(factor)) < std::abs(std::log(nearest.second))))
      nearest = {&row, factor};
  }
  return nearest;
}

CallPrediction CostTable::predict(const KernelCall& call, const Gpu& gpu) const {
  CallPrediction prediction;
  const auto [row, factor] = find(call);
  if (row == nullptr) {
    prediction.note =
        fmt::format("no prediction for {} at {}: bench/kernel_costs.json has no such shape", call.op, call.work.shape);
    return prediction;
  }
  if (!row->unknown.empty()) {
    prediction.note = fmt::format("no prediction for {} at {}: {}", call.op, call.work.shape, row->unknown);
    return prediction;
  }
  if (!row->library.empty()) prediction.kernels.push_back(library_floor(row->library, call.work, gpu));
  for (const KernelCosts& costs : row->kernels)
    prediction.kernels.push_back(predict_kernel(scaled(costs, factor), gpu));
  if (prediction.kernels.empty()) prediction.note = call.op + " launches no kernel";
  if (prediction.known() && row->shape != call.work.shape)
    prediction.note = fmt::format("{:.3g} times {}", factor, row->shape);
  return prediction;
}

}  // namespace cardiograd::model
