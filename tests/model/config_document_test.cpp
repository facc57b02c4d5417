#include "model/config_document.h"

#include <string>

#include <gtest/gtest.h>

#include "base/file.h"
#include "model/training_config.h"

namespace cardiograd::model {
namespace {

TEST(ConfigDocument, TheCommittedFileIsWhatTheFieldListGives) {
  EXPECT_EQ(read_file(std::string(CARDIOGRAD_TESTS_DIR) + "/../docs/configuration.md"), configuration_document())
      << "make it anew: train --config-help > docs/configuration.md";
}

TEST(ConfigDocument, HasARowForEachValue) {
  const std::string text = configuration_document();
  TrainingConfig config;
  for (const ConfigField& field : config_fields(config)) {
    EXPECT_NE(text.find("\n| `" + field.key + "` | "), std::string::npos) << field.key;
    EXPECT_FALSE(field.help.empty()) << field.key;
  }
}

}  // namespace
}  // namespace cardiograd::model
