// naive, stable and tree: earlier variants of the loss and its gradient.
//
//   a block     naive, stable: the terms of 256 logits; then all of them, one block of one thread; then the gradients
//               of 256 logits. tree: all logits; then the gradients of 256
//   a thread    naive, stable: the term of a logit; the sum; the gradient of a logit. tree: every 256th logit's term,
//               added up in a register; warps add up by shuffles
//   shared      naive, stable: none. tree: 128 bytes, the sums of the warps
//   takes       any shape; naive: logits below 89
//
// stable beats naive by being right: softplus(x) = max(x, 0) + log1p(exp(-|x|)) never takes the exponential of a
// positive number, where log(1 + exp(x)) is infinite from x = 89 on. tree beats stable by its chain of dependent
// additions, rows * classes / 256 + 5 + 8 long instead of rows * classes, and by two launches instead of three. The
// shipped variant (weighted_bce.cu) makes the gradient in the same launch from the same exponential.
#include <cstdint>

#include "kernels/common/elementwise_cuda.cuh"
#include "kernels/common/scratch_cuda.h"
#include "kernels/common/warp_reduce.cuh"
#include "kernels/weighted_bce/ladder/weighted_bce_ladder.h"
#include "simt/simt.h"

namespace cardiograd::kernels {

struct NaiveFormula {
  __device__ static float softplus(float x) { return logf(1.0F + expf(x)); }
};
struct StableFormula {
  __device__ static float softplus(float x) { return fmaxf(x, 0.0F) + log1pf(expf(-fabsf(x))); }
};

struct LossInputs {
  std::int64_t count;
  std::int64_t classes;
  const float* logits;
  const float* targets;
  const float* pos_weight;

  template <class Formula>
  __device__ float term(std::int64_t i) const {
    const float x = logits[i];
    return pos_weight[i % classes] * targets[i] * Formula::softplus(-x) + (1.0F - targets[i]) * Formula::softplus(x);
  }
};

// One thread: one term.
template <class Formula>
struct TermBody {
  LossInputs in;
  float* terms;
  __device__ void operator()(std::int64_t i) const { terms[i] = in.term<Formula>(i); }
};

// One thread in all.
static __global__ void __launch_bounds__(32) add_terms_kernel(std::int64_t count, const float* terms, float* loss) {
  float sum = 0;
  for (std::int64_t i = 0; i < count; ++i) sum += terms[i];
  *loss = sum / static_cast<float>(count);
}

// One thread: one logit's gradient. 1 / (1 + exp(-x)) goes to 0 through exp(-x) = infinity: right as it is.
struct LossGradientBody {
  LossInputs in;
  float* dlogits;
  __device__ void operator()(std::int64_t i) const {
    const float below = 1.0F / (1.0F + expf(-in.logits[i]));
    const float above = 1.0F / (1.0F + expf(in.logits[i]));
    const float weight = in.pos_weight[i % in.classes] * in.targets[i];
    dlogits[i] = ((1.0F - in.targets[i]) * below - weight * above) / static_cast<float>(in.count);
  }
};

inline constexpr int kTreeThreads = 256;

// One block goes over all terms.
static __global__ void __launch_bounds__(kTreeThreads) tree_kernel(LossInputs in, float* loss) {
  float sum = 0;
  for (std::int64_t i = threadIdx.x; i < in.count; i += kTreeThreads) sum += in.term<StableFormula>(i);
  sum = block_sum<kTreeThreads>(sum);
  if (threadIdx.x == 0) *loss = sum / static_cast<float>(in.count);
}

namespace {

LossInputs inputs_of(const WeightedBceShape& s, const float* logits, const float* targets, const float* pos_weight) {
  return {s.rows * s.classes, s.classes, logits, targets, pos_weight};
}

template <class Formula>
void three_launches(const LossInputs& in, float* loss, float* dlogits, Stream stream) {
  float* terms = cuda_scratch(stream, CudaScratchUse::kPartial, in.count);
  for_each_element(in.count, stream, TermBody<Formula>{in, terms});
  simt::launch<add_terms_kernel>(dim3(1), dim3(1), 0, stream, in.count, terms, loss);
  for_each_element(in.count, stream, LossGradientBody{in, dlogits});
}

}  // namespace

void weighted_bce_naive(const WeightedBceShape& s, const float* logits, const float* targets, const float* pos_weight,
                        float* loss, float* dlogits, Stream stream) {
  three_launches<NaiveFormula>(inputs_of(s, logits, targets, pos_weight), loss, dlogits, stream);
}

void weighted_bce_stable(const WeightedBceShape& s, const float* logits, const float* targets, const float* pos_weight,
                         float* loss, float* dlogits, Stream stream) {
  three_launches<StableFormula>(inputs_of(s, logits, targets, pos_weight), loss, dlogits, stream);
}

void weighted_bce_tree(const WeightedBceShape& s, const float* logits, const float* targets, const float* pos_weight,
                       float* loss, float* dlogits, Stream stream) {
  const LossInputs in = inputs_of(s, logits, targets, pos_weight);
  simt::launch<tree_kernel>(dim3(1), dim3(kTreeThreads), 0, stream, in, loss);
  for_each_element(in.count, stream, LossGradientBody{in, dlogits});
}

}  // namespace cardiograd::kernels
