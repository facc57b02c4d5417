// How large a batch the card's memory admits.
#pragma once

#include <cstdint>
#include <vector>

#include "model/batches.h"
#include "model/hc_cnn_tn.h"

namespace cardiograd::model {

// The largest number of records whose training step would fit into the memory of the card that `net` and `source` are
// on, from what two small steps on `rows` take; 0 when even those do not fit. Leaves gradients cleared and batch norm's
// running statistics changed: for a run that has ended.
std::int64_t fitting_batch_size(HcCnnTn& net, const BatchSource& source, const std::vector<std::int64_t>& rows,
                                const Tensor& positive_weight);

}  // namespace cardiograd::model
