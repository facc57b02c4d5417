#include "data/source_recording.h"

#include <algorithm>
#include <cctype>
#include <string>

#include "data/edf.h"

namespace cardiograd::data {

SourceRecording read_source_recording(const std::filesystem::path& path, const SignalCsvOptions& csv) {
  std::string extension = path.extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  SourceRecording source;
  if (extension == ".edf" || extension == ".rec" || extension == ".bdf") {
    source.recording = read_edf(path);
  } else if (extension == ".csv") {
    source.recording = read_signal_csv(path, csv);
  } else {
    source.digital = read_wfdb_digital(path);
    source.recording = to_physical(*source.digital);
    source.recording.name = path.string();
  }
  source.person = ecg::person_of(source.recording.comments);
  return source;
}

}  // namespace cardiograd::data
