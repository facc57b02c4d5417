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
  expect_error([] { parse_ecg_xml(aecg("", "1 2"), "a.xml"); },
               {"MDC_ECG_LEAD_AVR has 2 samples, MDC_ECG_LEAD_I has 4"});
  const std::string whole = aecg();
  for (std::size_t size = 200; size < whole.size(); size += 97)
    expect_error([&] { parse_ecg_xml(whole.substr(0, size), "a.xml"); }, {"a.xml: "});
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
  expect_error([] { parse_ecg_xml(muse("Rhythm", "AQD/"), "a.xml"); }, {"II: 3 bytes are no 16-bit samples"});
  expect_error([] { parse_ecg_xml(muse("Rhythm", "AQ?="), "a.xml"); }, {"II: the waveform is not in base64"});
  const cardiograd::testing::TemporaryFolder folder;
  write_file(folder / "a.xml", muse());
  const SourceRecording source = read_recording(folder / "a.xml");
  EXPECT_TRUE(std::abs(source.person.age - 5.0 / 12) <= 1e-12);
  EXPECT_EQ(source.person.sex, ecg::kFemale);
}

}  // namespace
}  // namespace cardiograd::data
