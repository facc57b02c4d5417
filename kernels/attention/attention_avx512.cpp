#include "kernels/attention/attention_micro.inl"

namespace cardiograd::kernels {

const AttentionRows kAttentionRowsAvx512 = kRowsOfThisFile;

}  // namespace cardiograd::kernels
