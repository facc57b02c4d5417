// Whole WFDB records: the header is the input up to a zero byte, the signal file r.dat what follows.
#include <cstdlib>
#include <fstream>
#include <string>

#include <unistd.h>

#include "base/error.h"
#include "data/wfdb_leads.h"
#include "fuzz/target.h"

namespace {

class Folder {
 public:
  Folder() {
    // In memory: file systems on disks take milliseconds for a file that is written anew.
    const bool memory = std::filesystem::is_directory("/dev/shm");
    std::string name = ((memory ? "/dev/shm" : std::filesystem::temp_directory_path()) / "fuzz-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) cardiograd::fuzz::fail("no temporary folder");
    path_ = name;
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  std::filesystem::path write(const char* name, std::string_view content) const {
    std::filesystem::path path = path_ / name;
    std::ofstream(path, std::ios::binary) << content;
    return path;
  }

 private:
  std::filesystem::path path_;
};

}  // namespace

namespace cardiograd::fuzz {

const Target kWfdbRecord("wfdb_record", [](std::string_view input) {
  static const Folder folder;
  const std::size_t end = std::min(input.find('\0'), input.size());
  folder.write("r.dat", input.substr(std::min(end + 1, input.size())));
  const std::filesystem::path header = folder.write("r.hea", input.substr(0, end));
  try {
    data::read_wfdb(header);
  } catch (const Error&) {  // The other reader refuses less.
  }
  data::read_wfdb_leads(data::read_wfdb_header(header, {}, data::WfdbFaults::kWarn));
});

}  // namespace cardiograd::fuzz
