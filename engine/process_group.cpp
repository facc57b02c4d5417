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

class Finished : public ProcessGroup::Pending {
 public:
  bool finished() override { return true; }
  void wait() override {}
};

template <class Value>
std::span<std::byte> bytes_of(Value* values, std::int64_t count) {
  return std::as_writable_bytes(std::span(values, static_cast<std::size_t>(count)));
}

}  // namespace

RankPart part_of_rank(std::int64_t count, int rank, int size) {
  return {count * rank / size, count * (rank + 1) / size};
}

std::unique_ptr<ProcessGroup::Pending> ProcessGroup::begin_exchange(const char* what, int /*lane*/,
                                                                    const std::vector<std::span<const std::byte>>& sent,
                                                                    const std::vector<std::span<std::byte>>& received) {
  exchange(what, sent, received);
  return std::make_unique<Finished>();
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
  PendingSum(*this, what, 0, values, count).wait();
}

PendingSum::PendingSum(ProcessGroup& group, const char* what, int lane, float* values, std::int64_t count)
    : group_(group), what_(what), lane_(lane), values_(values), count_(count) {
  const auto ranks = static_cast<std::size_t>(group_.size());
  const RankPart own = part_of(group_.rank());
  parts_.resize(ranks * static_cast<std::size_t>(own.count()));
  std::vector<std::span<const std::byte>> sent;
  std::vector<std::span<std::byte>> received;
  for (int r = 0; r < group_.size(); ++r) {
    const RankPart theirs = part_of(r);
    sent.push_back(bytes_of(values_ + theirs.first, theirs.count()));
    received.push_back(bytes_of(parts_.data() + r * own.count(), own.count()));
  }
  pending_ = group_.begin_exchange(what_, lane_, sent, received);
}

RankPart PendingSum::part_of(int rank) const {
  return part_of_rank(count_, rank, group_.size());
}

void PendingSum::add_up() {
  const RankPart own = part_of(group_.rank());
  const auto stride = static_cast<std::size_t>(own.count());
  for (std::size_t i = 0; i < stride; ++i) {
    double total = 0;
    for (std::size_t at = i; at < parts_.size(); at += stride) total += static_cast<double>(parts_[at]);
    values_[own.first + static_cast<std::int64_t>(i)] = static_cast<float>(total);
  }
  std::vector<std::span<const std::byte>> sent(static_cast<std::size_t>(group_.size()),
                                               bytes_of(values_ + own.first, own.count()));
  std::vector<std::span<std::byte>> received;
  for (int r = 0; r < group_.size(); ++r) {
    const RankPart theirs = part_of(r);
    received.push_back(bytes_of(values_ + theirs.first, theirs.count()));
  }
  // One's own sum lies where it belongs.
  sent[static_cast<std::size_t>(group_.rank())] = {};
  received[static_cast<std::size_t>(group_.rank())] = {};
  pending_ = group_.begin_exchange(what_, lane_ == 0 ? 0 : lane_ + 1, sent, received);
  added_up_ = true;
}

bool PendingSum::finished() {
  if (!pending_->finished()) return false;
  if (added_up_) return true;
  add_up();
  return pending_->finished();
}

void PendingSum::wait() {
  pending_->wait();
  if (added_up_) return;
  add_up();
  pending_->wait();
}

ProcessGroup& single_process() {
  static SingleProcess group;
  return group;
}

}  // namespace cardiograd
