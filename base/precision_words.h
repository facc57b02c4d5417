// The words of base/precision.h for options and files, with their meanings.
#pragma once

#include "base/enum_words.h"
#include "base/precision.h"

namespace cardiograd {

constexpr EnumWords<Precision, 3> enum_words(Precision) {
  return {{{Precision::kFp32, "fp32", "exact factors"},
           {Precision::kTf32, "tf32", "factors of 10 bits of mantissa"},
           {Precision::kBf16, "bf16", "factors of 7 bits of mantissa"}}};
}

}  // namespace cardiograd
