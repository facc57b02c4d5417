// What this thread computes while a BatchPart lives are some rows of a batch that the processes of a group share.
// Dropout then counts the elements of the whole batch, and batch norm takes its statistics over all of it: the parts
// together give what one process would compute alone, but for the rounding of sums.
#pragma once

#include <cstdint>

#include "engine/gpu_group.h"
#include "engine/process_group.h"
#include "kernels/dropout/dropout.h"

namespace cardiograd {

class BatchPart {
 public:
  struct Rows {
    std::int64_t first = 0;  // in the whole batch
    std::int64_t batch = 0;  // rows of the whole batch; on the GPU, where it shares statistics
    // False for rows that stand in for none, on a rank to which none have fallen: they are computed, because all ranks
    // must come to the same exchanges, and count for nothing.
    bool counts = true;
  };

  // The groups over which batch norm takes its statistics, on the CPU and on the GPU; nullptr: over these rows alone.
  // They must outlive this.
  BatchPart(const Rows& rows, ProcessGroup* statistics, GpuGroup* gpu_statistics = nullptr);
  ~BatchPart();
  BatchPart(const BatchPart&) = delete;
  BatchPart& operator=(const BatchPart&) = delete;

  const Rows& rows() const { return rows_; }
  ProcessGroup* statistics() const { return statistics_; }
  GpuGroup* gpu_statistics() const { return gpu_statistics_; }
  bool shares_statistics() const { return statistics_ != nullptr || gpu_statistics_ != nullptr; }

  // Of this thread, the newest; nullptr: batches are whole.
  static const BatchPart* current();

 private:
  Rows rows_;
  ProcessGroup* statistics_;
  GpuGroup* gpu_statistics_;
  const BatchPart* before_;
};

// What the mean loss of each rank's rows counts in that of the whole batch: its fraction of the rows, (ranks).
Tensor loss_weights(std::int64_t batch, int ranks);

// The key as the rows of this thread's part take it; `per_row`: elements that the dropout has for each.
kernels::DropoutKey key_of_part(const kernels::DropoutKey& key, std::int64_t per_row);

}  // namespace cardiograd
