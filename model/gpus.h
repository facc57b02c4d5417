// What named GPUs can do at most, as their makers publish it: bench/gpus.toml has the source of every figure.
#pragma once

#include <string>
#include <vector>

#include "base/precision_words.h"

namespace cardiograd::model {

// One GPU at its boost clock. A figure that is not published is 0.
struct Gpu {
  std::string name;            // "rtx-3050-8gb"
  std::string title;           // "GeForce RTX 3050 8 GB"
  int compute_capability = 0;  // 86
  double multiprocessors = 0;
  double clock_hz = 0;
  double tensor_clock_hz = 0;  // at which the tensor figures hold
  double dram_bytes_per_s = 0;
  double l2_bytes_per_s = 0;
  // Of one multiprocessor, per clock: warp instructions, lanes, bytes, and multiply-adds of tensor cores with sums in
  // float.
  double issue = 0;
  double fp32 = 0;
  double fp64 = 0;
  double sfu = 0;
  double shared_bytes = 0;
  double tensor_tf32 = 0;
  double tensor_bf16 = 0;

  // Of products in this mode, a multiply-add counting two: the fp32 units, or the tensor cores.
  double flop_per_s(Precision precision) const;
};

// The GPUs of such a table, in the order of their names. Throws Error, naming `where`, for what is no such table.
std::vector<Gpu> parse_gpus(const std::string& toml, const std::string& where);

// Those of bench/gpus.toml.
const std::vector<Gpu>& known_gpus();

// "a100-sxm-80gb, h100-sxm, ...".
std::string gpu_names();

}  // namespace cardiograd::model
