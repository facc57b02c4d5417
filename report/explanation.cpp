#include "report/explanation.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "data/class_words.h"
#include "dsp/features/features.h"
#include "dsp/features/usual_range.h"
#include "report/charts.h"
#include "report/comparison.h"
#include "report/explanation_figure.h"
#include "report/page_frame.h"
#include "report/sections.h"
#include "report/tables.h"
#include "report/text.h"

namespace cardiograd::report {
namespace {

std::string percent(double fraction) {
  return fmt::format("{:.1f} %", 100 * fraction);
}

// From the contributions to the range of their bars: zero is in it.
Range bar_range(const std::vector<double>& contributions) {
  std::vector<double> ends = contributions;
  ends.push_back(0);
  return round_range(ends);
}

Markup contribution_bar(double contribution, Range range) {
  return interval_bar({contribution, std::min(contribution, 0.0), std::max(contribution, 0.0)}, range, 0);
}

// The probability without something; a dash where it was not tried.
std::string without_text(const model::Explanation& why, const std::string& what) {
  for (const model::Without& one : why.without)
    if (one.what == what)
      return fmt::format("{:.3f}{}", one.probability, one.changes_decision ? ", other decision" : "");
  return kDash;
}

std::string removal_of(const std::string& part) {
  if (part == "P") return "the P waves";
  if (part == "PR segment") return "the PR segments";
  if (part == "QRS") return "the QRS complexes";
  if (part == "ST") return "the ST segments";
  if (part == "T") return "the T waves";
  return "";
}

Table parts_table(const model::Explanation& why, const std::vector<model::PartContribution>& parts, bool leads) {
  std::vector<double> contributions;
  for (const model::PartContribution& part : parts) contributions.push_back(part.contribution);
  const Range range = bar_range(contributions);
  Table table{leads ? "Contributions of the leads to the logit" : "Contributions of the parts of the heartbeat",
              {leads ? "lead" : "part", "fraction of the weight"},
              {}};
  if (!leads) table.columns.emplace_back("fraction of the time");
  table.columns.insert(table.columns.end(), {"contribution", interval_axis(range), "probability without"});
  for (const model::PartContribution& part : parts) {
    TableRow row{{part.name, percent(part.fraction)}, part.name == model::kBeatPartNames.back()};
    if (!leads) row.cells.emplace_back(percent(part.extent));
    row.cells.emplace_back(fmt::format("{:+.3f}", part.contribution));
    row.cells.emplace_back(contribution_bar(part.contribution, range));
    row.cells.emplace_back(without_text(why, leads ? "lead " + part.name : removal_of(part.name)));
    table.rows.push_back(std::move(row));
  }
  return table;
}

const dsp::FeatureColumn* column_named(const std::string& name) {
  for (const dsp::FeatureColumn& column : dsp::feature_columns())
    if (column.name == name) return &column;
  return nullptr;
}

Table features_table(const model::Explanation& why) {
  std::vector<model::FeatureContribution> features = why.feature_contributions;
  std::stable_sort(features.begin(), features.end(),
                   [](const auto& a, const auto& b) { return std::abs(a.contribution) > std::abs(b.contribution); });
  std::vector<double> contributions;
  for (const model::FeatureContribution& one : features) contributions.push_back(one.contribution);
  const Range range = bar_range(contributions);
  Table table{"Contributions of the features to the logit, largest first",
              {"feature", "value", "unit", "usual in adults", "training mean \u00b1 SD", "contribution",
               interval_axis(range), "probability without", "meaning"},
              {}};
  for (const model::FeatureContribution& one : features) {
    const dsp::FeatureColumn* column = column_named(one.name);
    const auto usual = dsp::usual_range(one.name);
    std::string usual_text = kDash;
    if (usual) {
      usual_text = fmt::format("{:g} to {:g}", usual->low, usual->high);
      if (one.value > usual->high) usual_text += ", above";
      if (one.value < usual->low) usual_text += ", below";
    }
    table.rows.push_back({{one.name, std::isnan(one.value) ? "missing" : fmt::format("{:.4g}", one.value),
                           std::string(column == nullptr ? "" : column->unit), usual_text,
                           fmt::format("{:.4g} \u00b1 {:.3g}", one.training_mean, one.training_sd),
                           fmt::format("{:+.3f}", one.contribution), contribution_bar(one.contribution, range),
                           without_text(why, one.name), std::string(column == nullptr ? "" : column->definition)},
                          false});
  }
  return table;
}

std::string completeness_text(const model::Explanation& why) {
  return fmt::format(
      "All contributions add up to the difference of the two logits but for {:.2f} % ({} steps of integration).",
      100 * why.missed_fraction, why.steps);
}

// What the two rows of tokens are; empty where there are none.
std::string strips_text(const model::Explanation& why) {
  if (why.token == 0) return "";
  // Of crops, those count whose answers the class's probability comes from.
  return fmt::format(
      "The two strips below have no leads: Grad-CAM says which moments the last convolution points to, attention "
      "rollout ({}) where more than the average attention goes. ",
      why.token > 1 ? "the same for every class" : "of the windows that count for this class");
}

void add_map(Markup& page, const model::ModelDescription& model, const ExplainedRecording& recording,
             const model::Explanation& why, const std::string& id) {
  const EcgDrawing drawing = draw_map(model, recording, why, id + "-map");
  page.open("figure");
  add_strip(page, drawing, id + "-map-strip", fmt::format("Contributions over the ECG of {}", recording.record.name));
  page.element(
      "figcaption",
      fmt::format("Integrated gradients: amber where the trace speaks for {0}, purple where it speaks against it, the "
                  "stronger the color the more. Bars below the traces: P blue, QRS orange, T green. {1}{2}. {3}",
                  why.class_name, strips_text(why), drawing.scale, completeness_text(why)));
  page.close("figure");
}

TableRow answers_row(const model::ModelDescription& model, const std::string& name,
                     const std::vector<float>& probabilities) {
  TableRow row{{name}, false};
  for (std::size_t c = 0; c < model.class_names.size(); ++c)
    row.cells.emplace_back(probabilities.empty() ? std::string(kDash)
                                                 : fmt::format("{:.3f}{}", probabilities[c],
                                                               probabilities[c] > model.thresholds[c] ? " yes" : ""));
  return row;
}

void add_summary(Markup& page, const model::ModelDescription& model, const std::vector<std::string>& names,
                 const std::vector<ExplainedRecording>& recordings) {
  page.open("section", {{"id", "summary"}, {"aria-labelledby", "summary-heading"}});
  page.element("h2", {{"id", "summary-heading"}}, "Summary");
  Table table{"The model's answers", {"recording"}, {}};
  for (const std::string& name : model.class_names) table.columns.emplace_back(name);
  for (std::size_t i = 0; i < recordings.size(); ++i) {
    const ExplainedRecording& one = recordings[i];
    table.rows.push_back(answers_row(model, names[i], one.windows > 1 ? one.whole : one.probabilities));
    if (one.windows > 1)
      table.rows.push_back(
          answers_row(model, fmt::format("{}, explained window from {:.4g} s on", names[i], one.record.start_s),
                      one.probabilities));
  }
  add_table(page, table);
  std::vector<std::string> meanings;
  for (const std::string& name : model.class_names) meanings.push_back(data::class_in_words(name, model.task));
  page.element("p", {{"class", "note"}},
               fmt::format("Probabilities, with yes above the threshold. {}.", fmt::join(meanings, "; ")));
  page.open("div", {{"class", "note-box"}, {"role", "note"}});
  page.open("p")
      .element("strong", "Research only.")
      .text(
          " Contributions say what this model's answer rests on, not what the heart does: a model may be right for "
          "wrong "
          "reasons. Flat leads and averaged features are no real ECGs, so what is said of them is a rough guide.");
  page.close("p").close("div");
  page.close("section");
}

}  // namespace

void add_zoom_buttons(Markup& page, const std::string& strip_id) {
  page.open("p", {{"class", "zoom"}, {"hidden", "hidden"}});
  const auto button = [&](const char* factor, const char* label, const char* words) {
    page.element("button",
                 {{"type", "button"}, {"data-zoom", factor}, {"aria-controls", strip_id}, {"aria-label", label}},
                 words);
  };
  button("1.5", "Enlarge this ECG", "+");
  button("0.667", "Reduce this ECG", "\u2212");
  button("0", "Fit this ECG to the page", "fit");
  page.close("p");
}

void add_strip(Markup& page, const EcgDrawing& drawing, const std::string& strip_id, const std::string& label) {
  add_zoom_buttons(page, strip_id);
  page.open(
      "div",
      {{"class", "scroll strip"}, {"id", strip_id}, {"tabindex", "0"}, {"role", "region"}, {"aria-label", label}});
  page.append(drawing.svg).close("div");
}

void add_explanation(Markup& page, const model::ModelDescription& model, const ExplainedRecording& recording,
                     const model::Explanation& why, const std::string& id) {
  if (const std::string whole = whole_words(model, recording, why); !whole.empty()) page.element("p", whole);
  for (const std::string& words : explanation_words(why)) page.element("p", words);
  add_map(page, model, recording, why, id);
  add_table(page, parts_table(why, why.parts, false));
  page.open("details").element("summary", "Leads");
  add_table(page, parts_table(why, why.leads, true));
  page.close("details");
  if (!why.feature_contributions.empty()) {
    page.open("details").element("summary", "Features");
    add_table(page, features_table(why));
    page.close("details");
  }
  if (why.occlusion.empty()) return;
  page.open("details").element("summary", "Occlusion");
  const EcgDrawing drawing = draw_occlusion(model, recording, why, id + "-occlusion");
  page.open("figure");
  add_strip(page, drawing, id + "-occlusion-strip", fmt::format("Occlusion over the ECG of {}", recording.record.name));
  page.element(
      "figcaption",
      fmt::format("One lead flat for {:.0f} ms at a time: amber where the logit of {} falls without the trace, "
                  "purple where it rises. {}.",
                  1000 * static_cast<double>(why.window) / model.rate, why.class_name, drawing.scale));
  page.close("figure").close("details");
}

std::string render_explanations(const model::ModelDescription& model, const std::string& model_file,
                                const std::vector<ExplainedRecording>& recordings, const Origin& origin) {
  PageFrame frame;
  std::vector<std::string> paths;
  for (const ExplainedRecording& one : recordings) paths.push_back(one.record.name);
  const std::vector<std::string> names = short_names(paths);
  frame.title = recordings.size() == 1 ? fmt::format("Why: {}", names.front())
                                       : fmt::format("Why: {} recordings", recordings.size());
  frame.brand = "explanation";
  frame.notes = {fmt::format("Model: {}, {} after {} epoch{}.", model_file, model.architecture.kind().title,
                             model.epoch, model.epoch == 1 ? "" : "s")};
  if (const std::string warning = synthetic_warning(model); !warning.empty())
    frame.notes.push_back(fmt::format("Beware: {}.", warning));
  frame.notes.push_back(fmt::format("Explained {}, {}.", origin.date, origin.program));
  frame.writer = "explain";
  std::vector<std::pair<std::string, std::string>> links = {{"summary", "Summary"}};
  for (std::size_t i = 0; i < recordings.size(); ++i) links.emplace_back(fmt::format("record-{}", i + 1), names[i]);
  Markup page;
  begin_page(page, frame, navigation_of(links));
  add_summary(page, model, names, recordings);
  for (std::size_t i = 0; i < recordings.size(); ++i) {
    const ExplainedRecording& one = recordings[i];
    const std::string id = fmt::format("record-{}", i + 1);
    page.open("section", {{"id", id}, {"aria-labelledby", id + "-heading"}});
    page.element("h2", {{"id", id + "-heading"}}, names[i]);
    if (names[i] != one.record.name) page.element("p", {{"class", "note"}}, one.record.name);
    if (!one.gap.empty()) add_gap(page, one.gap);
    for (const std::string& note : one.notes) page.element("p", {{"class", "note"}}, note);
    for (std::size_t c = 0; c < one.whys.size(); ++c) {
      page.element("h3", data::class_in_words(one.whys[c].class_name, model.task));
      add_explanation(page, model, one, one.whys[c], fmt::format("{}-{}", id, c + 1));
    }
    page.close("section");
  }
  end_page(page, frame);
  return page.str();
}

}  // namespace cardiograd::report
