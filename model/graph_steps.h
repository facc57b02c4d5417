// Training steps and evaluation batches on the GPU as graphs: each is recorded once for each number of records and then
// replayed. The numbers are those of the same steps without graphs, bit for bit.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "engine/captured_work.h"
#include "engine/gpu_group.h"
#include "engine/gradient_exchange.h"
#include "engine/optim/adam.h"
#include "engine/optim/weight_average.h"
#include "model/data_loader.h"
#include "model/device_batches.h"
#include "model/model.h"

namespace cardiograd::model {

class GraphSteps {
 public:
  // What a step works on; all outlive this. `loader` is on the GPU and resident().
  struct Parts {
    Model& net;
    optim::Adam& optimizer;
    const DataLoader& loader;
    const Tensor& pos_weight;
    double clip_norm = 0;                     // 0: no clipping
    optim::WeightAverage* average = nullptr;  // of net; nullptr: none
    std::uint64_t dropout_key = 0;            // random_streams::dropout_key
    bool planned = false;                     // training batches are parts or altered: begin_epoch() has a plan
    std::int64_t places = 0;     // most that an epoch or a validation has; 0: as many as all records have windows
    double label_smoothing = 0;  // with a plan
    GpuGroup* gpus = nullptr;    // that share each batch; nullptr: there is one
    GradientExchange* gradients = nullptr;  // of net, between them
    bool shared_statistics = false;         // of batch norm, over all of them
  };
  explicit GraphSteps(const Parts& parts);
  ~GraphSteps();
  GraphSteps(const GraphSteps&) = delete;
  GraphSteps& operator=(const GraphSteps&) = delete;

  // What this process computes of a batch that several share.
  struct Share {
    std::int64_t first = 0;  // of its records in the whole batch
    std::int64_t count = 0;
    std::int64_t batch = 0;  // records of the whole batch
    bool counts = true;      // BatchPart::Rows::counts
    // NOLINTNEXTLINE(modernize-use-nullptr): the 0 is the comparison's
    auto operator<=>(const Share&) const = default;
  };

  // The next steps train on `rows`, from place `first` on, each with its own of `rates`; with Parts::planned on the
  // places of `plan`. Of several processes: on those that this one computes.
  void begin_epoch(const std::vector<std::int64_t>& rows, std::size_t first,
                   const std::vector<kernels::StepRates>& rates);
  void begin_epoch(const BatchPlan& plan, const std::vector<kernels::StepRates>& rates);
  // Trains on the next share.count records. The host waits for nothing but losses of LossRing::kSize steps before.
  void train_step(const Share& share);
  // On a batch of its own.
  void train_step(std::size_t count);
  // Losses of the steps since begin_epoch(), in order, each once (LossRing::take); of shared batches the means over
  // all.
  std::vector<float> losses(bool all) { return batches_.losses().take(all); }

  // As score_batches() of data_loader.h: batches first_batch ... end_batch - 1 of those that `rows`, with crops their
  // windows, have.
  BatchScores score_batches(const std::vector<std::int64_t>& rows, std::int64_t batch_size, std::int64_t first_batch,
                            std::int64_t end_batch, const std::function<void()>& between);

  // A step that was recorded, for tests; nullptr where there is none of so many records.
  const CapturedWork* work(bool training, std::size_t count) const;
  // Bytes of the memory that recorded steps share.
  std::size_t block_bytes() const { return blocks_.bytes(); }

 private:
  struct Work {
    Tensor weights;  // of each rank's loss in that of the whole batch; undefined where there is one
    std::unique_ptr<CapturedWork> captured;
  };
  CapturedWork& work_of(bool training, const Share& share);
  void prepare_training(const std::vector<kernels::StepRates>& rates);
  bool cuts() const { return parts_.loader.crops().samples > 0; }
  Tensor weights_of(const Share& share) const;
  void train(const Share& share, const Tensor& weights);
  void evaluate(std::int64_t count);

  Parts parts_;
  DeviceBatches batches_;
  WorkBlocks blocks_;
  std::map<std::pair<bool, Share>, Work> works_;  // by training and records
};

}  // namespace cardiograd::model
