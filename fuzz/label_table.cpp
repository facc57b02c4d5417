// Tables of one's own labels. The first byte of the input says whether classes are chosen.
#include "data/label_table.h"

#include "fuzz/target.h"

namespace cardiograd::fuzz {

const Target kLabelTable("label_table", [](std::string_view input) {
  if (input.empty()) return;
  const bool chosen = (static_cast<unsigned char>(input[0]) & 1U) != 0;
  input.remove_prefix(1);
  const auto classes = chosen ? std::vector<std::string>{"B", "A"} : std::vector<std::string>{};
  const data::LabelTable table = data::parse_label_table(input, "own.csv", classes);
  if (table.rows.empty() || table.class_names.empty()) fail("a table without rows or classes");
  for (const data::LabelRow& row : table.rows)
    if (row.path.empty() || row.fold < 1 || row.labels.size() != table.class_names.size()) fail("half a row");
});

}  // namespace cardiograd::fuzz
