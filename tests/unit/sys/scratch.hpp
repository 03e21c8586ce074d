// SPDX-License-Identifier: MIT
// A folder for one test's files, gone when the test is over; and reading and writing whole files.
#ifndef NARAE_TESTS_SYS_SCRATCH_HPP
#define NARAE_TESTS_SYS_SCRATCH_HPP

#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>

#ifndef NARAE_TESTS_DIR
#define NARAE_TESTS_DIR "tests"
#endif
#ifndef NARAE_SHARED_DIR
#define NARAE_SHARED_DIR "../shared"
#endif

namespace tests {

class scratch {
public:
    scratch() {
        std::random_device random;
        do folder_ = std::filesystem::temp_directory_path() / ("narae-test-" + std::to_string(random()));
        while (!std::filesystem::create_directory(folder_));
    }
    scratch(const scratch&) = delete;
    scratch& operator=(const scratch&) = delete;
    ~scratch() {
        std::error_code ignored;
        std::filesystem::remove_all(folder_, ignored);
    }

    std::string path() const { return folder_.string(); }
    std::string path(const std::string& name) const { return (folder_ / name).string(); }
    std::size_t files() const {
        return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder_), {}));
    }

private:
    std::filesystem::path folder_;
};

inline std::string read_file(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

inline void write_file(const std::string& path, const std::string& bytes) {
    std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

inline bool exists(const std::string& path) { return std::filesystem::exists(path); }

}  // namespace tests

#endif
