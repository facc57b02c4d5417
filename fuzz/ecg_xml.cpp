// HL7 aECG, GE MUSE and Philips files.
#include "data/ecg_xml.h"

#include "fuzz/target.h"

namespace cardiograd::fuzz {

const Target kEcgXml("ecg_xml", [](std::string_view input) {
  data::is_ecg_xml(input);
  data::parse_ecg_xml(input, "r.xml");
});

}  // namespace cardiograd::fuzz
