#include "model/timed_step.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <functional>
#include <memory>
#include <numeric>

#include "base/philox.h"
#include "base/threads.h"
#include "engine/autograd.h"
#include "engine/cuda.h"
#include "engine/observer.h"
#include "engine/ops/ops.h"
#include "engine/optim/adam.h"
#include "kernels/linear/linear.h"

namespace cardiograd::model {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kWarmUp = 2;
constexpr double kLearningRate = 3e-4;  // any: no time depends on it

double seconds_between(Clock::time_point start, Clock::time_point end) {
  return std::chrono::duration<double>(end - start).count();
}

// Random records with labels, and a model that trains on them.
class Work {
 public:
  Work(const HcCnnTnConfig& config, std::int64_t batch, Device device)
      : config_(config), batch_(batch), net_(config, 0) {
    net_.to(device);
    net_.set_training(true);
    optimizer_ = std::make_unique<optim::Adam>(net_.parameters());
    PhiloxStream random(1);
    std::vector<std::int16_t> steps(static_cast<std::size_t>(batch * config.samples * config.leads));
    for (std::int16_t& step : steps) step = static_cast<std::int16_t>(300 * random.normal());
    signals_ = Tensor::from(steps, {batch, config.samples, config.leads}).to(device);
    index_ = Tensor::empty({batch}, DType::kInt32);
    std::iota(index_.data<std::int32_t>(), index_.data<std::int32_t>() + batch, 0);
    scales_ = Tensor::full({batch, config.leads}, 0.005F, device);
    mean_ = Tensor::full({config.leads}, 0, device);
    inverse_sd_ = Tensor::full({config.leads}, 1, device);
    features_ = normal({batch, config.features}, random).to(device);
    labels_ = Tensor::zeros({batch, config.classes}, DType::kFloat32, device);
    pos_weight_ = Tensor::full({config.classes}, 1, device);
  }

  void step() {
    net_.set_dropout_step(1, step_++);
    Tensor signals;
    {
      const LayerScope layer("batch");
      signals = ops::gather_batch(signals_, scales_, index_, mean_, inverse_sd_);
    }
    const Tensor logits = net_.forward(signals, config_.features > 0 ? features_ : Tensor());
    Tensor loss;
    {
      const LayerScope layer("loss");
      loss = ops::weighted_bce(logits, labels_, pos_weight_);
    }
    backward(loss);
    optimizer_->step(kLearningRate, loss);
    net_.clear_gradients();
  }

 private:
  static Tensor normal(const Shape& shape, PhiloxStream& random) {
    Tensor tensor = Tensor::empty(shape);
    for (std::int64_t i = 0; i < tensor.count(); ++i) tensor.data()[i] = static_cast<float>(random.normal());
    return tensor;
  }

  HcCnnTnConfig config_;
  std::int64_t batch_;
  HcCnnTn net_;
  std::unique_ptr<optim::Adam> optimizer_;
  Tensor signals_, scales_, index_, mean_, inverse_sd_, features_, labels_, pos_weight_;
  std::uint32_t step_ = 0;
};

// Places in time: of the host, or of the GPU's stream.
class Marks {
 public:
  explicit Marks(Device device) : device_(device) {}
  void add() {
    if (device_ == Device::kCpu)
      host_.push_back(Clock::now());
    else
      gpu_.emplace_back().record();
  }
  double between(std::size_t from, std::size_t to) const {
    return device_ == Device::kCpu ? seconds_between(host_[from], host_[to]) : gpu_[to].seconds_since(gpu_[from]);
  }
  std::size_t last() const { return (device_ == Device::kCpu ? host_.size() : gpu_.size()) - 1; }

 private:
  Device device_;
  std::vector<Clock::time_point> host_;
  std::vector<cuda::TimedEvent> gpu_;
};

KernelCall call_of(const ObservedKernel& kernel) {
  const kernels::Op* op = kernels::find_op(kernel.name);
  kernels::OpCase work = op->bind(kernel.shape.address());
  const int launches = work.launches - kernel.left_out;
  return {std::string(kernel.layer), op->name, std::move(work), launches};
}

// A step with two marks for each kernel. On the GPU another step goes before, unmarked and not waited for.
TimedStep marked_step(Work& work, Device device) {
  if (device == Device::kCuda) work.step();
  TimedStep step;
  Marks marks(device);
  marks.add();
  {
    const KernelObserver observer(
        [&](const ObservedKernel& kernel) {
          step.kernels.push_back({.call = call_of(kernel)});
          marks.add();
        },
        Execution::kRun, [&] { marks.add(); });
    work.step();
  }
  marks.add();
  if (device == Device::kCuda) cuda::synchronize();
  for (std::size_t i = 0; i < step.kernels.size(); ++i) {
    step.kernels[i].start_s = marks.between(0, 1 + 2 * i);
    step.kernels[i].seconds = marks.between(1 + 2 * i, 2 + 2 * i);
  }
  step.timed_s = marks.between(0, marks.last());
  return step;
}

double step_seconds(Work& work, Device device) {
  const Clock::time_point start = Clock::now();
  work.step();
  if (device == Device::kCuda) cuda::synchronize();
  return seconds_between(start, Clock::now());
}

template <class Function>
double fastest(int repeats, const Function& function) {
  double best = 1e30;
  for (int i = 0; i < repeats; ++i) {
    const Clock::time_point start = Clock::now();
    function();
    best = std::min(best, seconds_between(start, Clock::now()));
  }
  return best;
}

}  // namespace

double TimedStep::kernels_s() const {
  double sum = 0;
  for (const TimedKernel& kernel : kernels) sum += kernel.seconds;
  return sum;
}

TimedStep time_training_step(const HcCnnTnConfig& config, std::int64_t batch, Device device, int steps) {
  Work work(config, batch, device);
  for (int i = 0; i < kWarmUp; ++i) work.step();
  if (device == Device::kCuda) cuda::synchronize();
  std::vector<double> whole;
  std::vector<TimedStep> marked;
  for (int i = 0; i < steps; ++i) {
    whole.push_back(step_seconds(work, device));
    marked.push_back(marked_step(work, device));
  }
  std::sort(whole.begin(), whole.end());
  std::sort(marked.begin(), marked.end(), [](const TimedStep& a, const TimedStep& b) { return a.timed_s < b.timed_s; });
  TimedStep result = marked[marked.size() / 2];
  result.step_s = whole[whole.size() / 2];
  result.steps = steps;
  return result;
}

MeasuredRoof measure_cpu_roof() {
  constexpr std::int64_t kSide = 1024;
  constexpr int kRepeats = 6;
  const Tensor x = Tensor::full({kSide, kSide}, 0.5F);
  const Tensor w = Tensor::full({kSide, kSide}, 0.25F);
  const Tensor bias = Tensor::full({kSide}, 0);
  Tensor y = Tensor::empty({kSide, kSide});
  const kernels::LinearShape s = {.rows = kSide, .inputs = kSide, .outputs = kSide};
  const double product =
      fastest(kRepeats, [&] { kernels::linear_forward_cpu(s, x.data(), w.data(), bias.data(), y.data()); });
  constexpr std::size_t kPiece = std::size_t{1} << 20;
  constexpr std::size_t kPieces = 256;
  const std::vector<std::byte> from(kPieces * kPiece, std::byte{1});
  std::vector<std::byte> to(kPieces * kPiece);
  const double copy = fastest(kRepeats, [&] {
    parallel_for(kPieces, [&](std::int64_t i) {
      const std::size_t at = static_cast<std::size_t>(i) * kPiece;
      std::memcpy(to.data() + at, from.data() + at, kPiece);
    });
  });
  return {2.0 * kSide * kSide * kSide / product, 2.0 * kPieces * kPiece / copy};
}

}  // namespace cardiograd::model
