#include "data/signal_cache.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <limits>
#include <type_traits>

#include <fcntl.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/threads.h"

namespace cardiograd::data {
namespace {

namespace fs = std::filesystem;

constexpr std::array<char, 8> kMagic = {'C', 'G', 'P', 'R', 'E', 'P', '0', '1'};
constexpr std::size_t kAlignment = 8;  // of the sections
constexpr std::uint64_t kMaxJsonBytes = 16U << 20;

static_assert(std::is_trivially_copyable_v<FileStamp> && sizeof(FileStamp) == 40);

// Calls visit(name, vector) for every section, in the order of the file; `names` holds the text of cache.files.
template <class Cache, class Names, class Visit>
void for_each_section(Cache& cache, Names& names, Visit&& visit) {
  visit("rows", cache.rows);
  visit("signals", cache.signals);
  visit("scales", cache.scales);
  visit("features", cache.features);
  visit("invalid_samples", cache.invalid_samples);
  visit("flat_leads", cache.flat_leads);
  visit("stamps", cache.stamps);
  visit("files", names);
}

// File names one after the other, each ended by a zero, which no name contains.
std::vector<char> joined(const std::vector<std::string>& names) {
  std::vector<char> text;
  for (const auto& name : names) text.insert(text.end(), name.c_str(), name.c_str() + name.size() + 1);
  return text;
}

std::vector<std::string> split(const std::vector<char>& text) {
  std::vector<std::string> names;
  for (auto at = text.begin(); at != text.end();) {
    const auto end = std::find(at, text.end(), '\0');
    names.emplace_back(at, end);
    at = end == text.end() ? end : end + 1;
  }
  return names;
}

// Reads a cache file front to back and hashes what it reads.
class Reader {
 public:
  // O_NONBLOCK: opening a named pipe must not wait for its writer. What is no regular file counts as empty.
  explicit Reader(const fs::path& path)
      : path_(path), descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {
    struct stat status {};
    if (descriptor_ >= 0 && ::fstat(descriptor_, &status) == 0 && S_ISREG(status.st_mode))
      left_ = static_cast<std::uint64_t>(status.st_size);
    size_ = left_;
  }
  ~Reader() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  std::uint64_t left() const { return left_; }
  std::uint64_t position() const { return size_ - left_; }
  bool read(void* bytes, std::size_t count) {
    if (count > left_ || !read_unhashed(bytes, count)) return false;
    hasher_.update(bytes, count);
    return true;
  }
  // Reads without keeping.
  bool pass_over(std::uint64_t count) {
    std::vector<char> part(std::size_t{1} << 20);
    for (; count > 0; count -= std::min<std::uint64_t>(count, part.size()))
      if (!read(part.data(), std::min<std::uint64_t>(count, part.size()))) return false;
    return true;
  }
  bool read_hash(ContentHash& hash) { return left_ == sizeof(hash) && read_unhashed(&hash, sizeof(hash)); }
  ContentHash digest() const { return hasher_.digest(); }
  MappedFile map() const { return {descriptor_, path_}; }

 private:
  bool read_unhashed(void* bytes, std::size_t count) {
    for (std::size_t done = 0; done < count;) {
      const ssize_t got = ::read(descriptor_, static_cast<char*>(bytes) + done, count - done);
      if (got == 0 || (got < 0 && errno != EINTR)) return false;
      if (got > 0) done += static_cast<std::size_t>(got);
    }
    left_ -= count;
    return true;
  }

  fs::path path_;
  int descriptor_;
  std::uint64_t left_ = 0;
  std::uint64_t size_ = 0;
  Hasher hasher_;
};

std::optional<nlohmann::json> read_json(Reader& reader) {
  std::array<char, 8> magic{};
  std::uint64_t size = 0;
  if (!reader.read(magic.data(), magic.size()) || magic != kMagic) return std::nullopt;
  if (!reader.read(&size, sizeof(size)) || size > kMaxJsonBytes || size > reader.left()) return std::nullopt;
  std::string text(size, '\0');
  if (!reader.read(text.data(), text.size())) return std::nullopt;
  auto json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return std::nullopt;
  return json;
}

// Whether the sections fit together, so that nobody reads beyond one of them.
bool consistent(const SignalCache& cache, std::size_t signals, std::size_t features) {
  const std::size_t records = cache.rows.size();
  if (cache.samples <= 0 || cache.leads <= 0 || cache.samples > std::numeric_limits<std::int32_t>::max()) return false;
  const auto leads = static_cast<std::size_t>(cache.leads);
  return signals == records * static_cast<std::size_t>(cache.samples) * leads &&
         cache.scales.size() == records * leads && cache.features.size() == records * features &&
         cache.invalid_samples.size() == records && cache.flat_leads.size() == records &&
         cache.files.size() == cache.stamps.size() && std::is_sorted(cache.rows.begin(), cache.rows.end()) &&
         cache.damage.size() == cache.damaged_rows.size() &&
         std::is_sorted(cache.damaged_rows.begin(), cache.damaged_rows.end());
}

// The file into `cache`; an exception (of the JSON, or of memory) or false means that it is not a whole cache. With
// `signals_at` the signals are only checked, and it says where they are.
bool read_cache(Reader& reader, const nlohmann::json& json, SignalCache& cache, std::size_t* signals_at = nullptr) {
  cache.key = json.at("key").get<std::string>();
  cache.unit = json.at("unit").get<std::string>();
  cache.filter = json.at("filter").get<std::string>();
  cache.samples = json.at("samples").get<std::int64_t>();
  cache.leads = json.at("leads").get<std::int64_t>();
  if (json.contains("damaged_rows")) {
    cache.damaged_rows = json.at("damaged_rows").get<std::vector<std::int64_t>>();
    cache.damage = json.at("damage").get<std::vector<std::string>>();
  }
  std::vector<char> names;
  std::size_t signals = 0;
  bool whole = true;
  for_each_section(cache, names, [&](const char* name, auto& section) {
    using Value = typename std::remove_reference_t<decltype(section)>::value_type;
    const auto count = json.at("sections").at(name).get<std::uint64_t>();
    whole = whole && count <= reader.left() / sizeof(Value);
    if (!whole) return;
    if (std::is_same_v<Value, std::int16_t>) signals = count;
    if (std::is_same_v<Value, std::int16_t> && signals_at != nullptr) {
      *signals_at = reader.position();
      whole = reader.pass_over(count * sizeof(Value)) && *signals_at % sizeof(Value) == 0;
      return;
    }
    section.resize(count);
    whole = reader.read(section.data(), count * sizeof(Value));
  });
  ContentHash stored;
  const ContentHash computed = reader.digest();
  if (!whole || !reader.read_hash(stored) || !(stored == computed)) return false;
  cache.files = split(names);
  return consistent(cache, signals, json.at("features").get<std::size_t>());
}

// Opens a cache with this key and has `take(reader, json)` read the rest; false, with a reason, where one of them
// cannot.
template <class Take>
bool with_cache_file(const fs::path& path, const std::string& key, std::string& reason, Take&& take) {
  std::error_code error;
  if (!fs::exists(path, error)) {
    reason = error == std::errc::permission_denied ? "its folder may not be entered" : "there is none yet";
    return false;
  }
  if (::faccessat(AT_FDCWD, path.c_str(), R_OK, AT_EACCESS) != 0 && errno == EACCES) {
    reason = "it may not be read";
    return false;
  }
  reason = "it is truncated, damaged or no cache";
  if (!fs::is_regular_file(path, error)) return false;
  try {
    Reader reader(path);
    const auto json = read_json(reader);
    if (!json) return false;
    if (json->at("key") != key) {
      reason = "it was made with other settings, from another table or by another version";
      return false;
    }
    return take(reader, *json);
  } catch (const nlohmann::json::exception&) {  // A field is missing or of another type.
    return false;
  } catch (const fs::filesystem_error&) {
    return false;
  }
}

std::int64_t nanoseconds(const timespec& time) {
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

}  // namespace

std::optional<FileStamp> stamp_of(const fs::path& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return std::nullopt;
  return FileStamp{std::int64_t{status.st_size}, nanoseconds(status.st_mtim), nanoseconds(status.st_ctim), {}};
}

void save_signal_cache(const fs::path& path, const SignalCache& cache) {
  const std::vector<char> names = joined(cache.files);
  nlohmann::json json = {
      {"key", cache.key},       {"unit", cache.unit},
      {"filter", cache.filter}, {"samples", cache.samples},
      {"leads", cache.leads},   {"features", cache.rows.empty() ? 0 : cache.features.size() / cache.rows.size()}};
  if (!cache.damaged_rows.empty()) {
    json["damaged_rows"] = cache.damaged_rows;
    json["damage"] = cache.damage;
  }
  for_each_section(cache, names,
                   [&](const char* name, const auto& section) { json["sections"][name] = section.size(); });
  std::string text = json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  text.resize((text.size() + kAlignment - 1) / kAlignment * kAlignment, ' ');
  const std::uint64_t size = text.size();
  AtomicFile file(path, Appeared::kReplace);
  Hasher hasher;
  const auto write = [&](const void* bytes, std::size_t count) {
    hasher.update(bytes, count);
    file.write(bytes, count);
  };
  write(kMagic.data(), kMagic.size());
  write(&size, sizeof(size));
  write(text.data(), text.size());
  for_each_section(cache, names, [&](const char*, const auto& section) {
    write(section.data(), section.size() * sizeof(section[0]));
  });
  const ContentHash hash = hasher.digest();
  file.write(&hash, sizeof(hash));
  file.commit();
}

std::optional<SignalCache> load_signal_cache(const fs::path& path, const std::string& key, std::string& reason) {
  SignalCache cache;
  const bool whole = with_cache_file(
      path, key, reason, [&](Reader& reader, const nlohmann::json& json) { return read_cache(reader, json, cache); });
  if (!whole) return std::nullopt;
  return cache;
}

std::optional<MappedCache> map_signal_cache(const fs::path& path, const std::string& key, std::string& reason) {
  MappedCache mapped;
  const bool whole = with_cache_file(path, key, reason, [&](Reader& reader, const nlohmann::json& json) {
    if (!read_cache(reader, json, mapped.cache, &mapped.signals_at)) return false;
    mapped.file = reader.map();
    return true;
  });
  if (!whole) return std::nullopt;
  return mapped;
}

Sources check_sources(const fs::path& folder, SignalCache& cache, std::string& changed) {
  std::vector<char> differs(cache.files.size(), 0);
  std::vector<std::int64_t> touched;
  std::vector<FileStamp> now(cache.files.size());
  for (std::size_t i = 0; i < cache.files.size(); ++i) {
    const FileStamp& then = cache.stamps[i];
    const auto stamp = stamp_of(folder / cache.files[i]);
    if (!stamp || stamp->size != then.size) {
      changed = cache.files[i];
      return Sources::kChanged;
    }
    now[i] = *stamp;
    if (stamp->modified_ns != then.modified_ns || stamp->changed_ns != then.changed_ns)
      touched.push_back(static_cast<std::int64_t>(i));
  }
  parallel_for(static_cast<std::int64_t>(touched.size()), [&](std::int64_t t) {
    const auto i = static_cast<std::size_t>(touched[static_cast<std::size_t>(t)]);
    try {
      now[i].hash = content_hash(read_file(folder / cache.files[i]));
    } catch (const Error&) {  // A damaged record's file, which need not be readable.
      differs[i] = 1;
      return;
    }
    differs[i] = !(now[i].hash == cache.stamps[i].hash);
    cache.stamps[i] = now[i];
  });
  const auto first = std::find(differs.begin(), differs.end(), 1);
  if (first != differs.end()) {
    changed = cache.files[static_cast<std::size_t>(first - differs.begin())];
    return Sources::kChanged;
  }
  return touched.empty() ? Sources::kSame : Sources::kTouched;
}

fs::path default_cache_folder() {
  const char* xdg = std::getenv("XDG_CACHE_HOME");
  if (xdg != nullptr && fs::path(xdg).is_absolute()) return fs::path(xdg) / "cardiograd";
  const char* home = std::getenv("HOME");
  if (home != nullptr && *home != '\0') return fs::path(home) / ".cache" / "cardiograd";
  return {};
}

}  // namespace cardiograd::data
