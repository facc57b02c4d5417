#include "data/mapped_signals.h"

#include <utility>

namespace cardiograd::data {

void MappedSignals::add(MappedFile file, std::size_t first, const std::vector<std::size_t>& kept) {
  const auto number = static_cast<std::uint32_t>(files_.size());
  for (const std::size_t at : kept) places_.push_back({number, static_cast<std::uint32_t>(at)});
  files_.push_back(std::move(file));
  firsts_.push_back(first);
}

std::size_t MappedSignals::offset(const Place& place) const {
  return firsts_[place.file] + place.at * values_ * sizeof(std::int16_t);
}

const std::int16_t* MappedSignals::of(std::int64_t record) const {
  const Place& place = places_[static_cast<std::size_t>(record)];
  return reinterpret_cast<const std::int16_t*>(files_[place.file].data() + offset(place));
}

void MappedSignals::will_need(std::int64_t record) const {
  const Place& place = places_[static_cast<std::size_t>(record)];
  files_[place.file].will_need(offset(place), values_ * sizeof(std::int16_t));
}

void MappedSignals::let_go(std::int64_t record) const {
  const Place& place = places_[static_cast<std::size_t>(record)];
  files_[place.file].let_go(offset(place), values_ * sizeof(std::int16_t));
}

}  // namespace cardiograd::data
