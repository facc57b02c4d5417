#include "data/features_partial.h"

#include <algorithm>
#include <charconv>
#include <system_error>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/hash.h"
#include "base/json.h"
#include "dsp/features/features.h"

namespace cardiograd::data {
namespace {

constexpr std::string_view kStampsHeader = "ecg_id,files\n";
constexpr std::string_view kSourceBegin = "# ";

// Calls `use` with the ecg_id that each line begins with, and the line. False where a line is damaged.
template <class Use>
bool each_line(std::string_view lines, Use use) {
  while (!lines.empty()) {
    const std::size_t end = lines.find('\n');
    std::int64_t id = 0;
    const auto [rest, fault] = std::from_chars(lines.data(), lines.data() + lines.size(), id);
    if (end == lines.npos || fault != std::errc() || rest == lines.data() + lines.size() || *rest != ',') return false;
    use(id, std::string(lines.substr(0, end + 1)));
    lines.remove_prefix(end + 1);
  }
  return true;
}

[[noreturn]] void refuse(const std::filesystem::path& partial, const std::string& what) {
  throw Error(fmt::format("{}: {}", partial.string(), what),
              "Delete it to compute all records anew, or give another --out.");
}

std::string_view take_line(std::string_view& text) {
  const std::size_t end = std::min(text.find('\n'), text.size());
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

}  // namespace

std::string features_header() {
  std::string line = "ecg_id";
  for (const dsp::FeatureColumn& column : dsp::feature_columns()) line += fmt::format(",{}", column.name);
  return line + "\n";
}

std::string joined_lines(const std::map<std::int64_t, std::string>& lines) {
  std::string text;
  for (const auto& [id, line] : lines) text += line;
  return text;
}

std::string partial_text(const FeatureRows& rows, const nlohmann::json& source) {
  const std::string rest = std::string(kSourceBegin) +
                           source.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n" +
                           features_header() + joined_lines(rows.values) + std::string(kMissingHeader) +
                           joined_lines(rows.missing) + std::string(kStampsHeader) + joined_lines(rows.stamps);
  return fmt::format("{}{}\n{}", kPartialMagic, to_string(content_hash(rest)), rest);
}

FeatureRows parse_partial(std::string_view text, const std::filesystem::path& path, const nlohmann::json& source) {
  if (!text.starts_with(kPartialMagic)) refuse(path, "is no unfinished table of this program");
  std::string_view rest = text;
  const std::string_view stored = take_line(rest).substr(kPartialMagic.size());
  if (stored != to_string(content_hash(rest))) refuse(path, "damaged: its checksum differs");
  const std::string_view line = take_line(rest);
  if (!line.starts_with(kSourceBegin)) refuse(path, "does not say what it was made of");
  nlohmann::json before;
  try {
    before = parse_json(line.substr(kSourceBegin.size()));
  } catch (const Error& error) {
    refuse(path, fmt::format("does not say what it was made of: {}", error.what()));
  }
  if (!before.is_object()) refuse(path, "does not say what it was made of");
  for (const auto& [key, value] : source.items())
    if (before.value(key, nlohmann::json()) != value)
      refuse(path, fmt::format("was made of other data: '{}' was {}, and is {} now", key,
                               short_json(before.value(key, nlohmann::json())), short_json(value)));
  const std::string columns = features_header();
  const std::size_t reasons = rest.find(kMissingHeader),
                    stamps = reasons == rest.npos ? rest.npos : rest.find(kStampsHeader, reasons);
  if (!rest.starts_with(columns) || stamps == rest.npos) refuse(path, "has other columns than this version computes");
  FeatureRows rows;
  const auto section = [&rest](std::size_t first, std::size_t last) { return rest.substr(first, last - first); };
  if (!each_line(section(columns.size(), reasons), [&](auto id, const auto& row) { rows.values[id] = row; }) ||
      !each_line(section(reasons + kMissingHeader.size(), stamps),
                 [&](auto id, const auto& row) { rows.missing[id] += row; }) ||
      !each_line(section(stamps + kStampsHeader.size(), rest.size()),
                 [&](auto id, const auto& row) { rows.stamps[id] = row; }))
    refuse(path, "has a line that is none of its rows");
  return rows;
}

}  // namespace cardiograd::data
