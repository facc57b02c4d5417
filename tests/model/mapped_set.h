// A data set whose signals are in a file, as those of sets larger than memory.
#pragma once

#include <filesystem>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

#include "base/file.h"
#include "data/dataset.h"

namespace cardiograd::model::testing {

// The same set with its signals in two files in `folder`: the records before `second` and the others.
inline data::Dataset mapped_set(data::Dataset set, const std::filesystem::path& folder, std::int64_t second) {
  const std::int64_t values = set.samples * set.leads;
  auto signals = std::make_shared<data::MappedSignals>(values);
  for (const auto& [first, end] : {std::pair{std::int64_t{0}, second}, std::pair{second, set.records}}) {
    const std::filesystem::path path = folder / std::to_string(first);
    write_file(path, std::string("xx") + std::string(reinterpret_cast<const char*>(set.signals.data() + first * values),
                                                     static_cast<std::size_t>(2 * values * (end - first))));
    std::vector<std::size_t> kept(static_cast<std::size_t>(end - first));
    std::iota(kept.begin(), kept.end(), std::size_t{0});
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    signals->add(MappedFile(descriptor, path), 2, kept);
    ::close(descriptor);
  }
  set.signals = {};
  set.mapped = std::move(signals);
  return set;
}

}  // namespace cardiograd::model::testing
