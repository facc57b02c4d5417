#include "data/signal_cache.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tests/common/temporary_folder.h"
#include "tests/data/helpers.h"

namespace cardiograd::data {
namespace {

namespace fs = std::filesystem;
using cardiograd::testing::TemporaryFolder;

SignalCache small_cache() {
  SignalCache cache;
  cache.key = "key";
  cache.unit = "mV";
  cache.filter = "none";
  cache.samples = 3;
  cache.leads = 2;
  cache.rows = {0, 4};
  cache.signals = {1, -2, 3, -4, 5, -6, 7, -8, 9, -10, 11, -32768};
  cache.scales = {0.001F, 0.002F, 0.003F, 0.004F};
  cache.features = {1.5F, 2.5F};
  cache.invalid_samples = {0, 1};
  cache.flat_leads = {0, 2};
  cache.files = {"a.hea", "sub/b c.dat"};
  cache.stamps.resize(2);
  return cache;
}

TEST(SignalCache, RoundTrip) {
  TemporaryFolder folder;
  const SignalCache saved = small_cache();
  save_signal_cache(folder / "c", saved);
  std::string reason;
  const auto loaded = load_signal_cache(folder / "c", "key", reason);
  ASSERT_TRUE(loaded.has_value()) << reason;
  EXPECT_EQ(loaded->unit, saved.unit);
  EXPECT_EQ(loaded->filter, saved.filter);
  EXPECT_EQ(loaded->samples, saved.samples);
  EXPECT_EQ(loaded->leads, saved.leads);
  EXPECT_EQ(loaded->rows, saved.rows);
  EXPECT_EQ(loaded->signals, saved.signals);
  EXPECT_EQ(loaded->scales, saved.scales);
  EXPECT_EQ(loaded->features, saved.features);
  EXPECT_EQ(loaded->invalid_samples, saved.invalid_samples);
  EXPECT_EQ(loaded->flat_leads, saved.flat_leads);
  EXPECT_EQ(loaded->files, saved.files);
}

TEST(SignalCache, EveryCutAndEveryFlippedBitIsNoticed) {
  TemporaryFolder folder;
  save_signal_cache(folder / "c", small_cache());
  const std::string good = read_file(folder / "c");
  std::string reason;
  // Not write_file: a thousand syncs to disk would take seconds.
  const auto put = [&](const std::string& content) { std::ofstream(folder / "c", std::ios::binary) << content; };
  for (std::size_t size = 0; size < good.size(); ++size) {
    put(good.substr(0, size));
    EXPECT_FALSE(load_signal_cache(folder / "c", "key", reason).has_value()) << size;
  }
  for (std::size_t at = 0; at < good.size(); ++at) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ (1 << at % 8));
    put(bad);
    EXPECT_FALSE(load_signal_cache(folder / "c", "key", reason).has_value()) << at;
  }
}

TEST(SignalCache, SaysWhyItIsNotUsed) {
  TemporaryFolder folder;
  std::string reason;
  EXPECT_FALSE(load_signal_cache(folder / "c", "key", reason).has_value());
  EXPECT_EQ(reason, "there is none yet");
  save_signal_cache(folder / "c", small_cache());
  EXPECT_FALSE(load_signal_cache(folder / "c", "other", reason).has_value());
  EXPECT_NE(reason.find("other settings"), std::string::npos);
  fs::remove(folder / "c");
  fs::create_directory(folder / "c");
  EXPECT_FALSE(load_signal_cache(folder / "c", "key", reason).has_value());
  EXPECT_NE(reason.find("no cache"), std::string::npos);
}

// Opening a pipe would wait for its writer, and a device has no end.
TEST(SignalCache, WhatIsNoRegularFileIsNotUsed) {
  const TemporaryFolder folder;
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  fs::create_symlink("/dev/zero", folder / "device");
  fs::create_directory(folder / "folder");
  for (const char* name : {"pipe", "device", "folder"}) {
    std::string reason;
    EXPECT_FALSE(load_signal_cache(folder / name, "key", reason)) << name;
    EXPECT_FALSE(map_signal_cache(folder / name, "key", reason)) << name;
  }
}

TEST(SignalCache, SectionsThatDoNotFitTogetherAreRefused) {
  TemporaryFolder folder;
  std::string reason;
  SignalCache cache = small_cache();
  cache.signals.pop_back();
  save_signal_cache(folder / "c", cache);
  EXPECT_FALSE(load_signal_cache(folder / "c", "key", reason).has_value());
  cache = small_cache();
  cache.files.pop_back();
  save_signal_cache(folder / "c", cache);
  EXPECT_FALSE(load_signal_cache(folder / "c", "key", reason).has_value());
  cache = small_cache();
  cache.samples = -3;
  save_signal_cache(folder / "c", cache);
  EXPECT_FALSE(load_signal_cache(folder / "c", "key", reason).has_value());
}

TEST(SignalCache, SourcesAreComparedBySizeTimesAndContent) {
  TemporaryFolder folder;
  SignalCache cache;
  write_file(folder / "a", "content");
  cache.files = {"a"};
  cache.stamps = {*stamp_of(folder / "a")};
  cache.stamps[0].hash = content_hash("content");
  std::string changed;
  EXPECT_EQ(check_sources(folder.path(), cache, changed), Sources::kSame);
  write_file(folder / "a", "content");
  EXPECT_EQ(check_sources(folder.path(), cache, changed), Sources::kTouched);
  EXPECT_EQ(check_sources(folder.path(), cache, changed), Sources::kSame);
  write_file(folder / "a", "c0ntent");
  EXPECT_EQ(check_sources(folder.path(), cache, changed), Sources::kChanged);
  EXPECT_EQ(changed, "a");
  fs::remove(folder / "a");
  EXPECT_EQ(check_sources(folder.path(), cache, changed), Sources::kChanged);
  EXPECT_FALSE(stamp_of(folder / "a").has_value());
}

// The value of XXH3-128 for the empty input, from xxHash's own specification.
TEST(SignalCache, ContentHash) {
  EXPECT_EQ(to_string(content_hash("")), "99aa06d3014798d86001c324468d497f");
  EXPECT_FALSE(content_hash("a") == content_hash("b"));
}

TEST(SignalCache, DefaultFolder) {
  const auto get = [](const char* name) {
    const char* value = std::getenv(name);
    return value == nullptr ? std::string() : std::string(value);
  };
  const std::string xdg = get("XDG_CACHE_HOME");
  const std::string home = get("HOME");
  ::setenv("HOME", "/home/someone", 1);
  ::setenv("XDG_CACHE_HOME", "/caches", 1);
  EXPECT_EQ(default_cache_folder(), "/caches/cardiograd");
  ::setenv("XDG_CACHE_HOME", "relative", 1);
  EXPECT_EQ(default_cache_folder(), "/home/someone/.cache/cardiograd");
  ::unsetenv("XDG_CACHE_HOME");
  EXPECT_EQ(default_cache_folder(), "/home/someone/.cache/cardiograd");
  ::unsetenv("HOME");
  EXPECT_EQ(default_cache_folder(), "");
  if (!xdg.empty()) ::setenv("XDG_CACHE_HOME", xdg.c_str(), 1);
  if (!home.empty()) ::setenv("HOME", home.c_str(), 1);
}

}  // namespace
}  // namespace cardiograd::data
