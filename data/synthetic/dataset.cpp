#include "data/synthetic/dataset.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <memory>
#include <mutex>
#include <optional>
#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <signal.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/rename.h"
#include "base/threads.h"
#include "data/synthetic/database_row.h"
#include "data/synthetic/record.h"
#include "data/synthetic/scp_statements.h"
#include "data/synthetic_marker.h"
#include "data/wfdb.h"
#include "ecg/leads.h"
#include "ecg/recording.h"

namespace cardiograd::data::synthetic {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kMarker = kSyntheticMarker;
constexpr std::int64_t kBatch = 64;  // Records made at once; their rows are then written in order.

// As PTB-XL's headers spell them.
constexpr std::string_view kLeadNames[] = {"I", "II", "III", "AVR", "AVL", "AVF", "V1", "V2", "V3", "V4", "V5", "V6"};

// Absolute, without "." and a trailing slash.
fs::path normal_path(const fs::path& path) {
  fs::path result = fs::absolute(path).lexically_normal();
  if (!result.has_filename()) result = result.parent_path();
  return result;
}

bool is_inside(const fs::path& path, const fs::path& folder) {
  const fs::path relative = path.lexically_relative(folder);
  return !relative.empty() && *relative.begin() != "..";
}

// "records100/00000/00001_lr.hea" and the like.
bool is_record_file(const fs::path& relative) {
  const std::string rate = relative.begin()->string(), stem = relative.stem().string();
  const fs::path extension = relative.extension();
  const auto is_number = [](std::string_view text) {
    return text.size() >= 5 && text.find_first_not_of("0123456789") == text.npos;
  };
  return std::distance(relative.begin(), relative.end()) == 3 && (rate == "records100" || rate == "records500") &&
         is_number(relative.parent_path().filename().string()) && (extension == ".hea" || extension == ".dat") &&
         stem.ends_with(rate == "records100" ? "_lr" : "_hr") && is_number(stem.substr(0, stem.size() - 3));
}

// Everything in `folder` must be what write_dataset makes; messages call the folder `name`.
void check_content(const fs::path& folder, const fs::path& name) {
  if (fs::is_empty(folder)) return;
  if (!fs::exists(folder / kMarker))
    throw Error(
        fmt::format("{}: holds something else than a synthetic dataset ({} is missing)", name.string(), kMarker),
        "Give another --out; --force replaces only what this program wrote.");
  const std::set<std::string> tables = {"ptbxl_database.csv", "scp_statements.csv", std::string(kMarker), "truth.csv"};
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const fs::path relative = entry.path().lexically_relative(folder);
    const bool file = !entry.is_symlink() && entry.is_regular_file();
    const bool records = !entry.is_symlink() && entry.is_directory() && relative.string().starts_with("records");
    const bool known = records || (file && (tables.contains(relative.string()) || is_record_file(relative)));
    if (!known)
      throw Error(fmt::format("{}: '{}' is no part of a synthetic dataset", name.string(), relative.string()),
                  "Move it elsewhere, or give another --out.");
  }
}

// Only what write_dataset made may be replaced: --force must not cost anybody a real dataset.
void check_destination(const fs::path& folder, bool force) {
  if (!fs::exists(fs::symlink_status(folder))) return;
  if (!force)
    throw Error(fmt::format("{}: is there already", folder.string()),
                "Give another --out, or --force to replace a synthetic dataset.");
  if (fs::is_symlink(folder) || !fs::is_directory(folder))
    throw Error(fmt::format("{}: is no folder", folder.string()), "Give another --out.");
  if (fs::is_empty(folder)) return;
  check_content(folder, folder);
}

// A hidden folder beside the destination that disappears unless it was put in place. What a killed process left behind
// for the same destination is removed; a set that it had put aside comes back.
class StagingFolder {
 public:
  explicit StagingFolder(const fs::path& destination)
      : destination_(destination), prefix_(fmt::format(".{}.", destination.filename().string())) {
    tidy_up();
    path_ = destination_.parent_path() / fmt::format("{}{}.partial", prefix_, ::getpid());
    std::error_code error;
    if (!fs::create_directory(path_, error))
      throw Error(fmt::format("{}: cannot be written: {}", destination_.parent_path().string(),
                              error ? error.message() : path_.filename().string() + " is in the way"),
                  "Give an --out in a folder that exists and where you may write.");
  }
  ~StagingFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  StagingFolder(const StagingFolder&) = delete;
  StagingFolder& operator=(const StagingFolder&) = delete;

  const fs::path& path() const { return path_; }

  // In one step where the file system knows how: a set that is there and may be replaced trades places with this one,
  // and is looked at once more before it is deleted.
  void put_in_place(bool force) {
    if (rename_to_new(path_, destination_)) return sync_folder(destination_.parent_path());
    check_destination(destination_, force);
    if (exchange(path_, destination_)) {
      try {
        check_content(path_, destination_);
      } catch (const Error&) {
        exchange(path_, destination_);
        throw;
      }
    } else {
      swap_in_two_steps();
    }
    sync_folder(destination_.parent_path());
  }

 private:
  // Killed between the two, the old set lies aside under a name that tidy_up() knows.
  void swap_in_two_steps() {
    const fs::path aside = destination_.parent_path() / fmt::format("{}{}.old.partial", prefix_, ::getpid());
    if (!rename_to_new(destination_, aside) || !rename_to_new(path_, destination_)) {
      rename_to_new(aside, destination_);
      throw Error(fmt::format("{}: something has appeared there meanwhile", destination_.string()),
                  "Give another --out; nothing was changed.");
    }
    path_ = aside;  // The destructor removes it.
  }

  // ".<name>.<process>.partial" and ".<name>.<process>.old.partial" of processes that live no more.
  void tidy_up() const {
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(destination_.parent_path(), ignored)) {
      const std::string name = entry.path().filename().string();
      if (!name.starts_with(prefix_) || !entry.is_directory(ignored) || entry.is_symlink(ignored)) continue;
      pid_t pid = 0;
      const auto [end, error] = std::from_chars(name.data() + prefix_.size(), name.data() + name.size(), pid);
      const std::string_view rest(end, static_cast<std::size_t>(name.data() + name.size() - end));
      if (error != std::errc() || pid <= 0 || (rest != ".partial" && rest != ".old.partial")) continue;
      if (::kill(pid, 0) != -1 || errno != ESRCH) continue;
      if (rest == ".old.partial" && rename_to_new(entry.path(), destination_)) continue;
      fs::remove_all(entry.path(), ignored);
    }
  }

  fs::path destination_;
  std::string prefix_;
  fs::path path_;
};

std::string options_text(const DatasetOptions& options) {
  constexpr std::string_view kLevels[] = {"none", "low", "typical", "high"};
  constexpr std::string_view kRateNames[] = {"100", "500", "both"};
  const nlohmann::ordered_json json = {{"made_by", "cardiograd synthesize"},
                                       {"records", options.population.records},
                                       {"seed", options.population.seed},
                                       {"task", task_name(options.population.task)},
                                       {"min_per_class", options.population.min_per_class},
                                       {"rate", kRateNames[static_cast<int>(options.rates)]},
                                       {"noise", kLevels[static_cast<int>(options.noise)]}};
  return json.dump(2) + "\n";
}

std::string truth_text(std::string_view record, const std::vector<TrueBeat>& truth) {
  std::string text;
  for (const TrueBeat& row : truth) {
    text += fmt::format("{},{},{}", record, row.lead < 0 ? "all" : kLeadNames[row.lead], row.beat);
    for (const ecg::Wave* wave : {&row.p, &row.qrs, &row.t})
      for (const double time : {wave->onset_s, wave->peak_s, wave->offset_s})
        text += std::isfinite(time) ? fmt::format(",{:.4f}", time) : ",";
    text += '\n';
  }
  return text;
}

// "00000/00001": PTB-XL's folders of a thousand.
std::string folder_of(std::int64_t ecg_id) {
  return fmt::format("{:05}", ecg_id / 1000 * 1000);
}

ecg::Recording to_recording(const Eigen::ArrayXXd& signal, double rate) {
  ecg::Recording recording;
  recording.rate = rate;
  recording.leads.assign(std::begin(kLeadNames), std::end(kLeadNames));
  recording.units.assign(ecg::kStandardLeadCount, "mV");
  recording.comments = {kSyntheticComment};
  // What an ADC of 16 bits at 1 µV can hold.
  recording.signal = signal.max(-32.767).min(32.767);
  return recording;
}

void write_staged_wfdb(const fs::path& folder, const std::string& name, const ecg::Recording& recording) {
  const WfdbFiles files = encode_wfdb(name, recording);
  write_staged_file(folder / (name + ".dat"), files.samples);
  write_staged_file(folder / (name + ".hea"), files.header);
}

struct Rows {
  std::string database;
  std::string truth;
};

Rows write_record(const DatasetOptions& options, const fs::path& folder, const PlannedRecord& plan) {
  const SyntheticRecord record = synthesize_record({.seed = options.population.seed,
                                                    .record = plan.ecg_id,
                                                    .patient = plan.patient_id,
                                                    .person = plan.person,
                                                    .statements = plan.statements,
                                                    .fibrillation = plan.fibrillation,
                                                    .premature_beats = plan.premature_beats,
                                                    .noise = options.noise,
                                                    .with_truth = options.truth.has_value()});
  const std::string thousand = folder_of(plan.ecg_id);
  std::string stem_lr;
  std::string stem_hr;
  if (options.rates != Rates::k500) {
    const std::string name = fmt::format("{:05}_lr", plan.ecg_id);
    write_staged_wfdb(folder / "records100" / thousand, name, to_recording(to_100_hz(record.signal), 100));
    stem_lr = fmt::format("records100/{}/{}", thousand, name);
  }
  if (options.rates != Rates::k100) {
    const std::string name = fmt::format("{:05}_hr", plan.ecg_id);
    write_staged_wfdb(folder / "records500" / thousand, name, to_recording(record.signal, kRate));
    stem_hr = fmt::format("records500/{}/{}", thousand, name);
  }
  return {database_row(plan, record, stem_lr, stem_hr), truth_text(stem_lr.empty() ? stem_hr : stem_lr, record.truth)};
}

void create_record_folders(const DatasetOptions& options, const fs::path& folder) {
  for (std::int64_t first = 0; first <= options.population.records; first += 1000) {
    if (options.rates != Rates::k500) fs::create_directories(folder / "records100" / folder_of(first));
    if (options.rates != Rates::k100) fs::create_directories(folder / "records500" / folder_of(first));
  }
}

}  // namespace

Rates rates_of(std::string_view name) {
  if (name == "100") return Rates::k100;
  if (name == "500") return Rates::k500;
  if (name == "both") return Rates::kBoth;
  throw UsageError(fmt::format("--rate {}: unknown rate", name), "Use 100, 500 or both.");
}

void write_dataset(const DatasetOptions& options) {
  const std::vector<PlannedRecord> plans = plan_population(options.population);
  const fs::path destination = normal_path(options.folder);
  check_destination(destination, options.force);
  StagingFolder staging(destination);

  std::optional<AtomicFile> truth;
  if (options.truth) {
    fs::path file = normal_path(*options.truth);
    if (is_inside(file, destination)) {
      if (file != destination / "truth.csv")
        throw UsageError(fmt::format("--truth {} lies inside --out", options.truth->string()),
                         "Inside the dataset the file must be named truth.csv.");
      file = staging.path() / "truth.csv";
    }
    truth.emplace(file);
    truth->write(
        "record,lead,beat,p_onset_s,p_peak_s,p_offset_s,qrs_onset_s,r_peak_s,qrs_offset_s,t_onset_s,t_peak_s,"
        "t_offset_s\n");
  }
  create_record_folders(options, staging.path());
  std::string database(database_header());
  const auto total = static_cast<std::int64_t>(plans.size());
  std::mutex progress_mutex;
  std::int64_t done = 0;
  for (std::int64_t first = 0; first < total; first += kBatch) {
    std::vector<Rows> rows(static_cast<std::size_t>(std::min(kBatch, total - first)));
    parallel_for(static_cast<std::int64_t>(rows.size()), [&](std::int64_t i) {
      rows[static_cast<std::size_t>(i)] =
          write_record(options, staging.path(), plans[static_cast<std::size_t>(first + i)]);
      const std::lock_guard lock(progress_mutex);
      ++done;
      if (options.progress) options.progress(done, total);
    });
    for (const Rows& row : rows) {
      database += row.database;
      if (truth) truth->write(row.truth);
    }
  }
  write_staged_file(staging.path() / "ptbxl_database.csv", database);
  write_staged_file(staging.path() / "scp_statements.csv", scp_statements_csv());
  write_staged_file(staging.path() / kMarker, options_text(options));
  const bool truth_inside = options.truth && is_inside(normal_path(*options.truth), destination);
  if (truth_inside) truth->commit();
  sync_file_system(staging.path());
  staging.put_in_place(options.force);
  if (truth && !truth_inside) truth->commit();
}

}  // namespace cardiograd::data::synthetic
