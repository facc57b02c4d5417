#include "data/signal_preamble.h"

#include <string>

#include <gtest/gtest.h>

#include "data/signal_csv.h"
#include "tests/data/helpers.h"

namespace cardiograd::data {
namespace {

using testing::expect_error;

Preamble read(const std::string& line) {
  Preamble preamble;
  read_preamble_line(line, preamble);
  return preamble;
}

TEST(SignalPreamble, RatesInAnyLanguage) {
  for (const char* line : {"Sample Rate,512 hertz", "Abtastrate;512 Hertz", "# fs = 512", "% Sampling rate (Hz): 512",
                           "Sampling Rate,512,Hz,", "Sampling interval: 1.953125 ms", "Interval=\t0.001953125 s"}) {
    EXPECT_EQ(read(line).rate, 512) << line;
    EXPECT_GE(read(line).rate_rank, Preamble::kNamed) << line;
  }
  for (const char* line : {"Frecuencia de muestreo,512 hercios", "X,512 herc\u00F3w", "Частота,512 герц",
                           "采样率,512赫兹", "サンプルレート,512ヘルツ", "Taux,\"512 hertz\""})
    EXPECT_EQ(read(line).rate, 512) << line;
  EXPECT_EQ(read("Sample Rate,512,844 hertz").rate, 512.844);
  EXPECT_EQ(read("Sample Rate,1,000 Hz").rate, 1000);
  for (const char* line : {"Software Version,1.90", "Heart rate,72 bpm", "Filter: 0.05-150 Hz", "Age,60", "fs,none",
                           "Number of samples,5000", "512", ""})
    EXPECT_FALSE(read(line).rate) << line;
  Preamble both;
  for (const char* line : {"Notch,50 Hz", "fs,500", "Low pass,150 Hz", "rate,100"}) read_preamble_line(line, both);
  EXPECT_EQ(both.rate, 500);
}

// The rate of another signal, an older one, a filter's or the heart's is not that of the samples.
TEST(SignalPreamble, OfSeveralRatesTheEcgs) {
  for (const char* other : {"PPG sampling rate: 100 Hz", "Original sampling rate: 1000 Hz",
                            "Max. sampling rate,8000 Hz", "ADC sampling rate: 2000 Hz", "Rate: 110", "Frequency: 150",
                            "Mains frequency,50 Hz", "Low pass filter: 150 Hz", "Notch,50 Hz", "Heart rate,1 Hz"})
    for (const char* own : {"Sampling rate: 500 Hz", "fs=500", "ECG sampling rate: 500 Hz", "Samples per second,500"}) {
      Preamble preamble;
      for (const char* line : {other, own, other}) read_preamble_line(line, preamble);
      EXPECT_EQ(preamble.rate, 500) << other << ", " << own;
    }
  for (const char* line : {"Mains frequency,50 Hz", "Low pass filter: 150 Hz", "Notch,50 Hz", "Pulse rate,1 Hz"})
    EXPECT_FALSE(read(line).rate) << line;
  EXPECT_LT(read("Original sampling rate: 1000 Hz").rate_rank, Preamble::kNamed);
  EXPECT_EQ(read("Rate: 250").rate, 250) << "for want of better";
}

TEST(SignalPreamble, LeadsAndUnits) {
  EXPECT_EQ(read("Lead,Lead I").lead, "I");
  EXPECT_EQ(read("Ableitung,Ableitung V2,").lead, "V2");
  EXPECT_EQ(read("导联,I 导联").lead, "I");
  EXPECT_EQ(read("Unit,uV").unit, "uV");
  EXPECT_EQ(read("# units: mV").unit, "mV");
  EXPECT_EQ(read("Lead,V").unit, "");
  EXPECT_EQ(read("Unit,V").unit, "V");
  EXPECT_EQ(read("Gain,10 mm/mV").unit, "");
}

// Above a table of columns or of rows, with and without times.
TEST(SignalPreamble, IsReadAboveTables) {
  for (const char* head : {"# sampling_rate: 250\n# units: uV\n", "Patient,X\nSampling Rate,250 Hz\nUnit,uV\n"})
    for (const char* rows : {"I,II\n1,2\n3,4\n", "I,1,3,5\nII,2,4,6\n"}) {
      const ecg::Recording recording = parse_signal_csv(std::string(head) + rows, "a.csv");
      EXPECT_EQ(recording.rate, 250) << head << rows;
      EXPECT_EQ(recording.units[1], "uV") << head << rows;
    }
  const ecg::Recording own = parse_signal_csv("Unit,uV\nfs,100\ntime,I,II (mV)\n0,1,2\n0.004,3,4\n", "a.csv");
  EXPECT_EQ(own.rate, 250) << "the times' own";
  EXPECT_EQ(own.units, (std::vector<std::string>{"uV", "mV"}));
  expect_error([] { parse_signal_csv("Notch filter: 50 Hz\nI,II\n1,2\n3,4\n", "a.csv"); }, {"rate is unknown"});
}

}  // namespace
}  // namespace cardiograd::data
