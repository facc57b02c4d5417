// What each file of this folder offers. Only those whose library was found are compiled in.
#pragma once

#include <vector>

#include "bench/opponents/opponent.h"

namespace cardiograd::bench {

using OpponentList = std::vector<Opponent>;

OpponentList onednn_opponents(const kernels::Op& op, const kernels::OpCase& work);
OpponentList openblas_opponents(const kernels::Op& op, const kernels::OpCase& work);
OpponentList eigen_opponents(const kernels::Op& op, const kernels::OpCase& work);
OpponentList cudnn_opponents(const kernels::Op& op, const kernels::OpCase& work, Precision precision);
OpponentList cudnn_attention_opponents(const kernels::Op& op, const kernels::OpCase& work, Precision precision);
OpponentList cublaslt_opponents(const kernels::Op& op, const kernels::OpCase& work, Precision precision);
OpponentList cub_opponents(const kernels::Op& op, const kernels::OpCase& work);

std::string onednn_version();
std::string openblas_version();
std::string eigen_version();
std::string cudnn_version();
std::string cudnn_frontend_version();
std::string cublaslt_version();
std::string cub_version();

}  // namespace cardiograd::bench
