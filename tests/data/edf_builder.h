// EDF files made byte by byte, so that each field can be wrong.
#pragma once

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "data/wfdb.h"

namespace cardiograd::testing {

struct EdfChannel {
  std::string label, unit = "mV";
  std::string physical_min = "-10", physical_max = "10";
  std::string digital_min = "-32768", digital_max = "32767";
  std::string per_record = "4";
  std::vector<std::string> records = {};  // the bytes of each data record
};

struct EdfFile {
  std::string version = "0", patient = "X M X X", recording = "Startdate X X X X", date = "01.01.20";
  std::string header_bytes;  // as it should be, unless given
  std::string kind, records = "1", duration = "1", count;
  std::vector<EdfChannel> channels = {};

  std::string bytes() const {
    const auto field = [](const std::string& text, int width) { return fmt::format("{:<{}}", text, width); };
    const std::size_t size = 256 * (channels.size() + 1);
    std::string all = field(version, 8) + field(patient, 80) + field(recording, 80) + field(date, 8) +
                      field("00.00.00", 8) + field(header_bytes.empty() ? std::to_string(size) : header_bytes, 8) +
                      field(kind, 44) + field(records, 8) + field(duration, 8) +
                      field(count.empty() ? std::to_string(channels.size()) : count, 4);
    const auto each = [&](int width, auto member) {
      for (const EdfChannel& channel : channels) all += field(member(channel), width);
    };
    each(16, [](const EdfChannel& c) { return c.label; });
    each(80, [](const EdfChannel&) { return std::string("electrode"); });
    each(8, [](const EdfChannel& c) { return c.unit; });
    each(8, [](const EdfChannel& c) { return c.physical_min; });
    each(8, [](const EdfChannel& c) { return c.physical_max; });
    each(8, [](const EdfChannel& c) { return c.digital_min; });
    each(8, [](const EdfChannel& c) { return c.digital_max; });
    each(80, [](const EdfChannel&) { return std::string("HP:0.05Hz"); });
    each(8, [](const EdfChannel& c) { return c.per_record; });
    each(32, [](const EdfChannel&) { return std::string(); });
    const std::size_t blocks = channels.empty() ? 0 : channels.front().records.size();
    for (std::size_t block = 0; block < blocks; ++block)
      for (const EdfChannel& channel : channels) all += channel.records.at(block);
    return all;
  }
};

inline std::string edf_samples(const std::vector<int>& values) {
  std::string bytes;
  for (const int value : values) {
    bytes += static_cast<char>(value & 0xFF);
    bytes += static_cast<char>(value >> 8 & 0xFF);
  }
  return bytes;
}

// An annotation channel of `width` samples whose data records begin at `onsets`.
inline EdfChannel edf_annotations(const std::vector<std::string>& onsets, std::size_t width = 8) {
  EdfChannel channel{.label = "EDF Annotations", .unit = "", .physical_min = "-1", .physical_max = "1"};
  channel.per_record = std::to_string(width);
  for (const std::string& onset : onsets) {
    std::string list = onset + "\x14\x14";
    list.resize(2 * width, '\0');
    channel.records.push_back(list);
  }
  return channel;
}

// A recording in data records of a second, 1 uV per step; its rate must be whole.
inline EdfFile edf_of(const ecg::Recording& recording) {
  const auto width = static_cast<Eigen::Index>(recording.rate);
  EdfFile file;
  file.records = std::to_string(recording.signal.rows() / width);
  for (std::size_t lead = 0; lead < recording.leads.size(); ++lead) {
    EdfChannel channel{.label = recording.leads[lead], .unit = "uV"};
    channel.physical_min = "-32768";
    channel.physical_max = "32767";
    channel.per_record = std::to_string(width);
    for (Eigen::Index first = 0; first + width <= recording.signal.rows(); first += width) {
      std::vector<int> values;
      for (Eigen::Index t = first; t < first + width; ++t)
        values.push_back(static_cast<int>(std::lround(1000 * recording.signal(t, static_cast<Eigen::Index>(lead)))));
      channel.records.push_back(edf_samples(values));
    }
    file.channels.push_back(std::move(channel));
  }
  return file;
}

}  // namespace cardiograd::testing
