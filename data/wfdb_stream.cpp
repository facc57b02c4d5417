#include "data/wfdb_stream.h"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <fstream>
#include <limits>
#include <numeric>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/error.h"
#include "base/file.h"
#include "data/source_recording.h"
#include "data/wfdb_decode.h"
#include "data/wfdb_leads.h"
#include "ecg/channels.h"
#include "ecg/units.h"

namespace cardiograd::data {
namespace {

namespace fs = std::filesystem;

// Signals of a record that share a file, frame by frame.
struct SharedFile {
  fs::path path;
  int format = 16;
  std::int64_t offset = 0;     // bytes before the first frame
  std::int64_t per_frame = 0;  // samples
  std::int64_t grain = 1;      // frames after which samples begin at a whole byte
  struct Column {
    std::size_t signal;     // among the header's
    std::int64_t at;        // within a frame
    std::ptrdiff_t column;  // of the leads; -1 where it is none of them
  };
  std::vector<Column> columns;
};

class WfdbStream : public RecordingStream {
 public:
  WfdbStream(WfdbHeader header, const std::string& name, const ecg::ChannelChoice& choice);

  Eigen::ArrayXXd read(std::int64_t first, std::int64_t count) const override;
  // Reads the leads once, and warns of checksums that do not fit.
  void check() const;

 private:
  // The stored samples of the frames from `first` on, frame by frame.
  static std::vector<std::int32_t> frames(const SharedFile& file, std::int64_t first, std::int64_t count);

  WfdbHeader header_;
  std::int64_t width_ = 1;  // samples of a lead in each frame
  std::vector<SharedFile> files_;
};

WfdbStream::WfdbStream(WfdbHeader header, const std::string& name, const ecg::ChannelChoice& choice)
    : header_(std::move(header)) {
  head_ = {name, choice.rate, {}, {}, Eigen::ArrayXXd(), header_.comments, choice.others, header_.start};
  for (const std::size_t i : choice.leads) {
    head_.leads.push_back(header_.signals[i].name);
    head_.units.push_back(ecg::canonical_unit(header_.signals[i].unit));
  }
  head_.signal.resize(0, static_cast<Eigen::Index>(choice.leads.size()));
  width_ = header_.signals[choice.leads.front()].samples_per_frame;
  samples_ = header_.samples * width_;
  for (std::size_t i = 0; i < header_.signals.size(); ++i) {
    const WfdbSignalSpec& spec = header_.signals[i];
    if (i == 0 || spec.file != header_.signals[i - 1].file)
      files_.push_back({wfdb_signal_path(header_, spec), spec.format, spec.byte_offset, 0, 1, {}});
    const auto lead = std::find(choice.leads.begin(), choice.leads.end(), i);
    files_.back().columns.push_back(
        {i, files_.back().per_frame, lead == choice.leads.end() ? -1 : lead - choice.leads.begin()});
    files_.back().per_frame += spec.samples_per_frame;
  }
  for (SharedFile& file : files_) {
    const std::int64_t pack = file.format == 212 ? 2 : file.format == 310 || file.format == 311 ? 3 : 1;
    file.grain = pack / std::gcd(pack, file.per_frame);
  }
}

std::vector<std::int32_t> WfdbStream::frames(const SharedFile& file, std::int64_t first, std::int64_t count) {
  const std::int64_t from = first / file.grain * file.grain;  // Where a byte begins.
  const std::int64_t values = (first + count - from) * file.per_frame;
  const auto offset = static_cast<std::uintmax_t>(file.offset + wfdb_bytes(file.format, from * file.per_frame));
  const std::string bytes = read_piece(file.path, offset, static_cast<std::size_t>(wfdb_bytes(file.format, values)));
  std::vector<std::int32_t> stored = wfdb_decode(file.format, bytes, values);
  stored.erase(stored.begin(), stored.begin() + (first - from) * file.per_frame);
  return stored;
}

Eigen::ArrayXXd WfdbStream::read(std::int64_t first, std::int64_t count) const {
  Eigen::ArrayXXd signal(count, static_cast<Eigen::Index>(head_.leads.size()));
  if (count == 0) return signal;
  const std::int64_t frame = first / width_, last = (first + count - 1) / width_;
  for (const SharedFile& file : files_) {
    if (std::all_of(file.columns.begin(), file.columns.end(), [](const auto& column) { return column.column < 0; }))
      continue;
    const std::vector<std::int32_t> stored = frames(file, frame, last - frame + 1);
    const std::int32_t marker = wfdb_invalid_marker(file.format).value_or(kInvalidSample);
    for (const SharedFile::Column& column : file.columns) {
      if (column.column < 0) continue;
      const WfdbSignalSpec& spec = header_.signals[column.signal];
      for (std::int64_t t = 0; t < count; ++t) {
        const std::int64_t at = first - frame * width_ + t;
        const std::int32_t sample =
            stored[static_cast<std::size_t>(at / width_ * file.per_frame + column.at + at % width_)];
        signal(t, column.column) = sample == marker
                                       ? std::numeric_limits<double>::quiet_NaN()
                                       : static_cast<double>(std::int64_t{sample} - spec.baseline) / spec.gain;
      }
    }
  }
  return signal;
}

void WfdbStream::check() const {
  constexpr std::int64_t kValues = 1 << 18;  // at a time
  WfdbChecksums checksums(header_, WfdbFaults::kWarn);
  for (const SharedFile& file : files_) {
    const auto vouched = [&](const auto& column) {
      return column.column >= 0 && header_.signals[column.signal].checksum.has_value();
    };
    if (std::none_of(file.columns.begin(), file.columns.end(), vouched)) continue;
    std::vector<std::uint32_t> sums(file.columns.size());
    const std::int64_t step = std::max<std::int64_t>(1, kValues / file.per_frame);
    for (std::int64_t first = 0; first < header_.samples; first += step) {
      const std::int64_t count = std::min(step, header_.samples - first);
      const std::vector<std::int32_t> stored = frames(file, first, count);
      for (std::size_t c = 0; c < sums.size(); ++c) {
        const std::int64_t width = header_.signals[file.columns[c].signal].samples_per_frame;
        for (std::int64_t t = 0; t < count; ++t)
          for (std::int64_t i = 0; i < width; ++i)
            sums[c] += static_cast<std::uint32_t>(
                stored[static_cast<std::size_t>(t * file.per_frame + file.columns[c].at + i)]);
      }
    }
    for (std::size_t c = 0; c < sums.size(); ++c)
      if (file.columns[c].column >= 0)
        checksums.compare(header_.signals[file.columns[c].signal], static_cast<std::uint16_t>(sums[c]));
  }
  checksums.warn();
}

// Whether any piece can be read by itself.
bool is_seekable(const WfdbHeader& header) {
  std::error_code error;
  return std::all_of(header.signals.begin(), header.signals.end(), [&](const WfdbSignalSpec& spec) {
    return spec.format != kNullSignal && spec.format != 8 && !is_flac_format(spec.format) && spec.skew == 0 &&
           fs::is_regular_file(wfdb_signal_path(header, spec), error);
  });
}

}  // namespace

std::string read_piece(const fs::path& path, std::uintmax_t offset, std::size_t count) {
  std::string bytes(count, '\0');
  std::ifstream file(path, std::ios::binary);
  if (!file.is_open()) fail_to_open(path, errno);
  file.seekg(static_cast<std::streamoff>(offset));
  file.read(bytes.data(), static_cast<std::streamsize>(count));
  if (static_cast<std::size_t>(file.gcount()) != count)
    throw Error(
        fmt::format("{}: only {} of {} bytes from byte {} on can be read", path.string(), file.gcount(), count, offset),
        "Check the permissions and the disk, and whether the file is being written.");
  return bytes;
}

std::unique_ptr<RecordingStream> open_wfdb_stream(const fs::path& path, std::uintmax_t min_bytes) {
  const std::optional<fs::path> record = wfdb_record_of(path);
  if (!record) return nullptr;
  WfdbHeader header = read_wfdb_header(*record, {}, WfdbFaults::kWarn);
  if (!header.segments.empty() || header.signals.empty()) return nullptr;
  ecg::ChannelChoice choice = choose_wfdb_leads(header);
  keep_wfdb_files(header, choice.leads);
  if (!is_seekable(header)) return nullptr;
  std::error_code error;
  const auto is_long = [&](const WfdbSignalSpec& spec) {
    return fs::file_size(wfdb_signal_path(header, spec), error) >= min_bytes && !error;
  };
  if (std::none_of(header.signals.begin(), header.signals.end(), is_long)) return nullptr;
  check_wfdb_sizes(header);
  auto stream = std::make_unique<WfdbStream>(std::move(header), path.string(), choice);
  stream->check();
  return stream;
}

}  // namespace cardiograd::data
