#include "ecg/recording.h"

namespace cardiograd::ecg {

Recording select_leads(const Recording& recording, std::span<const std::size_t> positions) {
  Recording selected{recording.name, recording.rate, {}, {}, {}, recording.comments, recording.others, recording.start};
  selected.signal.resize(recording.signal.rows(), static_cast<Eigen::Index>(positions.size()));
  for (std::size_t i = 0; i < positions.size(); ++i) {
    selected.leads.push_back(recording.leads[positions[i]]);
    selected.units.push_back(recording.units[positions[i]]);
    selected.signal.col(static_cast<Eigen::Index>(i)) = recording.signal.col(static_cast<Eigen::Index>(positions[i]));
  }
  return selected;
}

}  // namespace cardiograd::ecg
