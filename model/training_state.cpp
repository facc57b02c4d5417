#include "model/training_state.h"

#include <cmath>
#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/log.h"

namespace cardiograd::model {
namespace {

using nlohmann::json;

constexpr const char* kAnew = "Start the run anew in another folder.";

template <class Value>
void add(Hasher& hasher, const std::vector<Value>& values) {
  hasher.update(values.data(), values.size() * sizeof(Value));
}

// The signals of a set, wherever they are.
void add(Hasher& hasher, const data::Dataset& set) {
  const auto bytes = static_cast<std::size_t>(set.samples * set.leads) * sizeof(std::int16_t);
  for (std::int64_t record = 0; record < set.records; ++record) hasher.update(set.signal_of(record).data(), bytes);
}

void add(Hasher& hasher, const std::vector<std::string>& texts) {
  for (const std::string& text : texts) hasher.update(text.c_str(), text.size() + 1);
}

template <class... Parts>
std::string hash_of(const Parts&... parts) {
  Hasher hasher;
  (add(hasher, parts), ...);
  return to_string(hasher.digest());
}

json aucs_json(const std::vector<double>& aucs) {
  json list = json::array();
  for (const double auc : aucs) list.push_back(std::isnan(auc) ? json() : json(auc));
  return list;
}

json log_json(const std::vector<EpochResult>& log) {
  json rows = json::array();
  for (const EpochResult& r : log)
    rows.push_back({r.train_loss, r.val_loss, std::isnan(r.val_macro_auc) ? json() : json(r.val_macro_auc), r.lr,
                    r.samples_per_s, r.best, r.seconds, r.finished, aucs_json(r.auc)});
  return rows;
}

std::vector<EpochResult> log_from(const json& rows) {
  std::vector<EpochResult> log;
  for (const json& row : rows) {
    const double auc = row.at(2).is_null() ? std::nan("") : row.at(2).get<double>();
    log.push_back({.epoch = static_cast<std::int64_t>(log.size()) + 1,
                   .train_loss = row.at(0),
                   .val_loss = row.at(1),
                   .val_macro_auc = auc,
                   .lr = row.at(3),
                   .samples_per_s = row.at(4),
                   .best = row.at(5)});
    if (row.size() < 9) continue;  // Written by an earlier version.
    log.back().seconds = row.at(6);
    log.back().finished = row.at(7);
    for (const json& one : row.at(8)) log.back().auc.push_back(one.is_null() ? std::nan("") : one.get<double>());
  }
  return log;
}

void check_data(const json& state, const std::string& origin, const RunSource& source) {
  const auto before = state.at("data").get<std::map<std::string, std::string>>();
  std::vector<std::string> differ;
  for (const auto& [part, hash] : source.data)
    if (const auto found = before.find(part); found == before.end() || found->second != hash) differ.push_back(part);
  for (const auto& [part, hash] : before)
    if (!source.data.contains(part)) differ.push_back(part);
  if (!differ.empty())
    throw Error(fmt::format("{}: the run was begun on other data; what differs: {}", origin, fmt::join(differ, ", ")),
                "Restore the data as they were, or start another run with another --out.");
}

// Names and values of another version are no difference: they are not there to compare.
void check_values(const json& state, const std::string& origin, const RunSource& source, bool allow_changes) {
  const json& before = state.at("config");
  for (const auto& [name, text] : source.values) {
    // The data's hashes count, wherever they lie, and that of the model in training.init.
    if (name == "data.folder" || name == "data.labels" || name == "training.init" || !before.contains(name)) continue;
    const auto then = before.at(name).get<std::string>();
    if (then == text) continue;
    if (!may_change(name) || !allow_changes)
      throw Error(fmt::format("{}: the run was begun with {} = {}, and it is {} now", origin, name, then, text),
                  may_change(name) ? "Change it back, or go on with the new value by --allow-changes."
                                   : "Change it back, or start another run with another --out.");
    log_warning("{} was {}, and is {} from here on", name, then, text);
  }
}

}  // namespace

bool is_best(double val_macro_auc, const std::vector<EpochResult>& earlier) {
  return std::none_of(earlier.begin(), earlier.end(), [&](const EpochResult& other) {
    return !(val_macro_auc > other.val_macro_auc) && !std::isnan(other.val_macro_auc);
  });
}

bool may_change(std::string_view value) {
  return value.starts_with("training.") && value != "training.seed" && value != "training.init" &&
         value != "training.crop" && value != "training.init_lr_factor" && value != "training.freeze";
}

std::string records_hash(const data::Dataset& set) {
  return hash_of(set.ecg_ids, set.folds, set.paths);
}

RunSource run_source(const TrainingConfig& config, const data::Dataset& set) {
  RunSource source;
  TrainingConfig copy = config;
  for (const ConfigField& field : config_fields(copy))
    if (field.section != "run") source.values.emplace_back(field.name(), field.text());
  const std::vector<std::int64_t> sizes = {set.records, set.samples, set.leads};
  const std::vector<double> rate = {set.rate};
  source.data = {{"ecg_id", hash_of(set.ecg_ids, set.paths)},
                 {"folds", hash_of(set.folds)},
                 {"classes", hash_of(set.class_names)},
                 {"labels", hash_of(set.labels)},
                 {"features", hash_of(set.feature_names, set.features)},
                 {"signals", hash_of(sizes, rate, std::vector<std::string>{set.unit, set.filter}, set.lead_names,
                                     set.scales, set)}};
  return source;
}

std::string training_state_text(const TrainingProgress& progress, const RunSource& source) {
  json config = json::object();
  for (const auto& [name, text] : source.values) config[name] = text;
  return json{{"steps", progress.steps},
              {"log", log_json(progress.log)},
              {"samples_of_epoch", progress.position.samples},
              {"loss_of_epoch", progress.position.loss},
              {"models", progress.models},
              {"config", config},
              {"data", source.data}}
      .dump(-1, ' ', false, json::error_handler_t::replace);
}

TrainingProgress parse_training_state(const std::string& text, const std::string& origin, const RunSource& source,
                                      bool allow_changes) {
  try {
    const json state = parse_json(text);
    TrainingProgress progress;
    progress.steps = state.at("steps");
    progress.log = log_from(state.at("log"));
    progress.models = state.value("models", progress.models);
    if (state.contains("config")) {
      progress.position = {.samples = state.at("samples_of_epoch"), .loss = state.at("loss_of_epoch")};
      // The values first: another one of them makes other data.
      check_values(state, origin, source, allow_changes);
      check_data(state, origin, source);
    } else if (allow_changes) {
      log_warning("{}: of an earlier version, which did not say what the run was made of: it goes on unchecked",
                  origin);
    } else {
      throw Error(fmt::format("{}: of an earlier version: it does not say what the run was made of", origin),
                  "Go on unchecked with --allow-changes, or start the run anew in another folder.");
    }
    return progress;
  } catch (const json::exception& error) {
    throw Error(fmt::format("{}: the training state is damaged: {}", origin, error.what()), kAnew);
  }
}

}  // namespace cardiograd::model
