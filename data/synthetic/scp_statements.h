// The content of scp_statements.csv: 71 statements, 44 of them diagnostic.
#pragma once

#include <string_view>

namespace cardiograd::data::synthetic {

std::string_view scp_statements_csv();

}  // namespace cardiograd::data::synthetic
