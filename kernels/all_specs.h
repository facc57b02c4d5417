// The list of all kernels: the line to write when an operation is added. For whoever loops over types; op_table.h has
// the same list as a table.
#pragma once

#include "kernels/activation/activation_spec.h"
#include "kernels/adam/adam_spec.h"
#include "kernels/add/add_spec.h"
#include "kernels/attention/attention_spec.h"
#include "kernels/batch_norm/batch_norm_spec.h"
#include "kernels/concat/concat_spec.h"
#include "kernels/conv1d/conv1d_spec.h"
#include "kernels/dropout/dropout_spec.h"
#include "kernels/gather_batch/gather_batch_spec.h"
#include "kernels/layer_norm/layer_norm_spec.h"
#include "kernels/linear/linear_spec.h"
#include "kernels/max_pool/max_pool_spec.h"
#include "kernels/reduce/reduce_spec.h"
#include "kernels/weighted_bce/weighted_bce_spec.h"

namespace cardiograd::kernels {

// List<the specs...>
template <template <class...> class List>
using AllSpecs = List<                                                                 //
    ReluForward, ReluBackward, GeluForward, GeluBackward,                              //
    AdamForward,                                                                       //
    AddForward, AddBackwardBroadcast, AccumulateForward,                               //
    AttentionForward, AttentionBackward,                                               //
    BatchNormForward, BatchNormBackward, BatchNormEvalForward, BatchNormEvalBackward,  //
    ConcatForward, ConcatBackward,                                                     //
    Conv1dForward, Conv1dBackwardInput, Conv1dBackwardWeight,                          //
    DropoutForward, DropoutBackward,                                                   //
    GatherBatchForward,                                                                //
    LayerNormForward, LayerNormBackward,                                               //
    LinearForward, LinearBackwardInput, LinearBackwardWeight,                          //
    MaxPoolForward, MaxPoolBackward,                                                   //
    MeanTimeForward, MeanTimeBackward, SquaredNormForward, ScaleForward,               //
    WeightedBceForward, WeightedBceBackward>;

}  // namespace cardiograd::kernels
