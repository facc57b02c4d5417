#include "model/training_log.h"

#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "base/error.h"
#include "data/csv.h"

namespace cardiograd::model {

std::vector<EpochResult> read_training_log(const std::filesystem::path& path) {
  const data::CsvTable csv = data::CsvTable::read(path);
  const auto value = [&csv](std::size_t row, const char* name) {
    return csv.number(row, csv.column(name), /*optional=*/false).value_or(std::numeric_limits<double>::quiet_NaN());
  };
  std::vector<std::size_t> aucs;
  for (std::size_t column = 0; column < csv.columns().size(); ++column)
    if (csv.columns()[column].starts_with("auc_")) aucs.push_back(column);
  std::vector<EpochResult> log;
  for (std::size_t row = 0; row < csv.rows(); ++row) {
    EpochResult result;
    const double epoch = value(row, "epoch");
    if (epoch != static_cast<double>(row + 1))
      throw Error(fmt::format("{}: column 'epoch': found {}, expected {}", csv.place(row), epoch, row + 1),
                  "Take the log.csv that train wrote.");
    result.epoch = static_cast<std::int64_t>(row) + 1;
    result.train_loss = value(row, "train_loss");
    result.val_loss = value(row, "val_loss");
    result.val_macro_auc = value(row, "val_macro_auc");
    result.lr = value(row, "lr");
    result.samples_per_s = value(row, "samples_per_s");
    if (const auto seconds = csv.find_column("seconds"))
      result.seconds = csv.number(row, *seconds, /*optional=*/false).value_or(0);
    if (const auto finished = csv.find_column("finished")) result.finished = csv.cell(row, *finished);
    for (const std::size_t column : aucs)
      result.auc.push_back(
          csv.number(row, column, /*optional=*/false).value_or(std::numeric_limits<double>::quiet_NaN()));
    result.best = is_best(result.val_macro_auc, log);
    log.push_back(result);
  }
  return log;
}

}  // namespace cardiograd::model
