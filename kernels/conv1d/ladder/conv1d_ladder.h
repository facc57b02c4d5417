// Earlier versions of the convolution on the GPU, each slower than the next: docs/ladders/conv1d.md climbs
// them. Signatures as in conv1d.h.
#pragma once

#include "kernels/common/stream.h"
#include "kernels/conv1d/conv1d.h"

namespace cardiograd::kernels {

// One thread per output, neighboring threads in time.
void conv1d_forward_naive(const Conv1dShape& s, const float* x, const float* w, const float* b, float* y,
                          Stream stream);
// Neighboring threads in channels.
void conv1d_forward_coalesced(const Conv1dShape& s, const float* x, const float* w, const float* b, float* y,
                              Stream stream);
// conv1d_forward_gather with 32-bit indices that are computed once.
void conv1d_forward_hoisted(const Conv1dShape& s, const float* x, const float* w, const float* b, float* y,
                            Stream stream);
// 8 x 8 outputs in the registers of a thread: what the shipped one does where 16-byte accesses are not possible.
void conv1d_forward_register_tile(const Conv1dShape& s, const float* x, const float* w, const float* b, float* y,
                                  Stream stream);
// Tiles in shared memory, gathered element by element with 64-bit indices.
void conv1d_forward_gather(const Conv1dShape& s, const float* x, const float* w, const float* b, float* y,
                           Stream stream);
void conv1d_backward_input_gather(const Conv1dShape& s, const float* w, const float* dy, float* dx, Stream stream);
void conv1d_backward_weight_gather(const Conv1dShape& s, const float* x, const float* dy, float* dw, float* db,
                                   Stream stream);

}  // namespace cardiograd::kernels
