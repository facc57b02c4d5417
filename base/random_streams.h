// Every use of a seed, in one place. A random number is a function of a seed and a stream (PhiloxStream), so two uses
// of one seed must have two streams. The numbers below are part of what a seed means: another number is another model.
#pragma once

#include <cstdint>

namespace cardiograd::random_streams {

// The seed of a training run and its evaluation (--seed of train and evaluate).

inline constexpr std::uint64_t kInitialWeights = 1;

// The order of the training records in `epoch`, from 0.
constexpr std::uint64_t shuffle(std::int64_t epoch) {
  return 2 + static_cast<std::uint64_t>(epoch);
}

// Where the crop of a record begins in `epoch`, both from 0: epoch below 2^20, record below 2^24.
constexpr std::uint64_t crop(std::int64_t epoch, std::int64_t record) {
  return (std::uint64_t{0xC4095} << 44) | (static_cast<std::uint64_t>(epoch) << 24) |
         static_cast<std::uint64_t>(record);
}

// What training alters of a record in `epoch`, both from 0, within the same bounds.
constexpr std::uint64_t augmentation(std::int64_t epoch, std::int64_t record) {
  return (std::uint64_t{0xA0619} << 44) | (static_cast<std::uint64_t>(epoch) << 24) |
         static_cast<std::uint64_t>(record);
}

// The `draw`-th resampling of the records, from 0.
constexpr std::uint64_t bootstrap(std::int64_t draw) {
  return (std::uint64_t{0xB0075} << 32) + static_cast<std::uint64_t>(draw);
}

// The `number`-th shuffle of a feature over the records, from 0, counted over all features.
constexpr std::uint64_t permutation(std::uint64_t number) {
  return (std::uint64_t{0x9E273} << 32) + number;
}

// The Philox key of dropout. It is no stream: dropout counts elements, layers and steps where a PhiloxStream has its
// index and stream, so it takes a key that no run with another use of the seed is likely to have.
constexpr std::uint64_t dropout_key(std::uint64_t seed) {
  return seed ^ 0x9E3779B97F4A7C15U;
}

// The seed of a synthetic data set (--seed of synthesize).

enum class Synthetic : std::uint64_t {
  kBody = 1,  // of a patient
  kHeart,     // of a patient
  kSeverity,  // of a patient's statement
  kRhythm,    // of a record
  kNoise,     // of a record
  kPatient = 16,
  kOrder,  // 0: of the records, 1: of the patients who change class
};

// `number`: of the record or patient, below 2^40. `part`: of several uses for one number, below 2^16.
constexpr std::uint64_t synthetic(Synthetic use, std::uint64_t number, std::uint64_t part = 0) {
  return (static_cast<std::uint64_t>(use) << 56) | (part << 40) | number;
}

}  // namespace cardiograd::random_streams
