// Counts (counters.h) to read: a table, the source with figures in its margin, and what is dear for no reason.
#pragma once

#include <string>
#include <vector>

#include "simt/counters.h"

namespace cardiograd::simt {

enum class FindingKind {
  kUncoalesced,   // device memory: at least twice the sectors that the bytes fill, and two more per request
  kBankConflict,  // shared memory: at least twice the wavefronts of a request without conflict
  kScalar,        // device memory: at least half of the requests fetch or store a lane's neighboring words one by one
};

// A line of source that costs more than it needs.
struct Finding {
  FindingKind kind;
  std::string kernel;
  std::string file;
  unsigned line;
  std::string text;  // "uncoalesced load: 32.0 sectors per request, 4.0 would do"
};

// By kernel, file and line. Atomics are no findings.
std::vector<Finding> find_costs(const std::vector<KernelCounts>& counts);

// A block for each kernel: one row per line and kind of access, one per line of collectives, a row of sums, findings.
std::string counter_table(const std::vector<KernelCounts>& counts);

// The text of each file with counts, from disk: in the margin of each line requests to device memory, sectors per
// request, requests to shared memory, wavefronts per request and the collectives that it made, summed over kernels. A
// file that cannot be read is named with the reason.
std::string annotated_source(const std::vector<KernelCounts>& counts);

}  // namespace cardiograd::simt
