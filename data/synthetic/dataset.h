// A synthetic dataset in PTB-XL's layout on disk.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string_view>

#include "data/synthetic/noise.h"
#include "data/synthetic/population.h"

namespace cardiograd::data::synthetic {

enum class Rates { k100, k500, kBoth };

// Throws UsageError unless `name` is "100", "500" or "both".
Rates rates_of(std::string_view name);

// What write_dataset() makes, and where.
struct DatasetOptions {
  std::filesystem::path folder{};
  PopulationOptions population{};
  Rates rates = Rates::k100;
  NoiseLevel noise = NoiseLevel::kTypical;
  std::optional<std::filesystem::path> truth{};  // CSV of every wave's boundaries
  bool force = false;                            // replace a synthetic dataset that is there
  // Called with the records written so far, one call at a time, from any thread.
  std::function<void(std::int64_t done, std::int64_t total)> progress{};
};

// Writes records100/ and records500/ (format 16, 1000 steps per mV), ptbxl_database.csv with PTB-XL's columns,
// scp_statements.csv, and synthetic.json with these options. Everything is made in a hidden folder beside `folder` and
// renamed when it is complete: there is all of it or nothing. Equal options give equal bytes on any number of threads.
//
// The truth has a row per beat and lead (and one, `all`, for all leads together): record, lead, beat (from 1), and
// onset, peak and offset of P, QRS and T in seconds from the first sample; empty where there is no such wave. A wave
// begins and ends at 2 % of its peak.
//
// Throws UsageError for what plan_population refuses; Error when the parent folder is missing or cannot be written,
// `folder` is there and `force` is not given, or holds anything that is no synthetic dataset.
void write_dataset(const DatasetOptions& options);

}  // namespace cardiograd::data::synthetic
