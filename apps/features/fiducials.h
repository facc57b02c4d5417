// Onset, peak and end of P, QRS and T of every beat, as a CSV file and as WFDB annotations.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace cardiograd::apps {

// Of all records: rows of each lead and of lead "all" into the CSV file `table`, the global boundaries beside each
// record as an annotation file named `annotator`; whichever is given. Throws what reading and writing throw, before
// the table is written.
void write_fiducials(const std::vector<std::string>& records, const std::optional<std::string>& table,
                     const std::optional<std::string>& annotator);

}  // namespace cardiograd::apps
