// Signals in text files. The first byte of the input chooses what the user says of them.
#include <array>

#include "data/signal_csv.h"
#include "fuzz/target.h"

namespace cardiograd::fuzz {

const Target kSignalTable("signal_table", [](std::string_view input) {
  if (input.empty()) return;
  constexpr std::array kUnits = {"mV", "uV"};
  const unsigned said = static_cast<unsigned char>(input[0]);
  input.remove_prefix(1);
  const std::optional<double> rate = (said & 1U) != 0 ? std::optional(250.0) : std::nullopt;
  data::parse_signal_csv(input, "r.csv", {.rate = rate, .unit = kUnits.at(said >> 1U & 1U)});
});

}  // namespace cardiograd::fuzz
