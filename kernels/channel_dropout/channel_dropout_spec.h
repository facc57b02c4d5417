// The specs of channel_dropout.h for the op table.
#pragma once

#include <string>
#include <vector>

#include <fmt/format.h>

#include "kernels/channel_dropout/channel_dropout.h"
#include "kernels/channel_dropout/channel_dropout_ref.h"
#include "kernels/kernel_spec.h"

namespace cardiograd::kernels {

struct ChannelDropoutSpec {
  using Shape = ChannelDropoutShape;
  static constexpr const char* kGradientOf = "";
  static constexpr double kTolerance = 1e-7;

  static ChannelDropoutShape sample(ShapeSampler& draw) {
    ChannelDropoutShape s;
    s.batch = draw.size(1, 40);
    s.time = draw.size(1, 70);
    s.channels = draw.size(1, 97);
    s.key = {.probability = draw.coin() ? 0.2F : 0.6F,
             .seed = static_cast<std::uint64_t>(draw.size(0, 1000)) << 30,
             .layer = static_cast<std::uint32_t>(draw.size(0, 9)),
             .step = static_cast<std::uint32_t>(draw.size(0, 999))};
    return s;
  }
  // The mask of few channels is far from its probability; cost() counts what is kept on average.
  static ChannelDropoutShape flop_sample(ShapeSampler& draw) {
    return {.batch = draw.size(30, 40), .time = draw.size(1, 9), .channels = draw.size(90, 97), .key = {0.2F}};
  }
  // A layer of the model s4.
  static std::vector<ChannelDropoutShape> workload() {
    return {{.batch = 64, .time = 250, .channels = 512, .key = {.probability = 0.2F}}};
  }
  static std::string describe(const ChannelDropoutShape& s) {
    return fmt::format("N{} T{} C{} p{} seed {} layer {} step {}", s.batch, s.time, s.channels, s.key.probability,
                       s.key.seed, s.key.layer, s.key.step);
  }
};

struct ChannelDropoutForward : ChannelDropoutSpec {
  static constexpr const char* kName = "channel_dropout_forward";
  static constexpr double kFlopFactor = 1.3;  // A dropped channel costs the reference nothing.
  static constexpr std::vector<BufferSpec> buffers(const ChannelDropoutShape& s) {
    return {{"x", {s.batch, s.time, s.channels}}, {"y", {s.batch, s.time, s.channels}, Role::kOutput}};
  }
  static Cost cost(const ChannelDropoutShape& s) {
    return {static_cast<double>(s.batch * s.time * s.channels), least_bytes(buffers(s))};
  }
  static constexpr auto reference = [](auto... a) { channel_dropout_ref(a...); };
  static constexpr auto cpu = channel_dropout_cpu;
  static constexpr auto cuda = channel_dropout_cuda;
};

struct ChannelDropoutBackward : ChannelDropoutForward {
  static constexpr const char* kName = "channel_dropout_backward";
  static constexpr const char* kGradientOf = ChannelDropoutForward::kName;
  static constexpr std::vector<BufferSpec> buffers(const ChannelDropoutShape& s) {
    return {{"dy", {s.batch, s.time, s.channels}}, {"dx", {s.batch, s.time, s.channels}, Role::kOutput}};
  }
};

using ChannelDropoutSpecs = SpecList<ChannelDropoutForward, ChannelDropoutBackward>;

}  // namespace cardiograd::kernels
