#include "engine/optim/weight_average.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "engine/cuda.h"
#include "engine/dispatch.h"
#include "engine/transfer.h"
#include "kernels/common/device_code.h"
#include "kernels/weight_average/weight_average.h"

namespace cardiograd::optim {
namespace {

Tensor copy_of(const Tensor& tensor) {
  Tensor copy = Tensor::empty(tensor.shape(), tensor.dtype(), tensor.device());
  copy.assign(tensor);
  return copy;
}

}  // namespace

WeightAverage::WeightAverage(std::vector<nn::NamedTensor> tensors, double decay)
    : tensors_(std::move(tensors)), decay_(decay) {
  averages_.reserve(tensors_.size());
  std::int64_t most = 0;
  for (const nn::NamedTensor& named : tensors_) {
    averages_.push_back(copy_of(*named.tensor));
    most = std::max(most, named.tensor->count());
  }
  if (!tensors_.empty()) spare_ = tensors_.front().tensor->new_empty({most});
  if (!tensors_.empty() && tensors_.front().tensor->device() == Device::kCuda) collect();
}

// The table of a launch: weights and averages never move.
void WeightAverage::collect() {
  std::vector<kernels::AverageSlice> slices;
  for (std::size_t i = 0; i < tensors_.size(); ++i) {
    const Tensor& value = *tensors_[i].tensor;
    slices.push_back({value.address(), averages_[i].address(), value.count(), blocks_});
    blocks_ += kernels::average_blocks(value.count());
  }
  const std::size_t bytes = slices.size() * sizeof(kernels::AverageSlice);
  table_ = Tensor::empty({static_cast<std::int64_t>(bytes)}, DType::kUint8, Device::kCuda);
  upload(reinterpret_cast<std::byte*>(table_.address<std::uint8_t>()), slices.data(), bytes);
}

void WeightAverage::restart() {
  for (std::size_t i = 0; i < tensors_.size(); ++i) averages_[i].assign(*tensors_[i].tensor);
}

void WeightAverage::update(std::int64_t step) {
  kernels::WeightAverageShape shape = {.count = 0, .decay = decay_, .step = step};
  for (std::size_t i = 0; i < tensors_.size(); ++i) {
    const Tensor& value = *tensors_[i].tensor;
    shape.count = value.count();
    using namespace ops;  // of the macro
    CARDIOGRAD_RUN(weight_average_forward, shape, value, averages_[i]);
  }
}

void WeightAverage::update_at(const std::uint32_t* steps_done) {
  if constexpr (kernels::kHasDeviceCode)
    kernels::weight_average_step_cuda(decay_, static_cast<std::int64_t>(tensors_.size()), blocks_,
                                      reinterpret_cast<const kernels::AverageSlice*>(table_.address<std::uint8_t>()),
                                      steps_done, cuda::stream());
}

void WeightAverage::swap() {
  for (std::size_t i = 0; i < tensors_.size(); ++i) {
    Tensor value = spare_.part(0, averages_[i].shape());
    value.assign(*tensors_[i].tensor);
    tensors_[i].tensor->assign(averages_[i]);
    averages_[i].assign(value);
  }
}

std::vector<nn::NamedTensor> WeightAverage::state() {
  std::vector<nn::NamedTensor> state;
  for (std::size_t i = 0; i < tensors_.size(); ++i)
    state.push_back({tensors_[i].name, &averages_[i], tensors_[i].layout, false});
  return state;
}

AveragedWeights::~AveragedWeights() {
  if (average_ == nullptr) return;
  try {
    average_->swap();
  } catch (const Error&) {  // Of the GPU, which the next call reports again.
  }
}

}  // namespace cardiograd::optim
