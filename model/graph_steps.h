// Training steps and evaluation batches on the GPU as graphs: each is recorded once for each number of records and then
// replayed. The numbers are those of the same steps without graphs, bit for bit.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "engine/captured_work.h"
#include "engine/optim/adam.h"
#include "model/data_loader.h"
#include "model/device_batches.h"
#include "model/model.h"

namespace cardiograd::model {

class GraphSteps {
 public:
  // What a step works on; all outlive this. `source` is on the GPU and resident().
  struct Parts {
    Model& net;
    optim::Adam& optimizer;
    const DataLoader& source;
    const Tensor& pos_weight;
    double clip_norm = 0;           // 0: no clipping
    std::uint64_t dropout_key = 0;  // random_streams::dropout_key
  };
  explicit GraphSteps(const Parts& parts);
  ~GraphSteps();
  GraphSteps(const GraphSteps&) = delete;
  GraphSteps& operator=(const GraphSteps&) = delete;

  // The next steps train on `rows`, from place `first` on, each with its own of `rates`.
  void begin_epoch(const std::vector<std::int64_t>& rows, std::size_t first, const std::vector<double>& rates);
  // Trains on the next `count` records. The host waits for nothing but losses of LossRing::kSize steps before.
  void train_step(std::size_t count);
  // Losses of the steps since begin_epoch(), in order, each once (LossRing::take).
  std::vector<float> losses(bool all) { return batches_.losses().take(all); }

  // score() of data_loader.h, batch by batch.
  Scores score(const std::vector<std::int64_t>& rows, std::int64_t batch_size, const std::function<void()>& between);

  // A step that was recorded, for tests; nullptr where there is none of so many records.
  const CapturedWork* work(bool training, std::size_t count) const;
  // Bytes of the memory that recorded steps share.
  std::size_t block_bytes() const { return blocks_.bytes(); }

 private:
  CapturedWork& work_of(bool training, std::size_t count);
  void train(std::int64_t count);
  void evaluate(std::int64_t count);

  Parts parts_;
  DeviceBatches batches_;
  WorkBlocks blocks_;
  std::map<std::pair<bool, std::size_t>, std::unique_ptr<CapturedWork>> works_;  // by training and records
};

}  // namespace cardiograd::model
