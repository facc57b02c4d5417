// Mean and squared deviations of columns, from parts of their rows (Chan, Golub and LeVeque, 1983), for device code.
// E[x^2] - E[x]^2 would lose all digits of a small variance beside a large mean.
#pragma once

#include <cstdint>

#include "kernels/common/finite.cuh"
#include "simt/simt.h"

namespace cardiograd::kernels {

// Count, mean and sum of squared deviations of some values. The mean is center + offset: what of it a float cannot hold
// beside a large center is in the offset.
struct Moments {
  float count = 0;
  float center = 0;
  float offset = 0;
  float squares = 0;

  // Of `count_` values from the sums of their deviations from `pivot`, a rounded mean of theirs, and of the squares.
  __device__ __forceinline__ static Moments about(float pivot, float count_, float sum, float squares_) {
    const float left = sum * (1.0F / count_);
    const float excess = sum * left;
    return {count_, pivot, left, is_finite(excess) ? squares_ - excess : squares_};
  }
  __device__ __forceinline__ void merge(const Moments& other) {
    if (other.count == 0.0F) return;
    if (count == 0.0F) {
      *this = other;
      return;
    }
    const float total = count + other.count;
    const float fraction = other.count / total;
    const float apart = (other.center - center) + (other.offset - offset);
    squares += other.squares + apart * (apart * (count * fraction));
    offset += apart * fraction;
    count = total;
  }
};

// Where the statistics of columns go, as batch_norm.h says: the running ones are moved towards them.
struct StatisticsOutputs {
  float momentum;
  float* running_mean;
  float* running_var;
  float* mean;
  float* variance;
};

// `added`: to every value of the column.
__device__ __forceinline__ void store_statistics(const StatisticsOutputs& to, unsigned column, float rows, float added,
                                                 const Moments& all) {
  const float center = (all.center + added) + all.offset;
  to.mean[column] = center;
  to.variance[column] = all.squares / rows;
  to.running_mean[column] = (1.0F - to.momentum) * to.running_mean[column] + to.momentum * center;
  to.running_var[column] = (1.0F - to.momentum) * to.running_var[column] + to.momentum * (all.squares / (rows - 1.0F));
}

}  // namespace cardiograd::kernels
