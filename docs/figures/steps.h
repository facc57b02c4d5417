// A figure for each step of R-peak detection and delineation.
#pragma once

#include <string>
#include <vector>

#include <Eigen/Core>

namespace cardiograd::docs {

struct Recorded {
  std::string name;        // Of what is recorded, for titles.
  Eigen::ArrayXXd signal;  // (samples, leads) in mV, NaN = missing
  double rate;             // Hz
  std::vector<std::string> leads;
};

// Makes the samples between two times (seconds) of the second lead missing.
void lose_samples(Recorded& recorded, double from_s, double to_s);

// Each writes `path`. Throws Error when it cannot, or when nothing is found to draw.
void draw_working_signal(const Recorded& recorded, const std::string& path);
void draw_r_peaks(const Recorded& recorded, const std::string& path);
void draw_beat_groups(const Recorded& recorded, const std::string& path);
void draw_qrs(const Recorded& recorded, const std::string& path);
void draw_t(const Recorded& recorded, const std::string& path);
void draw_p(const Recorded& recorded, const std::string& path);
void draw_consistency(const Recorded& sinus, const Recorded& fibrillation, const std::string& path);
void draw_leads(const Recorded& recorded, const std::string& path);

}  // namespace cardiograd::docs
