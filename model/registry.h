// The models that can be trained, by name, and the sizes of one of them as a value.
//
// A model is one file: its configuration (a struct with the members of DataShape and its own, defaults included), the
// fields of that configuration, check() for what no range can say, a class derived from Model, and a function that
// returns model_kind<Config, Net>(...). One line in registry.cpp lists that function.
#pragma once

#include <any>
#include <concepts>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <typeinfo>
#include <utility>
#include <vector>

#include "model/config_field.h"
#include "model/model.h"

namespace cardiograd::model {

template <class Config>
concept ModelConfig = requires(Config& config, const Config& constant) {
  { config.classes } -> std::same_as<std::int64_t&>;
  { config.features } -> std::same_as<std::int64_t&>;
  { config.leads } -> std::same_as<std::int64_t&>;
  { config.samples } -> std::same_as<std::int64_t&>;
  { config_fields(config) } -> std::same_as<std::vector<ConfigField>>;
  check(constant);
};

// What the registry knows about a model; the functions take its configuration in a std::any.
struct ModelKind {
  std::string name;     // "hc_cnn_tn", for --model and files
  std::string title;    // "HC-CNN-TN", for people
  std::string meaning;  // a few words for help texts
  std::any defaults;
  DataShape (*shape)(const std::any&) = nullptr;
  void (*set_shape)(std::any&, const DataShape&) = nullptr;
  std::vector<ConfigField> (*fields)(std::any&) = nullptr;
  void (*check)(const std::any&) = nullptr;
  std::unique_ptr<Model> (*build)(const std::any&, std::uint64_t seed) = nullptr;
};

// The registry's entry of a model: `Net` is built from a `Config` and a seed.
template <ModelConfig Config, std::derived_from<Model> Net>
ModelKind model_kind(std::string_view name, std::string_view title, std::string_view meaning) {
  return {.name = std::string(name),
          .title = std::string(title),
          .meaning = std::string(meaning),
          .defaults = Config{},
          .shape =
              [](const std::any& any) {
                const auto& c = std::any_cast<const Config&>(any);
                return DataShape{c.classes, c.features, c.leads, c.samples};
              },
          .set_shape =
              [](std::any& any, const DataShape& shape) {
                auto& c = std::any_cast<Config&>(any);
                c.classes = shape.classes;
                c.features = shape.features;
                c.leads = shape.leads;
                c.samples = shape.samples;
              },
          .fields = [](std::any& any) { return config_fields(std::any_cast<Config&>(any)); },
          .check = [](const std::any& any) { check(std::any_cast<const Config&>(any)); },
          .build = [](const std::any& any, std::uint64_t seed) -> std::unique_ptr<Model> {
            return std::make_unique<Net>(std::any_cast<const Config&>(any), seed);
          }};
}

// All models, the default one first. References stay valid.
std::vector<const ModelKind*> known_models();
// Adds a model of the caller's. Throws std::logic_error for a name that is there. Not while other threads use models.
void register_model(ModelKind kind);
// Throws UsageError with the known names and the nearest.
const ModelKind& model_named(std::string_view name);

// The first fields of every model: what the data decide.
std::vector<ConfigField> data_shape_fields(std::int64_t& classes, std::int64_t& features, std::int64_t& leads,
                                           std::int64_t& samples);

// The configuration of one of the models. Copies are independent.
class Architecture {
 public:
  // HC-CNN-TN with its defaults.
  Architecture();
  // The defaults of a model; throws what model_named() throws.
  explicit Architecture(std::string_view model);
  template <ModelConfig Config>
  Architecture(Config config)  // NOLINT(google-explicit-constructor): each configuration is an architecture
      : Architecture(typeid(Config), std::move(config)) {}

  const ModelKind& kind() const { return *kind_; }
  DataShape shape() const { return kind_->shape(config_); }
  void set_shape(const DataShape& shape) { kind_->set_shape(config_, shape); }
  // Section "model"; they point into this object.
  std::vector<ConfigField> fields() { return kind_->fields(config_); }
  // Throws Error for sizes that cannot be.
  void check() const { kind_->check(config_); }
  // Initial weights from `seed`. Throws what check() throws, and OutOfMemory.
  std::unique_ptr<Model> build(std::uint64_t seed) const { return kind_->build(config_, seed); }

  // The configuration of a certain model. Throws std::bad_any_cast when it is another's.
  template <ModelConfig Config>
  Config& as() {
    return std::any_cast<Config&>(config_);
  }
  template <ModelConfig Config>
  const Config& as() const {
    return std::any_cast<const Config&>(config_);
  }

 private:
  Architecture(const std::type_info& type, std::any config);

  const ModelKind* kind_;
  std::any config_;
};

}  // namespace cardiograd::model
