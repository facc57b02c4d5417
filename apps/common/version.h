// What a program is: its version, what it was built from and by, and what it runs on.
#pragma once

#include <string>

namespace cardiograd::apps {

// The commit of the build, 12 digits, "... with changes" where tracked files differed from it, or "unknown" where there
// was no repository. Defined by cmake/commit.cmake.
const char* commit();

// "0.2.0"
const char* version();

// "cardiograd 0.2.0, commit 0123456789ab", for pages.
std::string made_by();

// "2026-11-26 21:40 UTC": now.
std::string date_now();

// What --version prints: a line "<program> 0.2.0", then commit, compiler, instruction set of this processor, back ends
// and cuBLASLt, a line each.
std::string version_text(const std::string& program);

}  // namespace cardiograd::apps
