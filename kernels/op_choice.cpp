#include "kernels/op_choice.h"

#include <algorithm>

#include "base/nearest_name.h"

namespace cardiograd::kernels {
namespace {

std::string list(const std::vector<std::string>& names, const char* separator = ", ") {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : separator) + name;
  return text;
}

std::string known_names(const std::string& wanted, const std::vector<std::string>& known) {
  return "nearest: " + nearest_name(wanted, known) + "; known are all, " + list(known);
}

bool is_index(const std::string& text) {
  return !text.empty() && text.size() < 5 && text.find_first_not_of("0123456789") == std::string::npos;
}

}  // namespace

std::vector<Op> choose_ops(const std::string& name) {
  if (name == "all") return op_table();
  std::vector<std::string> known;
  for (const Op& op : op_table()) {
    if (op.name == name) return {op};
    known.push_back(op.name);
  }
  throw UsageError("unknown operation '" + name + "'", known_names(name, known));
}

std::vector<OpCase> choose_cases(const Op& op, const std::string& shape) {
  std::vector<OpCase> all = op.workload();
  if (shape == "all") return all;
  std::vector<std::string> known;
  for (const OpCase& work : all) {
    if (work.shape == shape) return {work};
    known.push_back(work.shape);
  }
  if (is_index(shape) && std::stoul(shape) < all.size()) return {all[std::stoul(shape)]};
  if (shape.find('=') != std::string::npos) {
    std::vector<OpCase> changed;
    for (OpCase& work : op.workload_with(shape)) {
      const bool seen =
          std::any_of(changed.begin(), changed.end(), [&](const OpCase& c) { return c.shape == work.shape; });
      if (!seen) changed.push_back(std::move(work));
    }
    for (const OpCase& work : changed)
      for (const BufferSpec& buffer : work.buffers)
        if (buffer.count() <= 0)
          throw UsageError(op.name + " at " + work.shape + ": " + std::string(buffer.name) + " would be empty",
                           "choose sizes that leave something to compute");
    return changed;
  }
  throw UsageError("unknown shape '" + shape + "' of " + op.name,
                   "nearest: " + nearest_name(shape, known) + "; known are all, 0 to " +
                       std::to_string(all.size() - 1) +
                       ", field=size pairs (batch=1,time=250), and: " + list(known, "; "));
}

std::vector<BoundVariant> choose_variants(const Op& op, const OpCase& work, const std::string& variant,
                                          Implementation implementation) {
  std::vector<BoundVariant> all = {
      {"shipped", [run = work.run, implementation](void* const* pointers) { run(implementation, pointers); }, 0}};
  if (implementation == Implementation::kCuda)
    all.insert(all.end(), work.cuda_variants.begin(), work.cuda_variants.end());
  if (variant == "all") return all;
  std::vector<std::string> known;
  for (BoundVariant& one : all) {
    if (one.name == variant) return {one};
    known.push_back(one.name);
  }
  throw UsageError("unknown variant '" + variant + "' of " + op.name, known_names(variant, known));
}

}  // namespace cardiograd::kernels
