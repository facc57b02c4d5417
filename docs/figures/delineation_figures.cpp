// docs_figures: draws the figures of docs/delineation.md, one for each step, with what the step itself computed.
//
// Usage: docs_figures FOLDER [RECORD]. Without RECORD (a WFDB record of at least 4 s) on synthetic ones.
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "base/error.h"
#include "data/synthetic/record.h"
#include "data/wfdb.h"
#include "docs/figures/steps.h"
#include "ecg/leads.h"

namespace cardiograd::docs {
namespace {

Recorded synthetic(const std::string& name, std::uint64_t seed, data::synthetic::RecordPlan plan) {
  plan.seed = seed;
  const data::synthetic::SyntheticRecord record = data::synthetic::synthesize_record(plan);
  Recorded recorded{name, record.signal, data::synthetic::kRate, {}};
  for (const auto lead : ecg::kStandardLeads) recorded.leads.emplace_back(lead);
  return recorded;
}

Recorded from_file(const std::string& path) {
  ecg::Recording recording = data::read_wfdb(path);
  if (static_cast<double>(recording.signal.rows()) < 4.0 * recording.rate) {
    throw Error(fmt::format("'{}' is shorter than 4 s", path), "Give a longer record.");
  }
  return {path, std::move(recording.signal), recording.rate, std::move(recording.leads)};
}

int run(const std::vector<std::string>& arguments) {
  if (arguments.empty() || arguments.size() > 2) throw UsageError("docs_figures FOLDER [RECORD]");
  const std::string folder = arguments[0] + "/delineation-";
  const bool own = arguments.size() == 2;
  const Recorded sinus = own ? from_file(arguments[1]) : synthetic("Sinus rhythm", 4, {.statements = {"NORM"}});
  const Recorded ectopic =
      own ? sinus : synthetic("Premature beats", 9, {.statements = {"NORM"}, .premature_beats = 2});
  const Recorded fibrillation =
      own ? sinus : synthetic("Atrial fibrillation", 5, {.statements = {"NORM"}, .fibrillation = true});
  Recorded noisy =
      own ? sinus : synthetic("Noise", 4, {.statements = {"NORM"}, .noise = data::synthetic::NoiseLevel::kHigh});
  lose_samples(noisy, 2.3, 2.5);
  draw_working_signal(noisy, folder + "1-working-signal.svg");
  draw_r_peaks(ectopic, folder + "2-r-peaks.svg");
  draw_beat_groups(ectopic, folder + "3-beat-groups.svg");
  draw_qrs(sinus, folder + "4-qrs.svg");
  draw_t(sinus, folder + "5-t.svg");
  draw_p(sinus, folder + "6-p.svg");
  draw_consistency(sinus, fibrillation, folder + "7-consistency.svg");
  draw_leads(sinus, folder + "8-leads.svg");
  return 0;
}

}  // namespace
}  // namespace cardiograd::docs

int main(int argc, char** argv) {
  try {
    return cardiograd::docs::run({argv + 1, argv + argc});
  } catch (const cardiograd::UsageError& error) {
    fmt::print(stderr, "usage: {}\n", error.what());
    return 2;
  } catch (const cardiograd::Error& error) {
    fmt::print(stderr, "docs_figures: {}\n{}\n", error.what(), error.hint());
  } catch (const std::exception& error) {
    fmt::print(stderr, "docs_figures: {}\n", error.what());
  }
  return 1;
}
