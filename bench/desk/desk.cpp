#include "bench/desk/desk.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>

#include <fmt/format.h>

#include "base/error.h"
#include "bench/desk/check.h"
#include "kernels/op_choice.h"

namespace cardiograd::bench {
namespace {

using kernels::BufferSpec;
using kernels::Op;
using kernels::OpCase;
using kernels::Role;

constexpr std::uint64_t kSeed = 7;

// What takes part at one shape: one of our kernels or an opponent.
struct Competitor {
  Row row;
  Work work;
};

Row row_of(const Machine& machine, const Op& op, const OpCase& work, const DeskOptions& options) {
  const std::vector<OpCase> shapes = op.workload();
  Row row;
  row.op = op.name;
  // Without the precision, which is a field of its own.
  const std::optional<OpCase> exact = with_precision(work, Precision::kFp32);
  row.shape = exact ? exact->shape : work.shape;
  row.workload =
      std::any_of(shapes.begin(), shapes.end(), [&](const OpCase& shape) { return shape.shape == row.shape; });
  row.device = machine.device();
  row.precision = exact ? options.precision : Precision::kFp32;
  row.flop = work.cost.flop;
  row.bytes = work.cost.bytes;
  return row;
}

bool changes_its_input(const OpCase& work) {
  return std::any_of(work.buffers.begin(), work.buffers.end(),
                     [](const BufferSpec& b) { return b.role == Role::kUpdate; });
}

// What is wrong with the result of one of our kernels; empty where nothing is.
std::string failure_of(Machine& machine, const kernels::BoundVariant& variant, const HostBuffers& inputs,
                       const Check& check) {
  try {
    const auto placed = machine.place(inputs);
    variant.run(placed->pointers().data());
    return check.failure(placed->read(), {}, variant.tolerance);
  } catch (const std::exception& error) {
    return error.what();
  }
}

std::string failure_of(const Op& op, const Opponent& opponent, const HostBuffers& inputs, const Check& check,
                       Precision precision) {
  if (!opponent.refusal.empty()) return opponent.refusal;
  const double tolerance = std::max(opponent_tolerance(precision), opponent.tolerance);
  const auto failure = [&](const HostBuffers& call, const Check& reference) {
    const HostBuffers buffers = call;
    const std::vector<void*> pointers = pointers_of(buffers);
    opponent.load(pointers.data());
    opponent.run();
    opponent.store(pointers.data());
    return reference.failure(buffers, opponent.writes, tolerance);
  };
  try {
    if (opponent.instead.empty()) return failure(inputs, check);
    // What a gradient takes from its forward direction is another here.
    const HostBuffers other = make_inputs(op, opponent.instead.front(), kSeed);
    return failure(other, Check(opponent.instead.front(), other));
  } catch (const std::exception& error) {
    return error.what();
  }
}

// Measures one shape: makes the competitors, checks them, times those that agree.
class CaseRun {
 public:
  CaseRun(Machine& machine, const Roof& roof, const Op& op, const OpCase& work, const DeskOptions& options)
      : machine_(machine),
        roof_(roof),
        op_(op),
        work_(work),
        options_(options),
        inputs_(make_inputs(op, work, kSeed)) {}

  std::vector<Row> rows() {
    check_and_collect();
    if (machine_.clock() == nullptr) {
      for (Competitor& one : competitors_) rows_.push_back(std::move(one.row));
      return rows_;
    }
    for (const Temperature temperature : options_.temperatures) time(temperature);
    return std::move(rows_);
  }

 private:
  void check_and_collect() {
    const OpCase checked = smaller_case(work_, options_.max_check_flop);
    const bool same = checked.shape == work_.shape;
    const HostBuffers inputs = same ? inputs_ : make_inputs(op_, checked, kSeed);
    const Check check(checked, inputs);
    const std::string remark = same ? "" : "checked at " + checked.shape;
    add_ours(checked, inputs, check, remark);
    if (options_.opponents) add_opponents(checked, inputs, check, remark);
  }

  void add_ours(const OpCase& checked, const HostBuffers& inputs, const Check& check, const std::string& remark) {
    const kernels::Implementation implementation = machine_.implementation();
    const auto variants = kernels::choose_variants(op_, work_, options_.variant, implementation);
    const auto checked_variants = kernels::choose_variants(op_, checked, options_.variant, implementation);
    for (std::size_t i = 0; i < variants.size(); ++i) {
      Row row = row_of(machine_, op_, work_, options_);
      row.variant = variants[i].name;
      if (machine_.device() != Device::kCpu && variants[i].name == "shipped") row.path = work_.path;
      const std::string failure = failure_of(machine_, checked_variants.at(i), inputs, check);
      row.checked = failure.empty();
      row.note =
          failure.empty() ? remark : "FAILED its check" + (remark.empty() ? "" : " (" + remark + ")") + ": " + failure;
      if (!row.checked) {
        rows_.push_back(std::move(row));
        continue;
      }
      if (!placed_) placed_ = machine_.place(inputs_);
      competitors_.push_back(
          {std::move(row), {[this, run = variants[i].run] { run(placed_->pointers().data()); }, reset()}});
    }
  }

  void add_opponents(const OpCase& checked, const HostBuffers& inputs, const Check& check, const std::string& remark) {
    std::vector<Opponent> others = opponents_for(op_, work_, machine_.device(), options_.precision);
    const bool same = checked.shape == work_.shape;
    const std::vector<Opponent> others_checked =
        same ? others : opponents_for(op_, checked, machine_.device(), options_.precision);
    for (Opponent& other : others) {
      Row row = row_of(machine_, op_, work_, options_);
      row.opponent = other.name;
      row.path = other.path;
      row.note = other.note;
      const auto twin = std::find_if(others_checked.begin(), others_checked.end(),
                                     [&](const Opponent& one) { return one.name == other.name; });
      const std::string failure = !other.refusal.empty() ? other.refusal
                                  : twin == others_checked.end()
                                      ? "its library does not take the shape that is checked"
                                      : failure_of(op_, *twin, inputs, check, options_.precision);
      row.checked = failure.empty();
      const std::string added =
          failure.empty() ? remark : (other.refusal.empty() ? "FAILED its check: " : "") + failure;
      row.note += (row.note.empty() || added.empty() ? "" : "; ") + added;
      if (!row.checked) {
        rows_.push_back(std::move(row));
        continue;
      }
      other.load(pointers_of(inputs_).data());
      Work work = {other.run, nullptr};
      if (changes_its_input(work_)) work.reset = [this, load = other.load] { load(pointers_of(inputs_).data()); };
      competitors_.push_back({std::move(row), std::move(work)});
    }
  }

  std::function<void()> reset() {
    if (!changes_its_input(work_)) return nullptr;
    return [this] {
      for (std::size_t i = 0; i < inputs_.size(); ++i)
        if (work_.buffers[i].role == Role::kUpdate) placed_->write(i, inputs_[i]);
    };
  }

  void time(Temperature temperature) {
    std::vector<Work> works;
    for (const Competitor& one : competitors_) works.push_back(one.work);
    const std::vector<Timing> timings = time_in_turns(works, temperature, *machine_.clock(), options_.timing);
    double best = Row::kNone;
    for (std::size_t i = 0; i < timings.size(); ++i)
      if (!competitors_[i].row.opponent.empty()) best = std::fmin(best, timings[i].seconds);
    for (std::size_t i = 0; i < timings.size(); ++i) {
      Row row = competitors_[i].row;
      row.temperature = temperature;
      row.seconds = timings[i].seconds;
      row.spread = timings[i].spread;
      row.stable = timings[i].stable;
      if (roof_.measured()) row.percent_of_roof = 100 * roof_.seconds(work_.cost) / row.seconds;
      if (row.opponent.empty()) row.percent_of_best_opponent = 100 * best / row.seconds;
      rows_.push_back(std::move(row));
    }
  }

  Machine& machine_;
  const Roof& roof_;
  const Op& op_;
  const OpCase& work_;
  const DeskOptions& options_;
  HostBuffers inputs_;
  std::unique_ptr<PlacedBuffers> placed_;
  std::vector<Competitor> competitors_;
  std::vector<Row> rows_;
};

}  // namespace

OpCase in_precision(const Op& op, const OpCase& work, Precision precision) {
  if (std::optional<OpCase> found = with_precision(work, precision)) return std::move(*found);
  if (precision == Precision::kFp32) return work;
  throw UsageError(fmt::format("{} has no precision {}", op.name, word_of(precision)), "--precision fp32");
}

std::optional<OpCase> with_precision(const OpCase& work, Precision precision) {
  try {
    return work.with(fmt::format("precision={}", word_of(precision)));
  } catch (const UsageError&) {
    return std::nullopt;  // The shape has no such field.
  }
}

OpCase smaller_case(const OpCase& work, double max_flop) {
  if (max_flop <= 0 || work.cost.flop <= max_flop) return work;
  for (const char* field : {"batch", "records", "rows"}) {
    try {
      const OpCase one = work.with(fmt::format("{}=1", field));
      const auto count = std::max<std::int64_t>(2, static_cast<std::int64_t>(max_flop / one.cost.flop));
      OpCase smaller = work.with(fmt::format("{}={}", field, count));
      if (smaller.cost.flop < work.cost.flop) return smaller;
    } catch (const UsageError&) {
      continue;  // no such field
    }
  }
  return work;
}

std::vector<Row> measure_case(Machine& machine, const Roof& roof, const Op& op, const OpCase& work,
                              const DeskOptions& options) {
  return CaseRun(machine, roof, op, work, options).rows();
}

std::string opponent_failure(const Op& op, const OpCase& work, const Opponent& opponent, Precision precision) {
  const HostBuffers inputs = make_inputs(op, work, kSeed);
  return failure_of(op, opponent, inputs, Check(work, inputs), precision);
}

bool failed(const Row& row) {
  return row.opponent.empty() && !row.checked;
}

}  // namespace cardiograd::bench
