// How large a batch the GPU's memory admits.
#pragma once

#include <cstdint>
#include <vector>

#include "model/data_loader.h"
#include "model/model.h"

namespace cardiograd::model {

// A number of records, below `too_many`, whose training step fits into the memory of the GPU that `net` and `loader`
// are on, and near the largest; 0 when not even two fit. Estimated from what small steps on `rows` take, then tried.
// Leaves gradients cleared and batch norm's running statistics changed: for a run that has ended.
std::int64_t max_batch_size(Model& net, const DataLoader& loader, const std::vector<std::int64_t>& rows,
                            const Tensor& pos_weight, std::int64_t too_many);

}  // namespace cardiograd::model
