// SCP-ECG files.
#include "data/scp_ecg.h"

#include "fuzz/target.h"

namespace cardiograd::fuzz {

const Target kScpEcg("scp_ecg", [](std::string_view input) { data::parse_scp_ecg(input, "r.scp"); });

}  // namespace cardiograd::fuzz
