// A model that sees crops, as one of whole records: what attribution.h asks of a model, it asks of the answer about the
// record.
#pragma once

#include <cstdint>
#include <vector>

#include "model/crops.h"
#include "model/frozen_model.h"
#include "model/model.h"

namespace cardiograd::model {

// signals (N, record samples, leads), features (N, features) -> logits (N, classes) of the records' probabilities, as
// joined_logit() makes them of those of the windows (crop_windows). Differentiable in its inputs; on the CPU alone. The
// model of the crops must live as long; its weights have no gradients meanwhile. It has no tensors of its own.
class RecordModel final : public Model {
 public:
  RecordModel(Model& crop_model, const Crops& crops, std::int64_t record_samples);

  // (N, record samples, leads) -> the windows' (N * windows, ...), record by record.
  Tensor encode(const Tensor& signals) override;
  Tensor classify(const Tensor& encoded, const Tensor& features) override;

  // The samples at which the windows begin.
  const std::vector<std::int64_t>& windows() const { return windows_; }
  // One window of the records, (N, crop samples, leads).
  Tensor window(const Tensor& signals, std::size_t number) const;

 private:
  Model& net_;
  FrozenModel frozen_;
  Aggregate aggregate_;
  std::vector<std::int64_t> windows_;
};

}  // namespace cardiograd::model
