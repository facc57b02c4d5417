// Times a whole training step and inference of HC-CNN-TN on random data: what bench/peers/torch_twin.py --time measures
// of PyTorch. On a GPU also as graphs, as training runs them. Prints the median and the fastest of each; --json writes
// them, and --timeline when each kernel ran.
#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/common/app.h"
#include "apps/common/version.h"
#include "base/file.h"
#include "base/precision_words.h"
#include "base/threads.h"
#include "engine/autograd.h"
#include "engine/captured_work.h"
#include "engine/cuda.h"
#include "engine/memory.h"
#include "engine/observer.h"
#include "engine/optim/adam.h"
#include "engine/precision.h"
#include "kernels/gemm/gemm_cpu.h"
#include "model/hc_cnn_tn.h"

namespace cardiograd {
namespace {

using Clock = std::chrono::steady_clock;

struct Options {
  std::string device = "cpu";
  int threads = 0;
  int steps = 10;
  std::int64_t batch = 64;
  std::string precision = "fp32";
  std::string json;
  bool timeline = false;
};

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

Tensor random_tensor(const Shape& shape, PhiloxStream& random, bool binary = false) {
  Tensor tensor = Tensor::empty(shape);
  for (std::int64_t i = 0; i < tensor.count(); ++i)
    tensor.data()[i] = binary ? static_cast<float>(random.uniform() < 0.25) : static_cast<float>(random.normal());
  return tensor;
}

// Sixteen bytes as four words, which a tensor can hold.
Tensor words_of(const kernels::StepRates& rates) {
  const auto words = std::bit_cast<std::array<std::int32_t, sizeof rates / sizeof(std::int32_t)>>(rates);
  return Tensor::from<std::int32_t>({words.begin(), words.end()}, {words.size()});
}

// One batch of random records with their labels.
struct Batch {
  Tensor signals;
  Tensor features;
  Tensor labels;
};

Batch random_batch(std::int64_t records, const model::HcCnnTnConfig& config, Device device) {
  PhiloxStream random(1);
  return {random_tensor({records, config.samples, config.leads}, random).to(device),
          random_tensor({records, config.features}, random).to(device),
          random_tensor({records, config.classes}, random, true).to(device)};
}

class Bench {
 public:
  explicit Bench(const Options& options)
      : options_(options),
        device_(parse_device(options.device)),
        net_(config_, 0),
        weight_(
            Tensor::from<float>(std::vector<float>(static_cast<std::size_t>(config_.classes), 1.5F), {config_.classes})
                .to(device_)) {
    net_.to(device_);
  }

  void run() {
    const Batch batch = random_batch(options_.batch, config_, device_);
    optim::Adam adam(net_.parameters());
    fmt::print("cardiograd {} threads {} {} params {}\n", describe_device(device_), thread_count(),
               kernels::gemm_instruction_set(), net_.parameter_count());
    net_.set_training(true);
    const auto train = [&] { train_step(batch, adam); };
    report("train step", options_.batch, train);
    if (options_.timeline) record_timeline(train);
    if (device_ == Device::kCuda) report_graph("train step", options_.batch, [&] { train_as_recorded(batch, adam); });
    const MemoryStatistics memory = allocator(device_).statistics();
    fmt::print("memory: {:.0f} MB at most in tensors, {:.0f} MB reserved, {} blocks taken\n",
               static_cast<double>(memory.peak_in_use) / 1e6, static_cast<double>(memory.reserved) / 1e6,
               memory.system_allocations);
    result_["memory"] = {{"peak_bytes", memory.peak_in_use}, {"reserved_bytes", memory.reserved}};
    net_.set_training(false);
    const NoGrad no_grad;
    const Batch one = random_batch(1, config_, device_);
    report("inference", 1, [&] { net_.forward(one.signals, one.features); });
    report("inference", options_.batch, [&] { net_.forward(batch.signals, batch.features); });
    if (device_ == Device::kCuda) {
      report_graph("inference", 1, [&] { net_.forward(one.signals, one.features); });
      report_graph("inference", options_.batch, [&] { net_.forward(batch.signals, batch.features); });
    }
    if (!options_.json.empty()) write_json();
  }

 private:
  void train_step(const Batch& batch, optim::Adam& adam) {
    net_.set_dropout_step(0, step_++);
    backward(ops::weighted_bce(net_.forward(batch.signals, batch.features), batch.labels, weight_));
    adam.step(3e-4);
    net_.clear_gradients();
  }

  // Nothing that changes from step to step comes from the host. The dropout mask is always the same, which costs the
  // same.
  void train_as_recorded(const Batch& batch, optim::Adam& adam) {
    net_.set_dropout_step_at(0, reinterpret_cast<const std::uint32_t*>(dropout_step_.address<std::int32_t>()));
    const Tensor loss = ops::weighted_bce(net_.forward(batch.signals, batch.features), batch.labels, weight_);
    backward(loss);
    adam.step_at(reinterpret_cast<const kernels::StepRates*>(rates_.address<std::int32_t>()), loss, {});
    net_.clear_gradients();
  }

  void wait() const {
    if (device_ == Device::kCuda) cuda::synchronize();
  }

  template <class Work>
  void report(const char* name, std::int64_t batch, Work&& work) {
    for (int i = 0; i < std::max(2, options_.steps / 5); ++i) work();
    wait();
    std::vector<double> times;
    for (int i = 0; i < options_.steps; ++i) {
      const Clock::time_point start = Clock::now();
      work();
      wait();
      times.push_back(seconds_since(start));
    }
    std::sort(times.begin(), times.end());
    const double median = times[times.size() / 2];
    fmt::print("{} batch {}: {:.3f} ms, fastest {:.3f} ms\n", name, batch, 1e3 * median, 1e3 * times.front());
    result_["figures"].push_back({{"name", name},
                                  {"batch", batch},
                                  {"seconds", median},
                                  {"fastest", times.front()},
                                  {"repeats", options_.steps}});
  }

  // The same replayed as a graph (captured_work.h).
  template <class Work>
  void report_graph(const char* name, std::int64_t batch, Work&& work) {
    CapturedWork captured(work, blocks_);
    report(fmt::format("{} as a graph", name).c_str(), batch, [&] { captured.run(); });
  }

  // One step with a wait before each kernel, so that a kernel's time is its own. On a GPU the gaps for launching are in
  // it, too.
  template <class Work>
  void record_timeline(Work&& work) {
    nlohmann::json timeline = nlohmann::json::array();
    const Clock::time_point start = Clock::now();
    const auto finish_last = [&] {
      wait();
      const double now = seconds_since(start);
      if (!timeline.empty()) timeline.back()["seconds"] = now - timeline.back()["start"].get<double>();
      return now;
    };
    {
      const KernelObserver observer([&](const ObservedKernel& kernel) {
        timeline.push_back({{"kernel", kernel.name}, {"layer", kernel.layer}, {"start", finish_last()}});
      });
      work();
    }
    finish_last();
    result_["timeline"] = timeline;
  }

  void write_json() {
    result_["device"] = describe_device(device_);
    result_["threads"] = thread_count();
    result_["instruction_set"] = kernels::gemm_instruction_set();
    result_["precision"] = options_.precision;
    result_["commit"] = apps::commit();
    write_file(options_.json, result_.dump(2) + "\n");
  }

  Options options_;
  Device device_;
  model::HcCnnTnConfig config_;
  model::HcCnnTn net_;
  Tensor weight_;
  std::uint32_t step_ = 0;
  WorkBlocks blocks_;
  // What a recorded step reads, on the device: the number of the step (uint32) and its rates (kernels::StepRates).
  Tensor dropout_step_ = Tensor::zeros({1}, DType::kInt32, device_);
  Tensor rates_ = words_of(kernels::StepRates{.lr = 3e-4}).to(device_);
  nlohmann::json result_ = {{"figures", nlohmann::json::array()}};
};

}  // namespace
}  // namespace cardiograd

int main(int argc, char** argv) {
  CLI::App app("Times a training step and inference of HC-CNN-TN on random data.", "step_bench");
  cardiograd::Options options;
  app.add_option("--device", options.device, "cpu (default) or cuda");
  app.add_option("--threads", options.threads, "0 (default): one for each core")->check(CLI::Range(0, 1024));
  app.add_option("--steps", options.steps, "timed repeats, 10 by default")->check(CLI::Range(1, 1000000));
  app.add_option("--batch-size", options.batch, "64 by default")->check(CLI::Range(2, 1000000));
  app.add_option("--precision", options.precision, "of the factors of matrix products: fp32 (default), tf32 or bf16");
  app.add_option("--json", options.json, "also write the figures to this file");
  app.add_flag("--timeline", options.timeline, "also record when each kernel of one step ran (for --json)");
  return cardiograd::apps::run(app, argc, argv, [&] {
    cardiograd::set_thread_count(options.threads);
    cardiograd::set_matmul_precision(cardiograd::parse_word<cardiograd::Precision>("--precision", options.precision));
    cardiograd::Bench(options).run();
  });
}
