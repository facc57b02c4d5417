#include "kernels/attention/attention_micro.inl"

namespace cardiograd::kernels {

const AttentionRows kAttentionRowsAvx2 = kRowsOfThisFile;

}  // namespace cardiograd::kernels
