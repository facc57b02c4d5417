// Explanations of single answers (model/explanation.h) as words, tables, drawings, a page of their own and JSON.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "model/explanation.h"
#include "model/model_file.h"
#include "report/markup.h"

namespace cardiograd::report {

// One recording and why the model answers as it does.
struct ExplainedRecording {
  model::RecordToExplain record;
  model::BeatParts beats;
  std::vector<float> probabilities;      // of every class, for the explained window
  std::vector<float> whole;              // of every class, for the whole recording: the mean over its windows
  std::int64_t windows = 1;              // that the whole recording's answer comes from
  double seconds = 0;                    // of the whole recording
  std::vector<std::string> notes;        // what was done to the recording
  std::string gap;                       // why there is no explanation; empty where there is one
  std::vector<model::Explanation> whys;  // one for each explained class
};

// The answer, where it comes from, what would change it, and whether contributions are missed: a sentence each.
std::vector<std::string> explanation_words(const model::Explanation& why);

// Of a recording longer than the model's: what the whole of it is answered, as `predict` says it, and which window the
// words about `why` are about. Empty for others.
std::string whole_words(const model::ModelDescription& model, const ExplainedRecording& recording,
                        const model::Explanation& why);

// Heading, words, the contributions drawn over the ECG, and the tables behind them. `id` begins the ids of all that is
// in it; headings are of `level` and below.
void add_explanation(Markup& page, const model::ModelDescription& model, const ExplainedRecording& recording,
                     const model::Explanation& why, const std::string& id);

// The drawing alone, as a file with plain colors (draw_ecg_file).
std::string explanation_svg(const model::ModelDescription& model, const ExplainedRecording& recording,
                            const model::Explanation& why);

// When and by what a page was made.
struct Origin {
  std::string date;     // UTC
  std::string program;  // "cardiograd 0.2.0, commit 0123456789ab"
};

// The page of `explain`: a summary, then one section for each recording. Equal data give equal bytes.
std::string render_explanations(const model::ModelDescription& model, const std::string& model_file,
                                const std::vector<ExplainedRecording>& recordings, const Origin& origin);

// One object with everything on the page, the maps included, and the model's inputs as it took them.
nlohmann::json explanation_json(const model::ModelDescription& model, const ExplainedRecording& recording,
                                const model::Explanation& why);

}  // namespace cardiograd::report
