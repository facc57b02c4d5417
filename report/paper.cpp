#include "report/paper.h"

#include <array>
#include <utility>

namespace cardiograd::report {
namespace {

constexpr std::array<std::pair<std::string_view, PaperScores>, 5> kTable2 = {{{"CD", {0.80, 0.74, 0.77}},
                                                                              {"HYP", {0.62, 0.62, 0.62}},
                                                                              {"MI", {0.74, 0.77, 0.75}},
                                                                              {"NORM", {0.83, 0.91, 0.87}},
                                                                              {"STTC", {0.75, 0.78, 0.76}}}};

}  // namespace

std::optional<PaperScores> paper_class(data::Task task, std::string_view class_name) {
  if (task != data::Task::kSuper) return std::nullopt;
  for (const auto& [name, scores] : kTable2)
    if (name == class_name) return scores;
  return std::nullopt;
}

std::optional<PaperMacro> paper_macro(data::Task task) {
  if (task == data::Task::kOwn) return std::nullopt;
  return task == data::Task::kSuper ? PaperMacro{{0.75, 0.76, 0.76}, 0.933} : PaperMacro{{0.74, 0.73, 0.73}, 0.928};
}

}  // namespace cardiograd::report
