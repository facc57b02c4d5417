#include "data/recording_stream.h"

#include <utility>

#include "data/edf.h"
#include "data/source_recording.h"
#include "data/wfdb_stream.h"

namespace cardiograd::data {
namespace {

namespace fs = std::filesystem;

// A recording that is in memory.
class WholeRecording : public RecordingStream {
 public:
  explicit WholeRecording(ecg::Recording recording) : signal_(std::move(recording.signal)) {
    head_ = std::move(recording);
    head_.signal.resize(0, signal_.cols());
    samples_ = signal_.rows();
  }
  Eigen::ArrayXXd read(std::int64_t first, std::int64_t count) const override {
    return signal_.middleRows(first, count);
  }

 private:
  Eigen::ArrayXXd signal_;
};

}  // namespace

ecg::Recording RecordingStream::recording(std::int64_t first, std::int64_t count) const {
  ecg::Recording part = head_;
  part.signal = read(first, count);
  return part;
}

std::unique_ptr<RecordingStream> open_recording(const fs::path& path, const SignalCsvOptions& csv) {
  auto stream = open_wfdb_stream(path);
  if (!stream) stream = open_edf_stream(path);
  if (stream) {
    warn_of_unused_options(stream->head(), csv);
    return stream;
  }
  return std::make_unique<WholeRecording>(read_recording(path, csv).recording);
}

}  // namespace cardiograd::data
