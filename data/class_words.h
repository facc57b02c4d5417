// PTB-XL's class codes in words.
#pragma once

#include <string>
#include <string_view>

namespace cardiograd::data {

// "myocardial infarction" for "MI": the superclasses and subclasses of scp_statements.csv. Empty for other codes: a
// table may have classes of its own.
std::string_view class_meaning(std::string_view code);

// "MI, myocardial infarction"; the code alone where it has no meaning here.
std::string class_in_words(std::string_view code);

}  // namespace cardiograd::data
