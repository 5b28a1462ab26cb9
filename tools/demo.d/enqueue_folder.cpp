// enqueue_folder BROKER QUEUE FOLDER RESULTS PAUSE_US -- one job per regular file under FOLDER that
// can be read; prints how many. Links are not followed.
#include <gander/gander.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <tuple>

#include "digest_jobs.h"
#include "path_text.h"

namespace fs = std::filesystem;

int main(int argc, char** argv) try {
  if (argc != 6) {
    std::fprintf(stderr, "usage: enqueue_folder BROKER QUEUE FOLDER RESULTS PAUSE_US\n");
    return 2;
  }
  std::vector<std::tuple<std::string, std::string, int>> arguments;
  const auto options = fs::directory_options::skip_permission_denied;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(argv[3], options))
    if (entry.symlink_status().type() == fs::file_type::regular &&
        access(entry.path().c_str(), R_OK) == 0)
      arguments.emplace_back(encode_path(entry.path().native()), argv[4], std::stoi(argv[5]));

  const gander::Broker broker{argv[1]};
  const gander::Client client{broker};
  const auto ids =
      client.on(argv[2]).within(std::chrono::seconds(60)).enqueue_all(digest, arguments);
  std::printf("%zu\n", ids.size());
  return 0;
} catch (const std::exception& e) {
  std::fprintf(stderr, "enqueue_folder: %s\n", e.what());
  return 1;
}
