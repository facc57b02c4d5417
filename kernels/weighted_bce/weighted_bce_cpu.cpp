// The loss on the CPU, one thread: a batch has some hundred logits, less than handing out tasks costs. Each term is
// computed in double, so that the loss of a million logits is as exact as that of one.
#include <cmath>

#include "kernels/weighted_bce/weighted_bce.h"

namespace cardiograd::kernels {

void weighted_bce_forward_cpu(const WeightedBceShape& s, const float* logits, const float* targets,
                              const float* pos_weight, float* loss) {
  double sum = 0;
  for (std::int64_t r = 0; r < s.rows; ++r) {
    for (std::int64_t c = 0; c < s.classes; ++c) {
      const double x = logits[r * s.classes + c];
      const double target = targets[r * s.classes + c];
      // softplus(x) = max(x, 0) + rest, softplus(-x) = max(-x, 0) + rest; NaN is in rest.
      const double rest = std::log1p(std::exp(-std::abs(x)));
      sum += pos_weight[c] * target * (std::fmax(-x, 0.0) + rest) + (1 - target) * (std::fmax(x, 0.0) + rest);
    }
  }
  loss[0] = static_cast<float>(sum / static_cast<double>(s.rows * s.classes));
}

void weighted_bce_backward_cpu(const WeightedBceShape& s, const float* logits, const float* targets,
                               const float* pos_weight, const float* dloss, float* dlogits) {
  const double weight = dloss[0] / static_cast<double>(s.rows * s.classes);
  for (std::int64_t r = 0; r < s.rows; ++r) {
    for (std::int64_t c = 0; c < s.classes; ++c) {
      const std::int64_t i = r * s.classes + c;
      const double x = logits[i];
      const double target = targets[i];
      // sigmoid(-|x|) = small / (1 + small), sigmoid(|x|) = 1 / (1 + small)
      const double small = std::exp(-std::abs(x));
      const double below = (x < 0 ? small : 1) / (1 + small);
      const double above = (x < 0 ? 1 : small) / (1 + small);
      dlogits[i] = static_cast<float>(weight * ((1 - target) * below - pos_weight[c] * target * above));
    }
  }
}

void weighted_bce_loss_and_gradient_cpu(const WeightedBceShape& s, const float* logits, const float* targets,
                                        const float* pos_weight, float* loss, float* dlogits) {
  const float dloss = 1;
  weighted_bce_forward_cpu(s, logits, targets, pos_weight, loss);
  weighted_bce_backward_cpu(s, logits, targets, pos_weight, &dloss, dlogits);
}

}  // namespace cardiograd::kernels
