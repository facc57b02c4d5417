// The differentiable operations: each checks shapes, runs the kernel of the tensors' device and records its backward
// pass. The headers in kernels/<operation>/ define the mathematics of each. All tensors are float32 unless said
// otherwise. Wrong shapes or types, and tensors on different devices, throw Error naming the operation.
//
// Letters: N records, T samples in time, C channels, F features; channels last everywhere.
#pragma once

#include <cstdint>
#include <string>

#include "engine/tensor.h"
#include "kernels/dropout/dropout.h"

namespace cardiograd::ops {

struct Conv1dOptions {
  std::int64_t stride = 1;
  std::int64_t padding = 0;
  std::int64_t dilation = 1;
  std::int64_t groups = 1;
};

// x (N, T, Cin), w (K, Cin / groups, Cout), b (Cout) -> (N, Tout, Cout)
Tensor conv1d(const Tensor& x, const Tensor& w, const Tensor& b, const Conv1dOptions& options);

// conv1d() whose result is normalized by the statistics of the batch: these come with it, and the running ones are
// moved towards them (running_mean, running_var (Cout); batch_norm.h). `b` has no gradient, since whatever it adds the
// normalization takes away. Throws Error for fewer than two values per channel.
struct ConvolvedBatch {
  Tensor y;         // (N, Tout, Cout)
  Tensor mean;      // (Cout)
  Tensor variance;  // (Cout), biased
};
ConvolvedBatch conv1d_statistics(const Tensor& x, const Tensor& w, const Tensor& b, const Conv1dOptions& options,
                                 Tensor& running_mean, Tensor& running_var, double momentum = 0.1);

// Each channel by itself: x (N, T, C), w (K, C) -> like x, y[t] = sum over k of x[t + k - before] * w[k], with zeros
// beyond the record's ends. `before`: 0 to K - 1.
Tensor long_conv1d(const Tensor& x, const Tensor& w, std::int64_t before);

// The taps of a long_conv1d() with `before` L - 1, whose kernels of both directions are sums of the functions `basis`
// (L, M, C): coefficients (2, M, C), first those of the past, skip (C), added to the tap of the sample itself ->
// (2 * L - 1, C) (kernels/basis_taps/basis_taps.h). The basis has no gradient.
Tensor basis_taps(const Tensor& basis, const Tensor& coefficients, const Tensor& skip);

struct BatchNormOptions {
  double epsilon = 1e-5;
  double momentum = 0.1;
  bool relu = false;      // a ReLU after the normalization, in the same pass over memory
  bool training = false;  // batch statistics, and the running ones updated; else the running ones
};

// x (N, C) or (N, T, C), gamma, beta, running_mean, running_var (C) -> like x. Training needs two values per
// channel.
Tensor batch_norm(const Tensor& x, const Tensor& gamma, const Tensor& beta, Tensor& running_mean, Tensor& running_var,
                  const BatchNormOptions& options);

// x (N, T, C) -> (N, (T + 2 * padding - kernel) / stride + 1, C)
Tensor max_pool1d(const Tensor& x, std::int64_t kernel, std::int64_t stride, std::int64_t padding = 0);

struct AvgPoolOptions {
  std::int64_t kernel = 1;
  std::int64_t stride = 1;
  std::int64_t padding = 0;  // does not count in the mean
  bool ceil_mode = false;    // a last window that the samples do not fill counts too
};

// x (N, T, C) -> (N, (T + 2 * padding - kernel) / stride + 1, C), rounded down or up
Tensor avg_pool1d(const Tensor& x, const AvgPoolOptions& options);

// batch_norm() in training and max_pool1d() of pairs in one operation: x (N, T, C) -> (N, T / 2, C). options.training
// is not used.
Tensor batch_norm_pool(const Tensor& x, const Tensor& gamma, const Tensor& beta, Tensor& running_mean,
                       Tensor& running_var, const BatchNormOptions& options);

// The same with the statistics of x given, as conv1d_statistics() has them, and plus the constant `added` (T / 2, C)
// for every record where it is defined. options.momentum is not used.
Tensor batch_norm_pool(const ConvolvedBatch& x, const Tensor& gamma, const Tensor& beta, const Tensor& added,
                       const BatchNormOptions& options);

// batch_norm() in training with the statistics of x given. options.momentum and options.training are not used.
Tensor batch_norm(const ConvolvedBatch& x, const Tensor& gamma, const Tensor& beta, const BatchNormOptions& options);

// Any shape: max(x, 0).
Tensor relu(const Tensor& x);
// Any shape: x where it is positive, slope * x elsewhere.
Tensor leaky_relu(const Tensor& x, float slope = 0.01F);
// Any shape.
Tensor tanh(const Tensor& x);
// Any shape: x * Phi(x), Phi being the standard normal distribution function (the exact form).
Tensor gelu(const Tensor& x);

// x (..., inputs), w (inputs, outputs), b (outputs) -> (..., outputs); `relu`: with a ReLU behind it, the same values
// as relu(linear(...)) in one pass less over memory.
Tensor linear(const Tensor& x, const Tensor& w, const Tensor& b, bool relu = false);

// A linear layer's tensors, as linear() takes them, and the layer under whose path an observer is notified of its
// kernels (observer.h); empty: the present one.
struct LinearLayer {
  Tensor weight;
  Tensor bias;
  std::string path;
};

// linear(dropout(relu(linear(x, first))), second) in one operation: what is between the products is computed where they
// are stored, in both directions. Throws Error for a probability outside 0 ... 1 (1 excluded).
Tensor feed_forward(const Tensor& x, const LinearLayer& first, const kernels::DropoutKey& dropout,
                    const LinearLayer& second);

// x (..., C), gamma, beta (C) -> like x, normalized over the last dimension.
Tensor layer_norm(const Tensor& x, const Tensor& gamma, const Tensor& beta, double epsilon = 1e-5);

// layer_norm(residual + dropout(x + bias)) in one operation: x and residual of one shape (..., C), bias, gamma, beta
// (C). Throws Error for a probability outside 0 ... 1 (1 excluded).
Tensor residual_layer_norm(const Tensor& x, const Tensor& bias, const Tensor& residual, const Tensor& gamma,
                           const Tensor& beta, const kernels::DropoutKey& dropout, double epsilon = 1e-5);

// concat(mean_over_time(residual_layer_norm(...)), beside) in one operation: x and residual (N, T, C), bias, gamma,
// beta (C), beside (N, B) or undefined: nothing beside -> (N, C + B). The normalized rows are not kept. Throws Error
// for a probability outside 0 ... 1 (1 excluded).
Tensor residual_layer_norm_mean(const Tensor& x, const Tensor& bias, const Tensor& residual, const Tensor& gamma,
                                const Tensor& beta, const Tensor& beside, const kernels::DropoutKey& dropout,
                                double epsilon = 1e-5);

// qkv (N, T, 3 * C): queries, keys, values, each `heads` heads side by side -> (N, T, C)
Tensor attention(const Tensor& qkv, std::int64_t heads, const kernels::DropoutKey& dropout);

// Zeros with the key's probability, the rest scaled so that the mean stays. Probability 0 returns x itself; throws
// Error outside 0 ... 1 (1 excluded).
Tensor dropout(const Tensor& x, const kernels::DropoutKey& key);
// The same with one factor for all samples of a channel of a record: x (N, T, C) -> like x.
Tensor channel_dropout(const Tensor& x, const kernels::DropoutKey& key);

// a + b, like a; b may have fewer leading dimensions than a and is then repeated.
Tensor add(const Tensor& a, const Tensor& b);

// x (N, T, C), logits (N, C) -> like x: each channel of a record times the sigmoid of its logit.
Tensor gate(const Tensor& x, const Tensor& logits);

// scores (N, T), x (N, T, C) -> (N, C): the mean over time weighted by the softmax of the scores.
Tensor softmax_pool(const Tensor& scores, const Tensor& x);

// (N, T, C) -> (N, C, T)
Tensor transpose(const Tensor& x);

// Along the last dimension: (..., A), (..., B) -> (..., A + B)
Tensor concat(const Tensor& a, const Tensor& b);

// (N, T, C) -> (N, C)
Tensor mean_over_time(const Tensor& x);
// (N, T, C) -> (N, C); the gradient goes to the first of equal maxima.
Tensor max_over_time(const Tensor& x);
// x[:, sample, :], (N, T, C) -> (N, C); -1 is the last sample.
Tensor select_time(const Tensor& x, std::int64_t sample);

// The weights of an LSTM with H hidden units, PyTorch's weight_ih, weight_hh, bias_ih and bias_hh with the weights
// turned: gates i, f, g, o side by side.
struct LstmWeights {
  Tensor ih;       // (inputs, 4 * H)
  Tensor hh;       // (H, 4 * H)
  Tensor bias_ih;  // (4 * H)
  Tensor bias_hh;  // (4 * H)
};

// One layer of an LSTM in one direction from a zero state: x (N, T, inputs) -> h (N, T, H); with `reverse` from the
// last sample to the first. Of the products that of x, for all samples at once, follows the precision of matrix
// products; those from sample to sample are fp32 (kernels/lstm/lstm.h).
Tensor lstm(const Tensor& x, const LstmWeights& weights, bool reverse = false);

// Mean over all N * C of the weighted binary cross-entropy (paper, eq. 2). logits, targets (N, C) with targets 0 or 1,
// pos_weight (C) -> one value.
Tensor weighted_bce(const Tensor& logits, const Tensor& targets, const Tensor& pos_weight);

// The same with all weights 1: what a classifier without class weights minimizes.
Tensor bce_with_logits(const Tensor& logits, const Tensor& targets);

// Records `index` (N, int32) of a resident data set as standardized float32 (N, T, C). signals (records, T, C) int16,
// scales (records, C), mean and inverse_sd (C). Not differentiable. An `index` on the CPU is checked: throws Error for
// an index outside the set. One on the GPU is not.
Tensor gather_batch(const Tensor& signals, const Tensor& scales, const Tensor& index, const Tensor& mean,
                    const Tensor& inverse_sd);

// What a batch has of one row per record.
struct BatchRows {
  Tensor rows;      // (N) int32
  Tensor features;  // (N, F)
  Tensor labels;    // (N, C)
};
// The records `first` ... first + count - 1 of `order` (records, int32, each below records); `first` (1, int32) is read
// when the kernel runs and is not checked. features (records, F), F may be 0; labels (records, C). Not differentiable.
BatchRows batch_rows(const Tensor& order, const Tensor& first, const Tensor& features, const Tensor& labels,
                     std::int64_t count);

// How an epoch alters its records: a row for each place of its order, on the device of the signals.
struct AlteredPlaces {
  Tensor records, starts;             // (P) int32: which record, and the sample that its part begins at
  Tensor others, other_starts;        // (P) int32: the record that is mixed in, ...
  Tensor fractions;                   // (P) ... and how much of the mixture it is; 0: nothing of it
  Tensor silent_first, silent_count;  // (P) int32: samples of the part that are silent in all channels
  Tensor gains;                       // (P, C) factors of the channels; 0: silent
};
// `count` places from `first` (1, int32) on as standardized float32 (count, samples, C), as
// kernels/altered_signals/altered_signals.h has it; signals (R, T, C) int16, scales (R, C), mean and inverse_sd (C).
// Not differentiable. Records and starts are not checked.
Tensor altered_signals(const Tensor& signals, const Tensor& scales, const Tensor& mean, const Tensor& inverse_sd,
                       const AlteredPlaces& places, const Tensor& first, std::int64_t count, std::int64_t samples);
// The features and labels of these places, labels drawn towards a half by `smoothing`; features (R, F), F may be 0,
// labels (R, K). `rows` of the result stays undefined. Not differentiable.
BatchRows altered_rows(const Tensor& features, const Tensor& labels, const AlteredPlaces& places, const Tensor& first,
                       std::int64_t count, double smoothing);

// The same values with another shape of equal count.
Tensor reshape(const Tensor& x, const Shape& shape);

}  // namespace cardiograd::ops
