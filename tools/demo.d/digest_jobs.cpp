// The handlers of the demo: a job module, loaded by `gander worker --jobs demo_jobs.so`.
#include "digest_jobs.h"

#include <fcntl.h>
#include <gander/module.h>
#include <openssl/evp.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <memory>
#include <system_error>
#include <thread>
#include <vector>

#include "path_text.h"

namespace {

std::string sha256_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::system_error(errno, std::generic_category(), path);
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> sum(EVP_MD_CTX_new(),
                                                                    &EVP_MD_CTX_free);
  EVP_DigestInit_ex(sum.get(), EVP_sha256(), nullptr);
  std::vector<char> block(65536);
  while (file.read(block.data(), std::ssize(block)), file.gcount() > 0)
    EVP_DigestUpdate(sum.get(), block.data(), static_cast<std::size_t>(file.gcount()));
  if (file.bad()) throw std::runtime_error(path + " cannot be read");
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  EVP_DigestFinal_ex(sum.get(), digest, &size);
  std::string hex;
  for (unsigned i = 0; i < size; ++i) {
    hex += "0123456789abcdef"[digest[i] >> 4U];
    hex += "0123456789abcdef"[digest[i] & 15U];
  }
  return hex;
}

// As sha256sum prints it, escapes and all, so that `sha256sum --check` can read it.
std::string check_line(const std::string& digest, const std::string& path) {
  std::string name;
  for (const char c : path) {
    if (c == '\\')
      name += "\\\\";
    else if (c == '\n')
      name += "\\n";
    else if (c == '\r')
      name += "\\r";
    else
      name += c;
  }
  return (name == path ? "" : "\\") + digest + "  " + name + "\n";
}

// One write in append mode: lines of several processes never mix, and a killed one leaves none
// half.
void append(const std::string& file, const std::string& text) {
  const int fd = open(file.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
  const bool written = fd >= 0 && write(fd, text.data(), text.size()) == std::ssize(text);
  const int why = errno;
  if (fd >= 0) close(fd);
  if (!written) throw std::system_error(why, std::generic_category(), file);
}

}  // namespace

void digest_file(gander::Context& context, const std::string& path, const std::string& results,
                 int pause_us) {
  const std::string name = decode_path(path);
  std::this_thread::sleep_for(std::chrono::microseconds(pause_us));
  std::string text = check_line(sha256_of(name), name);
  // It was in the hands of a worker that died: the time tells how long its recovery took.
  if (context.crashes + context.give_backs > 0)
    text += "# again at " +
            std::to_string(std::chrono::system_clock::now().time_since_epoch() /
                           std::chrono::microseconds(1)) +
            "\n";
  append(results, text);
}

GANDER_JOBS("gander.demo", digest)
