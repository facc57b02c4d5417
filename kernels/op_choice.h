// Operations, shapes and variants of the op table by what a user writes in an option.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "kernels/op_table.h"

namespace cardiograd::kernels {

// "all", or the name of an operation. Throws UsageError with the nearest name and all known ones.
std::vector<Op> choose_ops(const std::string& name);

// "all": the shapes of the operation's workload; a number: the one with this index; "batch=1,time=250": all of them
// with these fields changed (shape_text.h), equal ones once; else the text that describes one. Throws UsageError with
// the known ones.
std::vector<OpCase> choose_cases(const Op& op, const std::string& shape);

// The shipped kernels of `implementation`, called "shipped", and its variants (kCuda has some): all of them ("all") or
// one by its name. Throws UsageError with the nearest name and all known ones.
std::vector<BoundVariant> choose_variants(const Op& op, const OpCase& work, const std::string& variant,
                                          Implementation implementation = Implementation::kCuda);

}  // namespace cardiograd::kernels
