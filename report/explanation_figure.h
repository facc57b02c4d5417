// Drawings of an explanation for a page.
#pragma once

#include <string>

#include "report/ecg_paper.h"
#include "report/explanation.h"

namespace cardiograd::report {

// Integrated gradients behind the traces, Grad-CAM and attention rollout below them.
EcgDrawing draw_map(const model::ModelDescription& model, const ExplainedRecording& recording,
                    const model::Explanation& why, const std::string& id);
// The fall of the logit by occlusion behind the traces.
EcgDrawing draw_occlusion(const model::ModelDescription& model, const ExplainedRecording& recording,
                          const model::Explanation& why, const std::string& id);

// The buttons that the page's script makes work, for the drawing in the box `strip_id` behind them.
void add_zoom_buttons(Markup& page, const std::string& strip_id);
// A drawing in a box that scrolls, with its buttons.
void add_strip(Markup& page, const EcgDrawing& drawing, const std::string& strip_id, const std::string& label);

}  // namespace cardiograd::report
