// What this thread computes while a BatchPart lives are some rows of a batch that the processes of a group share.
// Dropout then counts the elements of the whole batch, and batch norm takes its statistics over all of it: the parts
// together give what one process would compute alone, but for the rounding of sums.
#pragma once

#include <cstdint>

#include "engine/process_group.h"
#include "kernels/dropout/dropout.h"

namespace cardiograd {

class BatchPart {
 public:
  struct Rows {
    std::int64_t first = 0;  // in the whole batch
    // False for rows that stand in for none, on a rank to which none have fallen: they are computed, because all ranks
    // must come to the same exchanges, and count for nothing.
    bool count = true;
  };

  // `statistics`: the group over which batch norm takes them; nullptr: over these rows alone. It must outlive this.
  BatchPart(const Rows& rows, ProcessGroup* statistics);
  ~BatchPart();
  BatchPart(const BatchPart&) = delete;
  BatchPart& operator=(const BatchPart&) = delete;

  const Rows& rows() const { return rows_; }
  ProcessGroup* statistics() const { return statistics_; }

  // Of this thread, the newest; nullptr: batches are whole.
  static const BatchPart* current();

 private:
  Rows rows_;
  ProcessGroup* statistics_;
  const BatchPart* before_;
};

// The key as the rows of this thread's part take it; `per_row`: elements that the dropout has for each.
kernels::DropoutKey key_of_part(const kernels::DropoutKey& key, std::int64_t per_row);

}  // namespace cardiograd
