// PTB-XL's class codes in words.
#pragma once

#include <string>
#include <string_view>

#include "data/scp_codes.h"

namespace cardiograd::data {

// "myocardial infarction" for "MI": the superclasses and subclasses of scp_statements.csv. Empty for other codes: a
// table may have classes of its own.
std::string_view class_meaning(std::string_view code);

// The same; empty for Task::kOwn: what a column of one's own table is about is not known, whatever its name.
std::string_view class_meaning(std::string_view code, Task task);

// "MI (myocardial infarction)"; the code alone where it has no meaning.
std::string class_in_words(std::string_view code, Task task);

}  // namespace cardiograd::data
