// How long a kernel takes at least on a GPU, from its machine code and from what it asks of memory: a prediction that
// was fitted to no measurement. bench/kernel_costs writes the counts, docs/kernel-predictions.md says how.
//
// A launch takes the longest of its terms, as if everything else went on behind it. The busiest multiprocessor runs
// ceil(blocks / multiprocessors) blocks: that share of the launch's work is divided by one multiprocessor's rate. DRAM
// and L2 serve the whole GPU. Left out: latencies, the ramp at either end, the cost of a launch, transfers and fills
// that are no kernels. It is assumed that nothing stays in L2 from one kernel to the next.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "model/gpus.h"
#include "model/roofline.h"

namespace cardiograd::model {

// What a launch waits for: warp instructions to be issued, the units that execute them, shared memory, the L2 cache,
// DRAM.
enum class Limit { kIssue, kFp32, kFp64, kSpecial, kTensor, kShared, kL2, kDram };
inline constexpr std::size_t kLimits = 8;
// "issue", "fp32 units", ...
const char* limit_name(Limit limit);

// What one launch asks of the multiprocessors, in all: instructions are of warps, products are multiply-adds.
struct MachineCounts {
  double shortest = 0;      // warp instructions where every branch goes the shorter way,
  double instructions = 0;  // where it goes as on the host,
  double longest = 0;       // and where it goes the longer way
  double fp32 = 0;
  double fp64 = 0;
  double special = 0;
  double tf32_products = 0;
  double bf16_products = 0;
  double shared_wavefronts = 0;
};

// One kernel of an operation at one shape.
struct KernelCosts {
  std::string kernel;
  std::int64_t launches = 1;  // equal ones
  double blocks = 0;          // of a launch
  double threads = 0;         // of a block
  double l2_sectors = 0;      // of 32 bytes, that leave the multiprocessors or reach them
  double dram_bytes = 0;
  std::map<int, MachineCounts> machine;  // by compute capability, 86
};

// Seconds of one launch by Limit; 0 where nothing is asked, or no rate is published.
struct Terms {
  std::array<double, kLimits> seconds{};
  Limit limiter() const;
  double longest() const;
};
Terms terms_of(const KernelCosts& costs, const MachineCounts& counts, const Gpu& gpu);

// The entry of the machine code that is nearest to a GPU's: its own compute capability, else the nearest of its
// generation, else the nearest. Throws Error where there is none.
const std::pair<const int, MachineCounts>& machine_code_for(const KernelCosts& costs, const Gpu& gpu);

// One kernel of a call, over its launches.
struct KernelPrediction {
  std::string kernel;
  std::int64_t launches = 0;
  double seconds = 0;
  double at_least = 0;  // where every branch goes the shorter way
  double at_most = 0;   // and the longer one
  Terms terms;          // of one launch
  Limit limiter = Limit::kIssue;
  int compute_capability = 0;  // of the machine code
  bool library = false;        // of a library: its floor, there is no machine code of ours
};

// One call of an operation. Without kernels there is no prediction, and `note` says why.
struct CallPrediction {
  std::vector<KernelPrediction> kernels;
  std::string note;

  bool known() const { return !kernels.empty(); }
  // Sums over the kernels.
  std::int64_t launches() const;
  double seconds() const;
  double at_least() const;
  double at_most() const;

  // The kernel that takes longest. There must be one.
  const KernelPrediction& slowest() const;
};

// The counts of operations at shapes.
class CostTable {
 public:
  // As bench/kernel_costs writes it. Throws Error, naming `where`.
  CostTable(const std::string& json, const std::string& where);
  // bench/kernel_costs.json as it was when this was built.
  static const CostTable& built_in();

  // At a shape that differs from one of the table in the number of records, rows or elements only, that one's counts
  // are scaled in proportion, and the note says so; at any other shape that is not in the table there is no prediction.
  CallPrediction predict(const KernelCall& call, const Gpu& gpu) const;

 private:
  struct Row {
    std::string op;
    std::string shape;
    std::map<std::string, std::int64_t> fields;
    std::string library;  // whose product this is; "" for none
    std::vector<KernelCosts> kernels;
    std::string unknown;  // why there are no counts
  };
  // The row of a call and by what its counts are to be scaled; null where there is none.
  std::pair<const Row*, double> find(const KernelCall& call) const;

  std::vector<Row> rows_;
};

}  // namespace cardiograd::model
