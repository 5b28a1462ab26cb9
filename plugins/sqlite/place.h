// Which file systems and paths can hold a database that several processes share.
#pragma once

#include <cstdint>
#include <string>

namespace gander::sqlite {

// What statfs() calls a file system, judged: SQLite's write-ahead log needs memory that all
// processes share, and leases need locks that the kernel drops when a process dies. Neither holds
// over a network.
enum class Ground { good, network, doubtful };
Ground ground_of(std::uint64_t filesystem_magic);

// Refuses, naming the path and the remedy: a folder that is missing, a path that is not a regular
// file or is too short to be a database, a file system that is not good ground. Opens nothing: to
// close any descriptor of a database file drops the locks that SQLite has on it in this process.
void check_place(const std::string& path, bool any_filesystem);

}  // namespace gander::sqlite
