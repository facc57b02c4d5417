#include "apps/common/recording_options.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "apps/common/number_range.h"
#include "base/error.h"
#include "ecg/units.h"

namespace cardiograd::apps {
namespace {

double sex_of(const std::string& name) {
  if (name == "male" || name == "m" || name == "M") return ecg::kMale;
  if (name == "female" || name == "f" || name == "F") return ecg::kFemale;
  throw UsageError(fmt::format("--sex {}: unknown", name), "Use male or female.");
}

}  // namespace

void RecordingOptions::add(CLI::App& app) {
  app.add_option("--age", age_, "years, for all records; from the file's comments by default, else not known")
      ->check(number_from_to(0.0, ecg::kMaxAge));
  app.add_option("--sex", sex_, "male or female, likewise");
  app.add_option("--rate", rate_, "Hz, of CSV files; from their time column by default")->check(positive_number());
  app.add_option("--unit", unit_, "of CSV columns that do not say theirs: mV (default), uV or V");
}

void RecordingOptions::check() const {
  if (!ecg::millivolts_per_unit(unit_))
    throw UsageError(fmt::format("--unit {}: no voltage", unit_), "Use mV, uV or V.");
  if (!sex_.empty()) sex_of(sex_);
}

void RecordingOptions::complete(ecg::Person& person) const {
  if (age_) person.age = ecg::person_of({fmt::format("Age: {}", *age_)}).age;
  if (!sex_.empty()) person.sex = sex_of(sex_);
}

}  // namespace cardiograd::apps
