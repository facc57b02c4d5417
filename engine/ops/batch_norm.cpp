#include "kernels/batch_norm/batch_norm.h"

#include <algorithm>
#include <cstddef>
#include <vector>

#include <fmt/format.h>

#include "base/error.h"
#include "engine/autograd.h"
#include "engine/batch_part.h"
#include "engine/dispatch.h"
#include "engine/ops/ops.h"
#include "kernels/batch_norm/batch_norm_cpu.h"

namespace cardiograd::ops {
namespace {

// Records the backward pass of y, x normalized with statistics of its own.
void record_training(const kernels::BatchNormShape& s, const Tensor& x, const Tensor& gamma, const Tensor& beta,
                     const Tensor& mean, const Tensor& variance, Tensor& y) {
  const GradientSlot dx(x);
  const GradientSlot dgamma(gamma);
  const GradientSlot dbeta(beta);
  record("batch_norm", y, {&x, &gamma, &beta},
         [=, x = x.detach(), gamma = gamma.detach(), beta = beta.detach()](const Tensor& dy) {
           Tensor gradient = dx.new_gradient();
           CARDIOGRAD_RUN(batch_norm_backward, s, x, gamma, beta, mean, variance, dy, gradient, dgamma.accumulator(),
                          dbeta.accumulator());
           dx.accumulate(gradient);
         });
}

Tensor batch_norm_training(const kernels::BatchNormShape& s, const Tensor& x, const Tensor& gamma, const Tensor& beta,
                           Tensor& running_mean, Tensor& running_var) {
  if (s.rows < 2)
    throw Error(fmt::format("batch_norm: {} value per channel in training, expected at least 2", s.rows),
                "Use batches of 2 or more.");
  Tensor y = x.new_empty(x.shape());
  Tensor mean = x.new_empty({s.channels});
  Tensor variance = x.new_empty({s.channels});
  CARDIOGRAD_RUN(batch_norm_forward, s, x, gamma, beta, running_mean, running_var, y, mean, variance);
  record_training(s, x, gamma, beta, mean, variance, y);
  return y;
}

// What the processes of a group know together about the values of a batch norm.
struct SharedStatistics {
  Tensor mean;
  Tensor variance;
  std::int64_t rows = 0;
};

// Over the rows of all, combined in the order of ranks (Chan, Golub and LeVeque, 1983); the running statistics follow.
SharedStatistics share_statistics(const kernels::BatchNormShape& s, const BatchPart& part, const Tensor& x,
                                  Tensor& running_mean, Tensor& running_var) {
  const auto channels = static_cast<std::size_t>(s.channels);
  std::vector<double> own(1 + 2 * channels);
  if (part.rows().counts) {
    own[0] = static_cast<double>(s.rows);
    kernels::batch_norm_moments_cpu(s, x.data(), own.data() + 1, own.data() + 1 + channels);
  }
  const std::vector<double> all = part.statistics()->gather("statistics of a batch norm", own);
  double rows = 0;
  for (std::size_t at = 0; at < all.size(); at += own.size()) rows += all[at];
  SharedStatistics shared = {x.new_empty({s.channels}), x.new_empty({s.channels}), static_cast<std::int64_t>(rows)};
  if (rows < 2)
    throw Error(fmt::format("batch_norm: {} value per channel in training, expected at least 2", shared.rows),
                "Use batches of 2 or more.");
  for (std::size_t c = 0; c < channels; ++c) {
    double mean = 0, squares = 0;
    for (std::size_t at = 0; at < all.size(); at += own.size()) mean += all[at] * all[at + 1 + c];
    mean /= rows;
    for (std::size_t at = 0; at < all.size(); at += own.size()) {
      const double between = all[at + 1 + c] - mean;
      squares += all[at + 1 + channels + c] + all[at] * between * between;
    }
    shared.mean.data()[c] = static_cast<float>(mean);
    shared.variance.data()[c] = static_cast<float>(squares / rows);
    float& moved_mean = running_mean.data()[c];
    float& moved_var = running_var.data()[c];
    moved_mean = static_cast<float>((1 - s.momentum) * moved_mean + s.momentum * mean);
    moved_var = static_cast<float>((1 - s.momentum) * moved_var + s.momentum * squares / (rows - 1));
  }
  return shared;
}

// The sums of all ranks in the place of one's own.
void share_sums(const BatchPart::Rows& rows, ProcessGroup& group, std::int64_t count, double* sums) {
  std::vector<double> own(sums, sums + count);
  if (!rows.counts) std::fill(own.begin(), own.end(), 0);
  const std::vector<double> all = group.gather("gradient of a batch norm", own);
  for (std::size_t i = 0; i < own.size(); ++i) {
    sums[i] = 0;
    for (std::size_t at = i; at < all.size(); at += own.size()) sums[i] += all[at];
  }
}

// batch_norm_training() of a part of a batch, on the CPU.
Tensor batch_norm_shared(const kernels::BatchNormShape& s, const BatchPart& part, const Tensor& x, const Tensor& gamma,
                         const Tensor& beta, Tensor& running_mean, Tensor& running_var) {
  const SharedStatistics shared = share_statistics(s, part, x, running_mean, running_var);
  Tensor y = x.new_empty(x.shape());
  CARDIOGRAD_RUN(batch_norm_eval_forward, s, x, gamma, beta, shared.mean, shared.variance, y);
  const GradientSlot dx(x);
  const GradientSlot dgamma(gamma);
  const GradientSlot dbeta(beta);
  record("batch_norm", y, {&x, &gamma, &beta},
         [=, x = x.detach(), gamma = gamma.detach(), beta = beta.detach(), rows = part.rows(),
          group = part.statistics()](const Tensor& dy) {
           Tensor gradient = dx.new_gradient();
           const auto share = [&](double* sums) { share_sums(rows, *group, 2 * s.channels, sums); };
           kernels::batch_norm_shared_backward_cpu(
               s, shared.rows, x.data(), gamma.data(), beta.data(), shared.mean.data(), shared.variance.data(),
               dy.data(), share, gradient.data(), dgamma.accumulator().data(), dbeta.accumulator().data());
           if (!rows.counts) gradient.fill_zero();  // The statistics do not depend on rows that stand in for none.
           dx.accumulate(gradient);
         });
  return y;
}

// The same on the GPU: two small exchanges in the stream.
Tensor batch_norm_shared_on_gpu(const kernels::BatchNormShape& s, const BatchPart& part, const Tensor& x,
                                const Tensor& gamma, const Tensor& beta, Tensor& running_mean, Tensor& running_var) {
  if constexpr (kernels::kHasDeviceCode) {
    GpuGroup& gpus = *part.gpu_statistics();
    const kernels::BatchNormRanks all = {.ranks = gpus.size(), .batch = part.rows().batch, .time = s.rows / x.dim(0)};
    if (all.rows() < 2)
      throw Error(fmt::format("batch_norm: {} value per channel in training, expected at least 2", all.rows()),
                  "Use batches of 2 or more.");
    Tensor own = x.new_empty({4, s.channels});
    kernels::batch_norm_own_statistics_cuda(s, x.address(), own.address(), cuda::stream());
    const Tensor statistics = gpus.gather(own.part(0, {2, s.channels}));
    Tensor mean = x.new_empty({s.channels});
    Tensor variance = x.new_empty({s.channels});
    kernels::batch_norm_shared_statistics_cuda(s, all, statistics.address(), running_mean.address(),
                                               running_var.address(), mean.address(), variance.address(),
                                               cuda::stream());
    Tensor y = x.new_empty(x.shape());
    CARDIOGRAD_RUN(batch_norm_eval_forward, s, x, gamma, beta, mean, variance, y);
    const GradientSlot dx(x);
    const GradientSlot dgamma(gamma);
    const GradientSlot dbeta(beta);
    record("batch_norm", y, {&x, &gamma, &beta},
           [=, x = x.detach(), gamma = gamma.detach(), beta = beta.detach(), group = &gpus,
            counts = part.rows().counts](const Tensor& dy) {
             Tensor gradient = dx.new_gradient();
             Tensor sums = dy.new_empty({2, s.channels});
             kernels::batch_norm_shared_sums_cuda(
                 s, x.address(), gamma.address(), beta.address(), mean.address(), variance.address(), dy.address(),
                 sums.address(), dgamma.accumulator().address(), dbeta.accumulator().address(), cuda::stream());
             group->sum(sums);
             kernels::batch_norm_shared_gradient_cuda(s, all, x.address(), gamma.address(), beta.address(),
                                                      mean.address(), variance.address(), dy.address(), sums.address(),
                                                      gradient.address(), cuda::stream());
             if (!counts) gradient.fill_zero();  // As above.
             dx.accumulate(gradient);
           });
    return y;
  } else {
    return {};  // There are no such tensors.
  }
}

Tensor batch_norm_eval(const kernels::BatchNormShape& s, const Tensor& x, const Tensor& gamma, const Tensor& beta,
                       const Tensor& running_mean, const Tensor& running_var) {
  Tensor y = x.new_empty(x.shape());
  CARDIOGRAD_RUN(batch_norm_eval_forward, s, x, gamma, beta, running_mean, running_var, y);
  const GradientSlot dx(x);
  const GradientSlot dgamma(gamma);
  const GradientSlot dbeta(beta);
  record("batch_norm", y, {&x, &gamma, &beta},
         [=, x = x.detach(), gamma = gamma.detach(), beta = beta.detach()](const Tensor& dy) {
           Tensor gradient = dx.new_gradient();
           CARDIOGRAD_RUN(batch_norm_eval_backward, s, x, gamma, beta, running_mean, running_var, dy, gradient,
                          dgamma.accumulator(), dbeta.accumulator());
           dx.accumulate(gradient);
         });
  return y;
}

// Throws Error for shapes that do not fit.
kernels::BatchNormShape shape_of(const Tensor& x, const Tensor& gamma, const Tensor& beta, const Tensor& mean,
                                 const Tensor& variance, const BatchNormOptions& options) {
  if (x.shape().dims() < 2)
    throw Error(fmt::format("batch_norm: x has shape {}, expected (N, C) or (N, T, C)", x.shape().text()));
  const std::int64_t channels = x.shape().last();
  expect_shape("batch_norm", "gamma", gamma, {channels});
  expect_shape("batch_norm", "beta", beta, {channels});
  expect_shape("batch_norm", "running_mean", mean, {channels});
  expect_shape("batch_norm", "running_var", variance, {channels});
  return {.rows = x.count() / channels,
          .channels = channels,
          .epsilon = options.epsilon,
          .momentum = options.momentum,
          .relu = options.relu};
}

}  // namespace

Tensor batch_norm(const Tensor& x, const Tensor& gamma, const Tensor& beta, Tensor& running_mean, Tensor& running_var,
                  const BatchNormOptions& options) {
  const kernels::BatchNormShape s = shape_of(x, gamma, beta, running_mean, running_var, options);
  const BatchPart* part = BatchPart::current();
  if (options.training && part != nullptr && part->shares_statistics()) {
    const bool on_gpu = common_device("batch_norm", {&x, &gamma, &beta, &running_mean, &running_var}) == Device::kCuda;
    if (on_gpu ? part->gpu_statistics() == nullptr : part->statistics() == nullptr)
      throw Error("batch_norm: the part of a batch has a group for another device than its tensors",
                  "Give BatchPart the GPUs' group on the GPU, the processes' on the CPU.");
    if (on_gpu) return batch_norm_shared_on_gpu(s, *part, x, gamma, beta, running_mean, running_var);
    return batch_norm_shared(s, *part, x, gamma, beta, running_mean, running_var);
  }
  return options.training ? batch_norm_training(s, x, gamma, beta, running_mean, running_var)
                          : batch_norm_eval(s, x, gamma, beta, running_mean, running_var);
}

Tensor batch_norm(const ConvolvedBatch& x, const Tensor& gamma, const Tensor& beta, const BatchNormOptions& options) {
  const kernels::BatchNormShape s = shape_of(x.y, gamma, beta, x.mean, x.variance, options);
  Tensor y = x.y.new_empty(x.y.shape());
  CARDIOGRAD_RUN(batch_norm_eval_forward, s, x.y, gamma, beta, x.mean, x.variance, y);
  record_training(s, x.y, gamma, beta, x.mean, x.variance, y);
  return y;
}

}  // namespace cardiograd::ops
