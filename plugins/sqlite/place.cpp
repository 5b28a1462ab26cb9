#include "place.h"

#include <sys/stat.h>
#include <sys/vfs.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <gander/sdk/plugin.hpp>

namespace gander::sqlite {
namespace {

void check_filesystem(const std::string& path, bool any_filesystem) {
  struct statfs about {};
  if (statfs(path.c_str(), &about) != 0)
    throw sdk::Error(GANDER_FORBIDDEN, path + ": " + std::strerror(errno) +
                                           "; it needs search permission on every folder above");
  const Ground ground = ground_of(static_cast<std::uint64_t>(about.f_type));
  if (ground == Ground::network)
    throw sdk::Error(GANDER_UNSUPPORTED,
                     path +
                         " is on a network file system, where processes share neither memory "
                         "nor locks; use a local disk, or the redis or postgres broker");
  if (ground == Ground::doubtful && !any_filesystem)
    throw sdk::Error(GANDER_UNSUPPORTED,
                     path +
                         " is on a FUSE or 9p mount, whose locks may not reach other processes; "
                         "use a local disk, or set any_filesystem=true if it is one");
}

}  // namespace

Ground ground_of(std::uint64_t filesystem_magic) {
  switch (filesystem_magic & 0xFFFFFFFFU) {
    case 0x6969:      // NFS
    case 0x517B:      // SMB
    case 0xFE534D42:  // SMB2
    case 0xFF534D42:  // CIFS
    case 0x5346414F:  // AFS
    case 0x6B414653:  // kAFS
    case 0x73757245:  // Coda
    case 0x564C:      // NCP
    case 0x00C36400:  // Ceph
    case 0x0BD00BD0:  // Lustre
      return Ground::network;
    case 0x65735546:  // FUSE
    case 0x01021997:  // 9p
      return Ground::doubtful;
    default: return Ground::good;
  }
}

void check_place(const std::string& path, bool any_filesystem) {
  struct stat about {};
  if (stat(path.c_str(), &about) == 0) {
    if (!S_ISREG(about.st_mode))
      throw sdk::Error(GANDER_CONFIG,
                       path + " is not a regular file; name a file in the option 'url'");
    // SQLite would take a file shorter than a page for an empty database, and overwrite it.
    if (about.st_size > 0 && about.st_size < 512)
      throw sdk::Error(GANDER_CONFIG, path + " is not a SQLite database; correct the option 'url'");
    check_filesystem(path, any_filesystem);
    return;
  }
  const std::string folder = std::filesystem::path(path).parent_path();
  if (stat(folder.c_str(), &about) != 0 || !S_ISDIR(about.st_mode))
    throw sdk::Error(GANDER_NOT_FOUND, "the folder " + folder + " of the database " + path +
                                           " does not exist; create it, or correct the option "
                                           "'url'");
  check_filesystem(folder, any_filesystem);
}

}  // namespace gander::sqlite
