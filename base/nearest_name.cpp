#include "base/nearest_name.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstddef>
#include <numeric>
#include <utility>

namespace cardiograd {
namespace {

char lower(char c) {
  return static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
}

// Levenshtein's distance, one row of the table at a time.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t substituted = diagonal + (lower(a[i - 1]) == lower(b[j - 1]) ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({substituted, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row.back();
}

}  // namespace

namespace {

// What other programs call the same. In lower case, words joined by '_'.
constexpr std::array<std::pair<std::string_view, std::string_view>, 18> kSynonyms = {{{"learning_rate", "lr"},
                                                                                      {"max_epochs", "epochs"},
                                                                                      {"num_epochs", "epochs"},
                                                                                      {"random_seed", "seed"},
                                                                                      {"num_workers", "threads"},
                                                                                      {"workers", "threads"},
                                                                                      {"jobs", "threads"},
                                                                                      {"num_threads", "threads"},
                                                                                      {"gpu", "device"},
                                                                                      {"output", "out"},
                                                                                      {"output_dir", "out"},
                                                                                      {"dataset", "data"},
                                                                                      {"data_dir", "data"},
                                                                                      {"checkpoint", "model"},
                                                                                      {"weights", "model"},
                                                                                      {"sampling_rate", "rate"},
                                                                                      {"verbose", "log"},
                                                                                      {"silent", "quiet"}}};

// "--learning-rate" and "training.learning_rate": "learning_rate"
std::string bare_name(std::string_view name) {
  if (const std::size_t dot = name.find_last_of('.'); dot != name.npos) name.remove_prefix(dot + 1);
  std::string bare;
  for (const char c : name.substr(std::min(name.find_first_not_of('-'), name.size())))
    bare += c == '-' ? '_' : lower(c);
  return bare;
}

}  // namespace

std::string nearest_name(std::string_view wanted, const std::vector<std::string>& known) {
  for (const auto& [other, ours] : kSynonyms) {
    if (bare_name(wanted) != other) continue;
    const auto meant =
        std::find_if(known.begin(), known.end(), [&](const auto& name) { return bare_name(name) == ours; });
    if (meant != known.end()) return *meant;
  }
  const auto longer = std::find_if(known.begin(), known.end(), [&](const std::string& name) {
    return !wanted.empty() && name.size() > wanted.size() && edit_distance(wanted, name.substr(0, wanted.size())) == 0;
  });
  const bool itself = std::any_of(known.begin(), known.end(),
                                  [&](const std::string& name) { return edit_distance(wanted, name) == 0; });
  if (longer != known.end() && !itself) return *longer;
  const auto nearest = std::min_element(known.begin(), known.end(), [&](const auto& a, const auto& b) {
    return edit_distance(wanted, a) < edit_distance(wanted, b);
  });
  return nearest == known.end() ? std::string() : *nearest;
}

}  // namespace cardiograd
