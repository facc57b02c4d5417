// Any recording as the twelve standard leads in their order: matched by name, brought to one unit, and computed from
// other limb leads where Einthoven's and Goldberger's identities allow.
#pragma once

#include <span>
#include <string>
#include <vector>

#include <Eigen/Core>

#include "ecg/recording.h"

namespace cardiograd::ecg {

struct DerivedLead {
  std::string lead;
  std::string formula;  // "II - I"
};

struct TwelveLeads {
  // The twelve leads in their order, in mV where the source has a voltage, else in the source's one unit. Leads that
  // are neither there nor derivable are NaN throughout, and `missing` names them.
  Recording recording;
  std::vector<DerivedLead> derived;
  std::vector<std::string> missing;
  std::vector<std::string> unused;  // names of the source's other signals
};

// Each of the six limb leads is a sum of any two others (a volt-free unit such as z has no such sums). Throws Error
// naming the recording and the lead: a standard lead is there twice, or leads are in units that cannot be brought to
// one.
TwelveLeads twelve_leads(const Recording& source);

// The same for the leads `wanted`, in that order and by these names; `missing` and `derived` are about them alone.
// Names of standard leads are found in all their spellings and derived where that is possible; any other name ("MLII",
// "ES") is looked for as it is, whatever its case.
TwelveLeads named_leads(const Recording& source, std::span<const std::string> wanted);

// The twelve leads (samples, 12) in their order from the eight that are independent (samples, 8): I, II, V1 ... V6.
// III = II - I, aVR = -(I + II) / 2, aVL = I - II / 2, aVF = II - I / 2, each rounded once.
Eigen::ArrayXXd complete_leads(const Eigen::ArrayXXd& independent);

}  // namespace cardiograd::ecg
