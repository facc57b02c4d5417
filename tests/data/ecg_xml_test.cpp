#include "data/ecg_xml.h"

#include <cmath>
#include <string>

#include <gtest/gtest.h>

#include "data/source_recording.h"
#include "tests/common/temporary_folder.h"
#include "tests/data/helpers.h"

namespace cardiograd::data {
namespace {

using testing::expect_error;

// As in the implementation guide of HL7's annotated ECG.
std::string aecg(const std::string& prefix = "", const std::string& digits = "1 2\n -3  4") {
  std::string text = R"(<?xml version="1.0" encoding="UTF-8"?>
<AnnotatedECG xmlns="urn:hl7-org:v3" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
<effectiveTime><low value="20021122091000.000"/><high value="20021122091010.000"/></effectiveTime>
<componentOf><timepointEvent><componentOf><subjectAssignment><subject><trialSubject><subjectDemographicPerson>
<administrativeGenderCode code="F"/><birthTime value="19530508"/>
</subjectDemographicPerson></trialSubject></subject></subjectAssignment></componentOf></timepointEvent></componentOf>
<component><series><code code="RHYTHM"/><component><sequenceSet>
<component><sequence><code code="TIME_ABSOLUTE"/><value xsi:type="GLIST_TS"><head value="20021122091000.000"/>
<increment value="2" unit="ms"/></value></sequence></component>
<component><sequence><code code="MDC_ECG_LEAD_I"/><value xsi:type="SLIST_PQ"><origin value="10" unit="uV"/>
<scale value="2.5" unit="uV"/><digits>1 2 3 4</digits></value></sequence></component>
<component><sequence><code code="MDC_ECG_LEAD_AVR"/><value xsi:type="SLIST_PQ"><origin value="0" unit="uV"/>
<scale value="5" unit="uV"/><digits>@</digits></value></sequence></component>
</sequenceSet></component>
<derivation><derivedSeries><component><sequenceSet><component><sequence><code code="MDC_ECG_LEAD_I"/>
<value><origin value="0" unit="uV"/><scale value="1" unit="uV"/><digits>9</digits></value></sequence></component>
</sequenceSet></component></derivedSeries></derivation></series></component></AnnotatedECG>)";
  text.replace(text.find('@'), 1, digits);
  if (prefix.empty()) return text;
  std::string prefixed;
  for (std::size_t i = 0; i < text.size(); ++i) {
    prefixed += text[i];
    if (text[i] != '<' || text[i + 1] == '?') continue;
    if (text[i + 1] == '/') prefixed += text[++i];
    prefixed += prefix;
  }
  return prefixed.replace(prefixed.find("xmlns="), 6, "xmlns:h=");
}

TEST(EcgXml, Hl7Aecg) {
  for (const char* prefix : {"", "h:"}) {
    const ecg::Recording recording = parse_ecg_xml(aecg(prefix), "a.xml");
    EXPECT_EQ(recording.rate, 500);
    EXPECT_EQ(recording.leads, (std::vector<std::string>{"MDC_ECG_LEAD_I", "MDC_ECG_LEAD_AVR"}));
    EXPECT_EQ(recording.units, (std::vector<std::string>{"uV", "uV"}));
    ASSERT_EQ(recording.signal.rows(), 4);
    EXPECT_EQ(recording.signal(1, 0), 15);
    EXPECT_EQ(recording.signal(2, 1), -15);
    EXPECT_EQ(recording.start, "2002-11-22 09:10:00");
    EXPECT_EQ(recording.comments, (std::vector<std::string>{"Age: 49", "Sex: F"}));
  }
  expect_error([] { parse_ecg_xml(aecg("", "1 2 x 4"), "a.xml"); }, {"MDC_ECG_LEAD_AVR: found 'x', expected a number"});
  const std::string whole = aecg();
  for (std::size_t size = 200; size < whole.size(); size += 97)
    expect_error([&] { parse_ecg_xml(whole.substr(0, size), "a.xml"); }, {"a.xml: "});
}

TEST(EcgXml, LeadsOfDifferentLengths) {
  const testing::LogCapture log;
  ecg::Recording recording = parse_ecg_xml(aecg("", "1 2 3"), "a.xml");  // a sample less
  EXPECT_EQ(recording.leads.size(), 2U);
  ASSERT_EQ(recording.signal.rows(), 3);
  EXPECT_EQ(recording.signal(2, 1), 15);
  EXPECT_TRUE(
      log.warned("a.xml: of leads of different lengths the first 3 samples are read; longer is MDC_ECG_LEAD_I (4)"));
  recording = parse_ecg_xml(aecg("", "1 2"), "a.xml");
  EXPECT_EQ(recording.leads, std::vector<std::string>{"MDC_ECG_LEAD_I"});
  EXPECT_EQ(recording.others.at(0).name, "MDC_ECG_LEAD_AVR");
  EXPECT_EQ(recording.others.at(0).reason, "2 samples, the others have 4");
  EXPECT_EQ(log.warnings.size(), 1U);
  // A longer strip of one lead beside several.
  std::string strip = aecg("", "1 2 3 4 5 6 7 8");
  const auto begin = strip.find("<component><sequence><code code=\"MDC_ECG_LEAD_I\"");
  std::string second = strip.substr(begin, strip.find("</component>", begin) + 12 - begin);
  second.replace(second.find("LEAD_I"), 6, "LEAD_V1");
  strip.insert(begin, second);
  recording = parse_ecg_xml(strip, "a.xml");
  EXPECT_EQ(recording.leads.size(), 3U);
  EXPECT_EQ(recording.signal.rows(), 4);
  EXPECT_TRUE(log.warned("longer is MDC_ECG_LEAD_AVR (8)"));
}

// A set of a lead, with the time of its first sample.
std::string set_of(const std::string& lead, const std::string& head, const std::string& digits) {
  return "<component><sequenceSet><component><sequence><code code=\"TIME_ABSOLUTE\"/><value><head value=\"" + head +
         "\"/><increment value=\"2\" unit=\"ms\"/></value></sequence></component><component><sequence><code code=\"" +
         lead + "\"/><value><origin value=\"0\" unit=\"uV\"/><scale value=\"1\" unit=\"uV\"/><digits>" + digits +
         "</digits></value></sequence></component></sequenceSet></component>";
}

std::string series_of(const std::string& code, const std::string& sets) {
  return "<component><series><code code=\"" + code + "\"/>" + sets + "</series></component>";
}

TEST(EcgXml, SetsOfTheSameTimesAreOneRecording) {
  const auto read = [](const std::string& series) {
    return parse_ecg_xml("<AnnotatedECG>" + series + "</AnnotatedECG>", "a.xml");
  };
  using Names = std::vector<std::string>;
  const std::string one = set_of("MDC_ECG_LEAD_I", "5", "1 2 3"), two = set_of("MDC_ECG_LEAD_II", "5", "4 5 6");
  ecg::Recording recording = read(series_of("RHYTHM", one + two));
  EXPECT_EQ(recording.leads, (Names{"MDC_ECG_LEAD_I", "MDC_ECG_LEAD_II"}));
  EXPECT_EQ(recording.signal(2, 1), 6);
  EXPECT_TRUE(recording.others.empty());
  for (const std::string& other : {set_of("MDC_ECG_LEAD_II", "6", "4 5 6"), set_of("MDC_ECG_LEAD_II", "5", "4 5"),
                                   set_of("MDC_ECG_LEAD_I", "5", "4 5 6")}) {
    recording = read(series_of("RHYTHM", one + other));
    EXPECT_EQ(recording.leads, Names{"MDC_ECG_LEAD_I"});
    ASSERT_EQ(recording.others.size(), 1U);
    EXPECT_NE(recording.others[0].name.find("of another set of"), std::string::npos);
  }
  EXPECT_EQ(read(series_of("RHYTHM", two + set_of("MDC_ECG_LEAD_I", "5", "1 2 3 4 5"))).leads, Names{"MDC_ECG_LEAD_I"})
      << "the longest";
  EXPECT_EQ(read(series_of("RHYTHM", one) + series_of("RHYTHM", two)).leads, Names{"MDC_ECG_LEAD_I"});
  const std::string beat = series_of("REPRESENTATIVE_BEAT", set_of("MDC_ECG_LEAD_I", "5", "7 7 7 7 7 7"));
  EXPECT_EQ(read(beat + series_of("RHYTHM", one)).signal.rows(), 3);
  EXPECT_EQ(read(beat).signal.rows(), 6) << "there is nothing else";
}

TEST(EcgXml, DecimalCommasInScales) {
  const auto with = [](std::string text, const std::string& from, const std::string& to) {
    return text.replace(text.find(from), from.size(), to);
  };
  EXPECT_EQ(parse_ecg_xml(with(aecg(), "value=\"2.5\"", "value=\"2,5\""), "a.xml").signal(1, 0), 15);
  expect_error([&] { parse_ecg_xml(with(aecg(), "value=\"2.5\"", "value=\"1,000\""), "a.xml"); },
               {"scale: found '1,000'"});
  expect_error([&] { parse_ecg_xml(aecg("", "1,2,3,4"), "a.xml"); }, {"MDC_ECG_LEAD_AVR: found '1,2,3,4'"});
}

std::string muse(const std::string& type = "Rhythm", const std::string& data = "AQD//wCA") {
  return "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><!DOCTYPE RestingECG SYSTEM \"restecg.dtd\"><RestingECG>"
         "<PatientDemographics><PatientAge>5</PatientAge><AgeUnits>MONTHS</AgeUnits><Gender>FEMALE</Gender>"
         "</PatientDemographics><TestDemographics><AcquisitionTime>09:10:11</AcquisitionTime>"
         "<AcquisitionDate>11-22-2002</AcquisitionDate></TestDemographics>"
         "<Waveform><WaveformType>Median</WaveformType><SampleBase>250</SampleBase><LeadData><LeadID>I</LeadID>"
         "<LeadAmplitudeUnitsPerBit>1</LeadAmplitudeUnitsPerBit><WaveFormData>AQA=</WaveFormData></LeadData></Waveform>"
         "<Waveform><WaveformType>" +
         type +
         "</WaveformType><SampleBase>500</SampleBase>"
         "<SampleExponent>0</SampleExponent><LeadData><LeadAmplitudeUnitsPerBit>4.88</LeadAmplitudeUnitsPerBit>"
         "<LeadAmplitudeUnits>MICROVOLTS</LeadAmplitudeUnits><LeadID>II</LeadID>\n<WaveFormData>" +
         data + "\n</WaveFormData></LeadData></Waveform></RestingECG>";
}

TEST(EcgXml, InUtf16) {
  const std::string text = aecg("");
  for (const bool big_endian : {false, true}) {
    std::string wide = big_endian ? "\xFE\xFF" : "\xFF\xFE";
    for (const char c : text) {
      if (big_endian) wide += '\0';
      wide += c;
      if (!big_endian) wide += '\0';
    }
    EXPECT_TRUE(is_ecg_xml(wide));
    EXPECT_EQ(parse_ecg_xml(wide, "a.xml").signal(1, 0), 15);
  }
}

TEST(EcgXml, Muse) {
  // 1, -1 and the mark of a missing sample.
  const ecg::Recording recording = parse_ecg_xml(muse(), "a.xml");
  EXPECT_EQ(recording.rate, 500);
  EXPECT_EQ(recording.leads, std::vector<std::string>{"II"});
  ASSERT_EQ(recording.signal.rows(), 3);
  EXPECT_EQ(recording.signal(0, 0), 4.88);
  EXPECT_EQ(recording.signal(1, 0), -4.88);
  EXPECT_TRUE(std::isnan(recording.signal(2, 0)));
  EXPECT_EQ(recording.start, "2002-11-22 09:10:11");
  expect_error([] { parse_ecg_xml(muse("Median"), "a.xml"); }, {"no rhythm with leads"});
  std::string capitals = muse();
  capitals.replace(capitals.find(">Median<"), 8, ">MEDIAN<");
  EXPECT_EQ(parse_ecg_xml(capitals, "a.xml").leads, std::vector<std::string>{"II"});
  capitals.replace(capitals.find(">4.88<"), 6, ">4,88<");
  EXPECT_EQ(parse_ecg_xml(capitals, "a.xml").signal(0, 0), 4.88);
  expect_error([] { parse_ecg_xml(muse("Rhythm", "AQD/"), "a.xml"); }, {"II: 3 bytes are no 16-bit samples"});
  expect_error([] { parse_ecg_xml(muse("Rhythm", "AQ?="), "a.xml"); }, {"II: the waveform is not in base64"});
  const cardiograd::testing::TemporaryFolder folder;
  write_file(folder / "a.xml", muse());
  const SourceRecording source = read_recording(folder / "a.xml");
  EXPECT_TRUE(std::abs(source.person.age - 5.0 / 12) <= 1e-12);
  EXPECT_EQ(source.person.sex, ecg::kFemale);
}

// A strip of one lead may stand before the leads of the recording, or behind them.
TEST(EcgXml, MuseWithSeveralRhythms) {
  const auto strip = [](const std::string& base, const std::string& data) {
    return "<Waveform><WaveformType>Rhythm</WaveformType><SampleBase>" + base +
           "</SampleBase><LeadData><LeadID>V1</LeadID><LeadAmplitudeUnitsPerBit>1</LeadAmplitudeUnitsPerBit>"
           "<LeadAmplitudeUnits>MICROVOLTS</LeadAmplitudeUnits><WaveFormData>" +
           data + "</WaveFormData></LeadData></Waveform>";
  };
  const std::string begin = "<Waveform><WaveformType>Median", end = "</RestingECG>";
  // Two samples at 500 Hz, four at 2000 Hz, and damaged ones.
  for (const std::string& other : {strip("500", "AQD//w=="), strip("2000", "AQD//wEA//8="), strip("500", "?")}) {
    for (const std::string& place : {begin, end}) {
      std::string text = muse();
      text.insert(text.find(place), other);
      const ecg::Recording recording = parse_ecg_xml(text, "a.xml");
      EXPECT_EQ(recording.rate, 500);
      EXPECT_EQ(recording.leads, std::vector<std::string>{"II"});
      EXPECT_EQ(recording.signal.rows(), 3);
      ASSERT_EQ(recording.others.size(), 1U);
      EXPECT_EQ(recording.others[0].name, "V1 of another waveform");
    }
  }
  std::string text = muse();
  text.insert(text.find(end), strip("500", "AQD//wEA//8="));
  EXPECT_EQ(parse_ecg_xml(text, "a.xml").leads, std::vector<std::string>{"V1"});
}

TEST(EcgXml, ABirthDateGivesTheAgeThatIsNotSaid) {
  const auto age = [](std::string text, const std::string& from, const std::string& to) {
    text.replace(text.find(from), from.size(), to);
    return parse_ecg_xml(text, "a.xml").comments.at(0);
  };
  EXPECT_EQ(age(muse(), "<PatientAge>5</PatientAge>", "<DateofBirth>11-23-1950</DateofBirth>"), "Age: 51");
  EXPECT_EQ(age(aecg(), "19530508", "1953"), "Age: 49");
  EXPECT_EQ(age(aecg(), "19530508", "20021101"), "Age: 21 days");
  std::string word = aecg();
  word.replace(word.find("code=\"F\""), 8, "code=\"Female\"");
  EXPECT_EQ(ecg::person_of(parse_ecg_xml(word, "a.xml").comments).sex, ecg::kFemale);
}

// One lead as the compressor writes it: second differences, high bytes then low bytes, codes of 10 bits. Pairs of equal
// bytes at the beginning are written as the code that a decoder has made of them by then.
std::string xli_chunk(const std::vector<int>& samples) {
  const auto correction = [&](std::size_t i) { return 2 * samples[i] - samples[i - 1] - samples[i + 1]; };
  std::vector<int> stored(samples.begin(), samples.begin() + 2);
  for (std::size_t i = 2; i < samples.size(); ++i) stored.push_back(i + 1 < samples.size() ? 64 + correction(i) : 64);
  std::vector<int> bytes, codes;
  for (const int value : stored) bytes.push_back(value >> 8 & 0xFF);
  for (const int value : stored) bytes.push_back(value & 0xFF);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    // Code 256 stands for the first two bytes; it is there once two codes are written.
    if (i >= 2 && i + 1 < bytes.size() && bytes[i] == bytes[0] && bytes[i + 1] == bytes[1]) {
      codes.push_back(256);
      ++i;
    } else {
      codes.push_back(bytes[i]);
    }
  }
  codes.push_back(1023);
  std::string packed;
  unsigned buffer = 0;
  int filled = 0;
  for (const int code : codes) {
    buffer = buffer << 10 | static_cast<unsigned>(code);
    for (filled += 10; filled >= 8; filled -= 8) packed += static_cast<char>(buffer >> (filled - 8) & 0xFF);
  }
  packed += static_cast<char>(buffer << (8 - filled) & 0xFF);
  packed += std::string(4, '\0');
  const auto number = [](int value, int count) {
    std::string text;
    for (int i = 0; i < count; ++i) text += static_cast<char>(value >> (8 * i) & 0xFF);
    return text;
  };
  return number(static_cast<int>(packed.size()), 4) + number(0, 2) + number(correction(1), 2) + packed;
}

std::string base64(const std::string& bytes) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    unsigned bits = 0;
    for (std::size_t k = 0; k < 3; ++k)
      bits = bits << 8 | (i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0U);
    for (int k = 3; k >= 0; --k) text += kDigits[bits >> (6 * k) & 63];
  }
  for (std::size_t i = bytes.size() % 3; i != 0 && i < 3; ++i) text[text.size() - (3 - i)] = '=';
  return text;
}

std::string philips(const std::string& attributes, const std::string& bytes) {
  return R"(<?xml version="1.0"?><restingecgdata xmlns="http://www3.medical.philips.com">
<dataacquisition date="2008-12-23" time="19:44:46"><signalcharacteristics><samplingrate>500</samplingrate>
<resolution>5</resolution></signalcharacteristics></dataacquisition>
<patient><generalpatientdata><age><years>57</years></age><sex>Male</sex></generalpatientdata></patient>
<waveforms><parsedwaveforms dataencoding="Base64" numberofleads="8" leadlabels="I II III aVR aVL aVF V1 V2" )" +
         attributes + ">\n" + base64(bytes) + "\n</parsedwaveforms></waveforms></restingecgdata>";
}

TEST(EcgXml, PhilipsCompressed) {
  const std::vector<int> one = {10, 12, 11, -7, 3}, two = {4, 9, 30, -300, 5}, v1 = {0, 0, 0, 1, 0}, zero(5, 0);
  std::string bytes;
  // The limb leads that follow from I and II are stored as differences from what follows: none, and 1 in aVR.
  for (const auto& lead : {one, two, zero, std::vector<int>(5, 1), zero, zero, v1, two}) bytes += xli_chunk(lead);
  const ecg::Recording recording =
      parse_ecg_xml(philips(R"(compressflag="True" compressmethod="XLI")", bytes), "p.xml");
  EXPECT_EQ(recording.rate, 500);
  EXPECT_EQ(recording.leads, (std::vector<std::string>{"I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2"}));
  ASSERT_EQ(recording.signal.rows(), 5);
  for (int t = 0; t < 5; ++t) {
    const auto i = static_cast<std::size_t>(t);
    const auto half = [](int x) { return static_cast<int>(std::floor(x / 2.0)); };
    EXPECT_EQ(recording.signal(t, 0), 5 * one[i]);
    EXPECT_EQ(recording.signal(t, 1), 5 * two[i]);
    EXPECT_EQ(recording.signal(t, 2), 5 * (two[i] - one[i]));
    EXPECT_EQ(recording.signal(t, 3), 5 * (-half(one[i] + two[i]) - 1));
    EXPECT_EQ(recording.signal(t, 4), 5 * half(2 * one[i] - two[i]));
    EXPECT_EQ(recording.signal(t, 5), 5 * half(2 * two[i] - one[i]));
    EXPECT_EQ(recording.signal(t, 6), 5 * v1[i]);
    EXPECT_EQ(recording.signal(t, 7), 5 * two[i]);
  }
  EXPECT_EQ(recording.start, "2008-12-23 19:44:46");
  EXPECT_EQ(recording.comments, (std::vector<std::string>{"Age: 57", "Sex: Male"}));
  expect_error([&] { parse_ecg_xml(philips(R"(compression="XLI")", bytes.substr(0, bytes.size() - 9)), "p.xml"); },
               {"p.xml: compressed waveform: a chunk of"});
  expect_error([&] { parse_ecg_xml(philips(R"(compression="ZIP")", bytes), "p.xml"); }, {"compressed with ZIP"});
}

TEST(EcgXml, PhilipsAgesOfChildren) {
  const std::string whole = philips(R"(compressflag="False")", std::string(16, '\0'));
  const std::string written = "<age><years>57</years></age>";
  const auto age = [&](const std::string& other) {
    std::string text = whole;
    text.replace(text.find(written), written.size(), other);
    return ecg::person_of(parse_ecg_xml(text, "p.xml").comments).age;
  };
  EXPECT_EQ(age(written), 57);
  EXPECT_DOUBLE_EQ(age("<age><years>0</years><months>7</months></age>"), 7.0 / 12);
  EXPECT_DOUBLE_EQ(age("<age><months>7</months></age>"), 7.0 / 12);
  EXPECT_DOUBLE_EQ(age("<age><years>2</years><months>3</months><days>0</days></age>"), 2.25);
  EXPECT_DOUBLE_EQ(age("<age><years>0</years><months>0</months><days>12</days></age>"), 12.0 / 365);
  EXPECT_EQ(age("<age><years>0</years><months>0</months></age>"), 0);
  EXPECT_DOUBLE_EQ(age("<age><years>0</years></age><dateofbirth>2008-10-14</dateofbirth>"), 70.0 / 365);
  EXPECT_EQ(age("<age><years>40</years></age><dateofbirth>2008-10-14</dateofbirth>"), 40);
}

TEST(EcgXml, PhilipsPlainHasTheIndependentLeads) {
  std::string bytes;
  for (int value = -8; value < 8; ++value)
    bytes += {static_cast<char>(value & 0xFF), static_cast<char>(value >> 8 & 0xFF)};
  const ecg::Recording recording = parse_ecg_xml(philips(R"(compression="Uncompressed")", bytes), "p.xml");
  EXPECT_EQ(recording.leads, (std::vector<std::string>{"I", "II", "V1", "V2"}));
  ASSERT_EQ(recording.signal.rows(), 2);
  EXPECT_EQ(recording.signal(0, 0), -40);
  EXPECT_EQ(recording.signal(1, 1), -25);
  EXPECT_EQ(recording.signal(0, 2), 20);
}

TEST(EcgXml, LongCommentsBeforeTheRoot) {
  const cardiograd::testing::TemporaryFolder folder;
  const std::string comment = "<!-- <html " + std::string(5000, 'x') + " -->\n";
  for (std::string text : {muse(), aecg("h:")}) {
    text.insert(text.find("?>") + 2, comment);
    EXPECT_TRUE(is_ecg_xml(text));
    write_file(folder / "a.xml", text);
    EXPECT_FALSE(read_recording(folder / "a.xml").recording.leads.empty());
  }
  std::string late = muse();
  late.insert(late.find("<RestingECG>"), comment);
  EXPECT_TRUE(is_ecg_xml(late)) << "behind the type of the document";
  EXPECT_FALSE(is_ecg_xml("<!--" + std::string(70000, 'x') + "-->" + muse().substr(43)));
  EXPECT_FALSE(is_ecg_xml("<CardiologyXML>" + std::string(5000, ' ') + "<RestingECGMeasurements/></CardiologyXML>"));
}

TEST(EcgXml, UnitsOfMuseInAnyCase) {
  for (const char* unit : {"microvolts", "Microvolt", "uV", "MICROVOLTS"}) {
    std::string text = muse();
    text.replace(text.find("MICROVOLTS"), 10, unit);
    const ecg::Recording recording = parse_ecg_xml(text, "a.xml");
    EXPECT_EQ(recording.units, std::vector<std::string>{"uV"}) << unit;
    EXPECT_EQ(recording.signal(0, 0), 4.88);
  }
}

}  // namespace
}  // namespace cardiograd::data
