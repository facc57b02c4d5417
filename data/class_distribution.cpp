#include "data/class_distribution.h"

#include <map>
#include <set>
#include <utility>

namespace cardiograd::data {
namespace {

using Counts = std::map<std::string, std::int64_t>;

}  // namespace

ClassDistribution class_distribution(const PtbxlDatabase& database, const ScpTable& statements) {
  Counts super_counts;
  std::map<std::string, Counts> sub_counts;
  for (const DiagnosticClasses& classes : statements.all_classes()) {
    super_counts[classes.superclass] = 0;
    sub_counts[classes.superclass][classes.subclass] = 0;
  }
  ClassDistribution distribution;
  distribution.records = static_cast<std::int64_t>(database.rows.size());
  for (const PtbxlRow& row : database.rows) {
    std::set<std::string> supers;
    std::set<std::pair<std::string, std::string>> subs;
    for (const ScpStatement& statement : row.statements) {
      const DiagnosticClasses* classes = statements.find(statement.code);
      if (classes == nullptr) continue;
      supers.insert(classes->superclass);
      subs.emplace(classes->superclass, classes->subclass);
    }
    if (supers.empty()) ++distribution.unlabeled;
    for (const std::string& name : supers) ++super_counts[name];
    for (const auto& [super, sub] : subs) ++sub_counts[super][sub];
  }
  for (const auto& [name, records] : super_counts) {
    SuperclassCount one{name, records, {}};
    for (const auto& [sub, sub_records] : sub_counts[name]) one.subclasses.push_back({sub, sub_records});
    distribution.superclasses.push_back(std::move(one));
  }
  return distribution;
}

}  // namespace cardiograd::data
