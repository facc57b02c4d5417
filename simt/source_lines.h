// Source lines of code addresses, from the debug information, through addr2line (binutils).
#pragma once

#include <string>
#include <vector>

namespace cardiograd::simt {

struct SourceLine {
  std::string file;  // as source_name() says it; "?" where nothing is known
  unsigned line = 0;
};

// The path below the folder that holds simt/; as it is for files elsewhere.
std::string source_name(const std::string& path);
// The path of a file that source_name() named.
std::string source_path(const std::string& name);

// For each return address the line of its call. Of inlined calls the innermost that lies neither in simt/'s own headers
// nor in the system's: the line that wrote load4() or atomicAdd(). Throws Error where addr2line cannot be run.
std::vector<SourceLine> source_lines(const std::vector<const void*>& return_addresses);

}  // namespace cardiograd::simt
