// The twelve standard leads and their one order in this project.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cardiograd::ecg {

inline constexpr std::size_t kStandardLeadCount = 12;
inline constexpr std::array<std::string_view, kStandardLeadCount> kStandardLeads = {
    "I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6"};

// Whether two names are the same but for upper and lower case.
bool same_lead(std::string_view a, std::string_view b);

// The first of `names` that is the same lead as `wanted`.
std::optional<std::size_t> find_lead(std::span<const std::string> names, std::string_view wanted);

// Whether `names` are exactly kStandardLeads: order, case and number.
bool are_standard_leads(std::span<const std::string> names);

// Where each standard lead stands among `names` (same_lead); other leads are left aside. Throws Error naming `record`
// and the leads that are missing or there twice.
std::array<std::size_t, kStandardLeadCount> match_standard_leads(std::span<const std::string> names,
                                                                 const std::string& record);

// A name without accents (without_accents), with plain letters for Roman numerals that are one character, and "lead"
// for that word in Chinese, Japanese, Korean, Russian and Greek.
std::string plain_lead_name(std::string_view name);

// Whether a word of a name, in lower case and without accents, only says that a lead's name is beside it: "lead",
// "channel", "ch", "ableitung", "derivation".
bool is_lead_filler(std::string_view word);

// The place in kStandardLeads of a lead named in any of the usual ways: "aVR", "AVR", "Lead II", "II lead", "CH_I",
// "ECG V1", "EKG I", "MDC_ECG_LEAD_III", "1: I", "D1" or "DII" (derivation), "L2", "C4" (chest), and those of
// plain_lead_name() and is_lead_filler(). Nothing for other names, a modified "MLII" or an inverted "-aVR", "ECG -aVR"
// or "aVR-" among them; the hyphen of "ECG-II" is no sign.
std::optional<std::size_t> standard_lead(std::string_view name);

// Whether a name has nothing but "C1" to "C6" in it: chest leads, or electrodes of an EEG.
bool is_chest_or_eeg(std::string_view name);

// Whether those names are chest leads here: three or more of them are there, no other name is that of a chest lead, and
// none has an electrode of the 10-20 system in it.
bool has_chest_leads_as_c(std::span<const std::string> names);

// standard_lead of each name; nothing for "C1" to "C6" that are electrodes of an EEG.
std::vector<std::optional<std::size_t>> standard_leads(std::span<const std::string> names);

// An accented letter of Latin-1 without its accent, in lower case; '\0' for all that is none.
char without_accent(unsigned char latin);
// The same for all letters of a name in UTF-8 or Latin-1; the other bytes as they are.
std::string without_accents(std::string_view name);

// The first two of `names` that are one lead: the same standard lead, however it is spelled, or the same name but for
// upper and lower case. Nothing where all differ.
std::optional<std::pair<std::size_t, std::size_t>> find_same_leads(std::span<const std::string> names);

// The words of a name in lower case; bytes of other alphabets count as letters.
std::vector<std::string> words_of(std::string_view name);

}  // namespace cardiograd::ecg
