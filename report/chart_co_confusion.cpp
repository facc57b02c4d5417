#include <algorithm>

#include <fmt/format.h>

#include "report/charts.h"
#include "report/text.h"

namespace cardiograd::report {
namespace {

constexpr double kLeft = 96;  // room for the names of the rows
constexpr double kTop = 96;   // and of the columns, which stand upright
constexpr double kSize = 480;
constexpr double kLargestCell = 56;
constexpr double kCellForFigures = 34;  // from here on a percentage fits

}  // namespace

Markup co_confusion_chart(const SvgText& text, const std::vector<std::string>& classes,
                          const std::vector<std::vector<std::int64_t>>& counts,
                          const std::vector<std::int64_t>& supports) {
  const std::size_t rows = classes.size(), columns = rows + 1;
  const double cell = std::min(kLargestCell, kSize / static_cast<double>(columns));
  Svg svg(kLeft + cell * static_cast<double>(columns) + 8, kTop + cell * static_cast<double>(rows) + 22, text,
          "chart co-confusion");
  for (std::size_t column = 0; column < columns; ++column) {
    const std::string name = column < rows ? classes[column] : "none";
    svg.text({kLeft + (static_cast<double>(column) + 0.5) * cell + 4, kTop - 6}, name, "tick", "start", -90);
  }
  for (std::size_t row = 0; row < rows; ++row) {
    const double y = kTop + static_cast<double>(row) * cell;
    svg.text({kLeft - 6, y + cell / 2 + 4}, classes[row], "tick", "end");
    for (std::size_t column = 0; column < columns; ++column) {
      const double x = kLeft + static_cast<double>(column) * cell;
      const double fraction =
          supports[row] == 0 ? 0 : static_cast<double>(counts[row][column]) / static_cast<double>(supports[row]);
      const int shade = std::min(4, static_cast<int>(fraction * 5));
      svg.rect(x + 0.5, y + 0.5, cell - 1, cell - 1,
               fmt::format("cell {} shade{}", row == column ? "right" : "wrong", shade),
               fmt::format("labeled {}, decided {}: {}", classes[row], column < rows ? classes[column] : "nothing",
                           fraction_of(counts[row][column], supports[row])));
      if (cell >= kCellForFigures && supports[row] > 0)
        svg.text({x + cell / 2, y + cell / 2 + 4}, fmt::format("{:.0f}", 100 * fraction), "cell-fraction", "middle");
    }
  }
  svg.text({kLeft, kTop + cell * static_cast<double>(rows) + 16}, "rows: labeled; columns: decided positive, in %",
           "axis-text");
  return svg.finish();
}

}  // namespace cardiograd::report
