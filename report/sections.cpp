#include "report/sections.h"

namespace cardiograd::report {

const std::vector<Section>& sections() {
  static const std::vector<Section> all{{"summary", "Summary", add_summary},
                                        {"results", "Results and the paper's", add_results},
                                        {"intervals", "Confidence intervals", add_intervals},
                                        {"roc", "ROC curves", add_roc},
                                        {"precision-recall", "Precision-recall curves", add_precision_recall},
                                        {"confusion", "Confusion matrices", add_confusion},
                                        {"calibration", "Calibration", add_calibration},
                                        {"subgroups", "Age and sex", add_subgroups},
                                        {"mistakes", "The worst mistakes", add_mistakes},
                                        {"explanations", "What the answers rest on", add_explanations},
                                        {"importance", "Importance of the hand-crafted features", add_importance},
                                        {"training", "Training", add_training},
                                        {"classes", "Diagnoses in the data set", add_classes},
                                        {"configuration", "Configuration", add_configuration}};
  return all;
}

void add_gap(Markup& page, std::string_view why) {
  page.element("p", {{"class", "gap"}}, why);
}

}  // namespace cardiograd::report
