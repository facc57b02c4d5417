// The unfinished table of write_dataset_features: what a run that was ended leaves for the next one.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

namespace cardiograd::data {

// A data set's rows so far, by ecg_id.
struct FeatureRows {
  std::map<std::int64_t, std::string> values;   // "ecg_id,..." lines
  std::map<std::int64_t, std::string> missing;  // "ecg_id,column,reason" lines
  std::map<std::int64_t, std::string> stamps;   // "ecg_id,stamp of the record's files" lines
};

// The first line of the finished table, and of the table of reasons.
std::string features_header();
inline constexpr std::string_view kMissingHeader = "ecg_id,column,reason\n";
// How the first line of an unfinished table begins; the hash follows.
inline constexpr std::string_view kPartialMagic = "# unfinished table of cardiograd features, xxh3_128 ";

// All lines one behind the other.
std::string joined_lines(const std::map<std::int64_t, std::string>& lines);

// The content of the file: a hash of all that follows, `source`, an object that says what the rows are made of, and the
// three kinds of rows.
std::string partial_text(const FeatureRows& rows, const nlohmann::json& source);

// The rows in such a text. Throws Error naming `path` for any other text, one whose hash differs, other columns than
// this version's, and one of another source: the first key that differs is named with both values.
FeatureRows parse_partial(std::string_view text, const std::filesystem::path& path, const nlohmann::json& source);

}  // namespace cardiograd::data
