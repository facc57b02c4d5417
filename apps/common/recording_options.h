// Options about recordings that predict and explain share: what the files do not say of the person and the signals.
#pragma once

#include <optional>
#include <string>

#include "data/signal_csv.h"
#include "ecg/person.h"

namespace CLI {
class App;
}

namespace cardiograd::apps {

class RecordingOptions {
 public:
  // Adds --age, --sex, --rate and --unit.
  void add(CLI::App& app);
  // Throws UsageError for a sex or a unit that is none.
  void check() const;

  data::SignalCsvOptions csv() const { return {rate_, unit_}; }
  // Replaces what the options say of the person.
  void complete(ecg::Person& person) const;

 private:
  std::optional<double> age_, rate_;
  std::string sex_;
  std::string unit_ = "mV";
};

}  // namespace cardiograd::apps
