#include "engine/process_group.h"

#include <algorithm>

namespace cardiograd {
namespace {

class SingleProcess : public ProcessGroup {
 public:
  int rank() const override { return 0; }
  int size() const override { return 1; }
  void exchange(const char* /*what*/, const std::vector<std::span<const std::byte>>& sent,
                const std::vector<std::span<std::byte>>& received) override {
    std::copy(sent[0].begin(), sent[0].end(), received[0].begin());
  }
};

template <class Value>
std::span<std::byte> bytes_of(Value* values, std::int64_t count) {
  return std::as_writable_bytes(std::span(values, static_cast<std::size_t>(count)));
}

}  // namespace

RankPart part_of_rank(std::int64_t count, int rank, int size) {
  return {count * rank / size, count * (rank + 1) / size};
}

std::vector<double> ProcessGroup::gather(const char* what, const std::vector<double>& own) {
  const auto ranks = static_cast<std::size_t>(size());
  // One value more: an exchange of nothing would wait for nobody.
  std::vector<double> mine = own;
  mine.push_back(0);
  std::vector<double> all(ranks * mine.size());
  const std::vector<std::span<const std::byte>> sent(ranks, std::as_bytes(std::span(mine)));
  std::vector<std::span<std::byte>> received;
  for (std::size_t r = 0; r < ranks; ++r)
    received.push_back(bytes_of(all.data() + r * mine.size(), static_cast<std::int64_t>(mine.size())));
  exchange(what, sent, received);
  std::vector<double> values;
  for (std::size_t r = 0; r < ranks; ++r) {
    const auto begin = all.begin() + static_cast<std::ptrdiff_t>(r * mine.size());
    values.insert(values.end(), begin, begin + static_cast<std::ptrdiff_t>(own.size()));
  }
  return values;
}

std::vector<std::string> ProcessGroup::gather_texts(const char* what, const std::string& own) {
  const std::vector<double> lengths = gather(what, {static_cast<double>(own.size())});
  std::vector<std::string> texts;
  texts.reserve(lengths.size());
  for (const double length : lengths) texts.emplace_back(static_cast<std::size_t>(length), '\0');
  const std::vector<std::span<const std::byte>> sent(texts.size(), std::as_bytes(std::span(own)));
  std::vector<std::span<std::byte>> received;
  received.reserve(texts.size());
  for (std::string& text : texts) received.push_back(bytes_of(text.data(), static_cast<std::int64_t>(text.size())));
  exchange(what, sent, received);
  return texts;
}

std::string ProcessGroup::text_of_first(const char* what, const std::string& own) {
  return gather_texts(what, is_first() ? own : "").front();
}

void ProcessGroup::take_from_first(const char* what, float* values, std::int64_t count) {
  if (!has_others()) return;
  const auto ranks = static_cast<std::size_t>(size());
  std::vector<std::span<const std::byte>> sent(ranks);
  std::vector<std::span<std::byte>> received(ranks);
  if (is_first())
    std::fill(sent.begin() + 1, sent.end(), std::as_bytes(std::span(values, static_cast<std::size_t>(count))));
  else
    received[0] = bytes_of(values, count);
  exchange(what, sent, received);
}

void ProcessGroup::sum(const char* what, float* values, std::int64_t count) {
  if (!has_others()) return;
  const auto ranks = static_cast<std::size_t>(size());
  const RankPart own = part_of_rank(count, rank(), size());
  std::vector<float> parts(ranks * static_cast<std::size_t>(own.count()));
  std::vector<std::span<const std::byte>> sent;
  std::vector<std::span<std::byte>> received;
  for (int r = 0; r < size(); ++r) {
    const RankPart theirs = part_of_rank(count, r, size());
    sent.push_back(bytes_of(values + theirs.first, theirs.count()));
    received.push_back(bytes_of(parts.data() + r * own.count(), own.count()));
  }
  exchange(what, sent, received);
  for (std::int64_t i = 0; i < own.count(); ++i) {
    double total = 0;
    for (std::size_t r = 0; r < ranks; ++r)
      total += static_cast<double>(parts[r * static_cast<std::size_t>(own.count()) + static_cast<std::size_t>(i)]);
    values[own.first + i] = static_cast<float>(total);
  }
  sent.assign(ranks, bytes_of(values + own.first, own.count()));
  received.clear();
  for (int r = 0; r < size(); ++r) {
    const RankPart theirs = part_of_rank(count, r, size());
    received.push_back(bytes_of(values + theirs.first, theirs.count()));
  }
  // One's own sum lies where it belongs.
  sent[static_cast<std::size_t>(rank())] = {};
  received[static_cast<std::size_t>(rank())] = {};
  exchange(what, sent, received);
}

ProcessGroup& single_process() {
  static SingleProcess group;
  return group;
}

}  // namespace cardiograd
