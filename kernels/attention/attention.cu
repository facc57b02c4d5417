// Which kernels compute attention for which shape.
#include "kernels/attention/attention.h"
#include "kernels/attention/attention_paths.h"

namespace cardiograd::kernels {

namespace {

struct Forward {
  const char* name;
  decltype(&attention_forward_tile) run;
};
struct Backward {
  const char* name;
  decltype(&attention_backward_tile) run;
};

// "mma" and "ffma" number the pairs of a head with 32 bits.
constexpr std::int64_t kLongest = 65536;

Forward forward_of(const AttentionShape& s) {
  const bool mma = s.precision != Precision::kFp32 && s.time <= kLongest && attention_mma_runs();
  if (mma && s.width <= 128) return {"mma", attention_forward_mma};
  if (s.width <= 128 && s.time <= kLongest) return {"ffma", attention_forward_ffma};
  return {"tile", attention_forward_tile};
}

Backward backward_of(const AttentionShape& s) {
  const bool mma = s.precision != Precision::kFp32 && s.time <= kLongest && attention_mma_runs();
  if (mma && s.width <= 64) return {"mma", attention_backward_mma};
  if (s.width <= 32 && s.time <= kLongest) return {"ffma", attention_backward_ffma};
  return {"tile", attention_backward_tile};
}

}  // namespace

const char* attention_forward_path(const AttentionShape& s) {
  return forward_of(s).name;
}
const char* attention_backward_path(const AttentionShape& s) {
  return backward_of(s).name;
}

void attention_forward_cuda(const AttentionShape& s, const float* qkv, float* y, float* lse, Stream stream) {
  if (s.batch * s.heads * s.time * s.width == 0) return;
  forward_of(s).run(s, qkv, y, lse, stream);
}

void attention_backward_cuda(const AttentionShape& s, const float* qkv, const float* y, const float* lse,
                             const float* dy, float* dqkv, Stream stream) {
  if (s.batch * s.heads * s.time * s.width == 0) return;
  backward_of(s).run(s, qkv, y, lse, dy, dqkv, stream);
}

}  // namespace cardiograd::kernels
