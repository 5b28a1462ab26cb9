#include "plugin_file.h"

#include <elf.h>
#include <gander/error.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <filesystem>
#include <fstream>

namespace gander {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void refuse(const std::string& file, const std::string& why) {
  throw Error(Code::config, "plugin " + file + ": " + why);
}

// What others can write they can make this process run.
void check_owner(const std::string& file, const std::string& path, const char* what) {
  struct stat info {};
  if (stat(path.c_str(), &info) != 0)
    refuse(file, std::string(what) + " cannot be read: " + std::strerror(errno));
  if ((info.st_mode & (S_IWGRP | S_IWOTH)) != 0)
    refuse(file, std::string(what) + " can be written by others; `chmod go-w " + path +
                     "` and try again");
  if (info.st_uid != 0 && info.st_uid != geteuid())
    refuse(file, std::string(what) + " belongs to user " + std::to_string(info.st_uid) +
                     "; it must belong to root or to the user that runs this process");
}

void check_elf(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  std::array<char, sizeof(Elf64_Ehdr)> raw{};
  in.read(raw.data(), raw.size());
  Elf64_Ehdr head{};
  std::memcpy(&head, raw.data(), sizeof(head));
  if (!in || std::memcmp(head.e_ident, ELFMAG, SELFMAG) != 0)
    refuse(file, "is not an ELF shared object: build it with gander_add_plugin()");
  Elf64_Ehdr own{};
  std::ifstream self("/proc/self/exe", std::ios::binary);
  self.read(raw.data(), raw.size());
  std::memcpy(&own, raw.data(), sizeof(own));
  if (head.e_ident[EI_CLASS] != own.e_ident[EI_CLASS] || head.e_machine != own.e_machine)
    refuse(file, "is built for another machine (ELF machine " + std::to_string(head.e_machine) +
                     ", this one is " + std::to_string(own.e_machine) + "): build it here");
  if (head.e_type != ET_DYN) refuse(file, "is an ELF file but not a shared object");
}

}  // namespace

std::string checked_plugin_file(const std::string& file) {
  const fs::path path(file);
  if (!path.is_absolute())
    refuse(file, "must be named by an absolute path, not through the current folder");
  for (const auto& part : path)
    if (part == "..") refuse(file, "must not be reached through '..'");
  std::error_code ec;
  const fs::path canonical = fs::canonical(path, ec);
  if (ec) refuse(file, "is not there: " + ec.message());
  if (!fs::is_regular_file(canonical, ec)) refuse(file, "is not a regular file");
  check_owner(file, canonical, "the file");
  check_owner(file, canonical.parent_path(), "its folder");
  check_elf(canonical);
  return canonical;
}

}  // namespace gander
