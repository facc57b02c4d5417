#include "data/class_words.h"

#include <array>
#include <utility>

#include <fmt/format.h>

namespace cardiograd::data {
namespace {

// After the descriptions in PTB-XL's scp_statements.csv.
constexpr std::array<std::pair<std::string_view, std::string_view>, 26> kMeanings = {
    {{"NORM", "normal ECG"},
     {"MI", "myocardial infarction"},
     {"STTC", "ST/T change"},
     {"CD", "conduction disturbance"},
     {"HYP", "hypertrophy"},
     {"AMI", "anterior myocardial infarction"},
     {"IMI", "inferior myocardial infarction"},
     {"LMI", "lateral myocardial infarction"},
     {"PMI", "posterior myocardial infarction"},
     {"ISCA", "ischemia in anterior leads"},
     {"ISCI", "ischemia in inferior leads"},
     {"ISC_", "non-specific ischemia"},
     {"NST_", "non-specific ST change"},
     {"LAFB/LPFB", "left anterior or posterior fascicular block"},
     {"IRBBB", "incomplete right bundle branch block"},
     {"ILBBB", "incomplete left bundle branch block"},
     {"CRBBB", "complete right bundle branch block"},
     {"CLBBB", "complete left bundle branch block"},
     {"_AVB", "atrioventricular block"},
     {"IVCD", "non-specific intraventricular conduction disturbance"},
     {"WPW", "Wolff-Parkinson-White syndrome"},
     {"LVH", "left ventricular hypertrophy"},
     {"RVH", "right ventricular hypertrophy"},
     {"LAO/LAE", "left atrial overload or enlargement"},
     {"RAO/RAE", "right atrial overload or enlargement"},
     {"SEHYP", "septal hypertrophy"}}};

}  // namespace

std::string_view class_meaning(std::string_view code) {
  for (const auto& [known, meaning] : kMeanings)
    if (known == code) return meaning;
  return {};
}

std::string_view class_meaning(std::string_view code, Task task) {
  return task == Task::kOwn ? std::string_view() : class_meaning(code);
}

std::string class_in_words(std::string_view code, Task task) {
  const std::string_view meaning = class_meaning(code, task);
  return meaning.empty() ? std::string(code) : fmt::format("{} ({})", code, meaning);
}

}  // namespace cardiograd::data
