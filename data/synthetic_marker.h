// Whether records were made by `synthesize`: its folders hold a marker, and its headers a comment.
#pragma once

#include <filesystem>
#include <vector>

namespace cardiograd::data {

// The file by which a folder of synthetic ECGs is known.
inline constexpr const char* kSyntheticMarker = "synthetic.json";

// The comment in the header of each of its records, by which one is known that was copied elsewhere.
inline constexpr const char* kSyntheticComment = "Synthetic ECG of no patient, made by cardiograd synthesize";

// Whether `folder` holds the marker, or a folder that one of `records` lies in, or one of the three above it (so many
// lie between a record and the root of such a set, and one more), records being followed through links to where they
// are; or whether one of `records` has the comment in its header. `records`: paths, of WFDB records without extension;
// what is not there counts as not synthetic.
bool are_synthetic(const std::filesystem::path& folder, const std::vector<std::filesystem::path>& records);

}  // namespace cardiograd::data
