// Batches that the GPU makes by itself: the order of the records, where the epoch stands, features and labels lie in
// its memory, and a step's results go to places there. So nothing of a step comes from the host.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine/cuda.h"
#include "engine/ops/ops.h"
#include "engine/tensor.h"
#include "kernels/common/batch_progress_cuda.h"
#include "model/data_loader.h"

namespace cardiograd::model {

// Losses that the host reads some at a time: the GPU writes them into a ring, and what is full is copied behind it.
class LossRing {
 public:
  LossRing();
  ~LossRing();
  LossRing(const LossRing&) = delete;
  LossRing& operator=(const LossRing&) = delete;

  // After a step has been put into the stream that writes one loss. Copies the ring when it is full.
  void count_step();
  // Losses of the steps so far that have arrived, in order, each once; with `all`, those of all steps, for which it
  // waits. Without it, the host waits only for steps kSize and more before.
  std::vector<float> take(bool all);
  // Forgets what was not taken.
  void clear();

  Tensor& ring() { return ring_; }
  static constexpr int kSize = 32;

 private:
  void copy();

  Tensor ring_;  // (kSize) on the GPU
  Storage pinned_;
  struct Part {
    cuda::Event copied;
    int first = 0;  // place in the ring
    int count = 0;
  };
  Part parts_[2];    // where copies go, in turn
  int next_ = 0;     // the part that the next copy goes to
  int written_ = 0;  // places of the ring, of which ...
  int copied_ = 0;   // ... so many are copied
  std::vector<float> arrived_;

  void arrive(Part& part);
};

class DeviceBatches {
 public:
  // `loader` is on the GPU, resident(), and outlives this. `planned`: batches may be planned ones, with `places` in a
  // begin() at most; 0: as many as the windows of all records.
  DeviceBatches(const DataLoader& loader, bool planned, std::int64_t places = 0);

  // The next batches are of `rows`, from place `first` on. `step`: the training steps before them; `rates`: those of
  // each batch, none for evaluation.
  void begin(const std::vector<std::int64_t>& rows, std::size_t first, std::int64_t step,
             const std::vector<kernels::StepRates>& rates);
  // The next `count` records.
  Batch batch(std::int64_t count) const;
  // The next batches are the places of `plan`. Throws Error for more than there is room for.
  void begin(const BatchPlan& plan, std::int64_t step, const std::vector<kernels::StepRates>& rates);
  // The next `count` places.
  Batch planned_batch(std::int64_t count, double label_smoothing) const;
  // The end of the step of that batch, for the kernel that reads it last: keeps its loss (1), and its logits (count,
  // classes) if any, and moves on.
  kernels::BatchEnd end(const Tensor& loss, const Tensor& logits, std::int64_t count);
  // The same in a kernel of its own.
  void finish(const Tensor& loss, const Tensor& logits, std::int64_t count);
  // The logits of all batches since begin(), (places, classes); undefined for those of no batch. Waits for the GPU.
  std::vector<float> logits(std::size_t rows) const;

  // In the GPU's memory: the step's rates and the training steps before it.
  const kernels::StepRates* rates() const;
  const std::uint32_t* step() const;
  LossRing& losses() { return losses_; }

 private:
  void begin_at(std::size_t first, std::int64_t step, const std::vector<kernels::StepRates>& rates);

  const DataLoader& loader_;
  Tensor features_;  // (records, width), width may be 0
  Tensor labels_;
  Tensor order_;               // (records) int32
  ops::AlteredPlaces places_;  // of planned batches, room for `places`
  Tensor progress_;            // kernels::BatchProgress, as words
  Tensor first_;               // its `first`, (1) int32
  Tensor rates_;               // kernels::StepRates, as words; room for one per record
  Tensor logits_;              // (places, classes)
  LossRing losses_;
};

// What the plan of a step (step_memory.h) does not count: samples of resident records beyond the model's input, and the
// tables of planned batches.
std::size_t bytes_beside_plan(const DataLoader& loader, bool planned, std::int64_t places = 0);

}  // namespace cardiograd::model
