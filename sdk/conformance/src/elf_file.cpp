#include "elf_file.h"

#include <elf.h>

#include <cstring>
#include <fstream>
#include <iterator>
#include <span>
#include <stdexcept>

namespace gander::conformance {

namespace {

class Reader {
 public:
  explicit Reader(const std::string& file) : file_(file) {
    std::ifstream in(file, std::ios::binary);
    if (!in) throw std::runtime_error(file + " cannot be read");
    bytes_.assign(std::istreambuf_iterator<char>(in), {});
  }
  template <class T>
  T at(std::size_t offset) const {
    if (offset > bytes_.size() || bytes_.size() - offset < sizeof(T)) broken();
    T value;
    std::memcpy(&value, bytes_.data() + offset, sizeof(T));
    return value;
  }
  std::string text(std::size_t offset) const {
    const auto end = bytes_.find('\0', offset);
    if (offset >= bytes_.size() || end == std::string::npos) broken();
    return bytes_.substr(offset, end - offset);
  }
  [[noreturn]] void broken() const {
    throw std::runtime_error(file_ + " is not a 64-bit ELF shared object, or is cut short");
  }

 private:
  std::string file_;
  std::string bytes_;
};

void read_symbols(const Reader& elf, const Elf64_Shdr& table, const Elf64_Shdr& names,
                  ElfFacts& facts) {
  for (std::size_t at = 0; at + sizeof(Elf64_Sym) <= table.sh_size; at += sizeof(Elf64_Sym)) {
    const auto symbol = elf.at<Elf64_Sym>(table.sh_offset + at);
    const auto bind = ELF64_ST_BIND(symbol.st_info);
    if (symbol.st_shndx == SHN_UNDEF || bind == STB_LOCAL) continue;
    facts.exported.push_back(elf.text(names.sh_offset + symbol.st_name) +
                             (bind == STB_GNU_UNIQUE ? " (unique)" : ""));
  }
}

void read_dynamic(const Reader& elf, const Elf64_Shdr& section, ElfFacts& facts) {
  for (std::size_t at = 0; at + sizeof(Elf64_Dyn) <= section.sh_size; at += sizeof(Elf64_Dyn)) {
    const auto entry = elf.at<Elf64_Dyn>(section.sh_offset + at);
    const auto value = entry.d_un.d_val;
    if (entry.d_tag == DT_NULL) return;
    if (entry.d_tag == DT_RPATH || entry.d_tag == DT_RUNPATH) facts.run_path = true;
    if (entry.d_tag == DT_TEXTREL) facts.text_relocations = true;
    if (entry.d_tag == DT_FLAGS && (value & DF_STATIC_TLS) != 0) facts.static_tls = true;
    if (entry.d_tag == DT_FLAGS && (value & DF_TEXTREL) != 0) facts.text_relocations = true;
    if (entry.d_tag == DT_FLAGS_1 && (value & DF_1_NODELETE) != 0) facts.no_delete = true;
  }
}

}  // namespace

ElfFacts read_elf(const std::string& file) {
  const Reader elf(file);
  const auto head = elf.at<Elf64_Ehdr>(0);
  if (std::memcmp(head.e_ident, ELFMAG, SELFMAG) != 0 || head.e_ident[EI_CLASS] != ELFCLASS64 ||
      head.e_type != ET_DYN)
    elf.broken();
  ElfFacts facts;
  for (std::size_t i = 0; i < head.e_phnum; ++i) {
    const auto segment = elf.at<Elf64_Phdr>(head.e_phoff + i * head.e_phentsize);
    if (segment.p_type == PT_GNU_STACK && (segment.p_flags & PF_X) != 0)
      facts.executable_stack = true;
  }
  const auto section = [&](std::size_t i) {
    return elf.at<Elf64_Shdr>(head.e_shoff + i * head.e_shentsize);
  };
  for (std::size_t i = 0; i < head.e_shnum; ++i) {
    const auto one = section(i);
    if (one.sh_type == SHT_DYNSYM) read_symbols(elf, one, section(one.sh_link), facts);
    if (one.sh_type == SHT_DYNAMIC) read_dynamic(elf, one, facts);
  }
  return facts;
}

}  // namespace gander::conformance
