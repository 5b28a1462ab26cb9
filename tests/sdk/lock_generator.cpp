// lock_generator INCLUDE_FOLDER HEADER... writes a C program to its standard output. That program
// prints what a binary depends on: the size of each public struct, the offset and size of each
// field, each function's signature and each constant.
#include <fstream>
#include <iostream>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

namespace {

std::string read(const std::string& path) {
  std::ifstream in(path);
  if (!in) throw std::runtime_error("cannot read " + path);
  std::ostringstream all;
  all << in.rdbuf();
  return all.str();
}

std::string without_comments(const std::string& text) {
  static const std::regex kComment(R"(/\*[^*]*\*+(?:[^/*][^*]*\*+)*/)");
  return std::regex_replace(text, kComment, " ");
}

std::string squeezed(const std::string& text) {
  static const std::regex kSpace(R"(\s+)"), kEnds(R"(^ | $)"), kTight(R"( ?([*,()]) ?)");
  return std::regex_replace(std::regex_replace(std::regex_replace(text, kSpace, " "), kTight, "$1"),
                            kEnds, "");
}

// Cuts at `by` outside of parentheses.
std::vector<std::string> cut(const std::string& text, char by) {
  std::vector<std::string> parts(1);
  int depth = 0;
  for (const char c : text) {
    depth += c == '(' ? 1 : c == ')' ? -1 : 0;
    if (c == by && depth == 0)
      parts.emplace_back();
    else
      parts.back() += c;
  }
  return parts;
}

std::string quoted(const std::string& text) {
  return '"' + std::regex_replace(text, std::regex(R"(["\\])"), "\\$&") + '"';
}

void field(const std::string& type, const std::string& name) {
  std::cout << "  printf(\"  " << name << " at %zu size %zu\\n\", offsetof(" << type << ", " << name
            << "), sizeof(((" << type << "*)0)->" << name << "));\n";
}

void fields(const std::string& type, const std::string& body) {
  static const std::regex kFunction(R"(GANDER_FN\((\w+)\))"), kName(R"((\w+)\s*(\[\w+\])?\s*$)");
  for (const std::string& declaration : cut(body, ';')) {
    std::smatch found;
    if (std::regex_search(declaration, found, kFunction)) {
      field(type, found[1]);
      std::cout << "  puts(\"    \" " << quoted(squeezed(declaration)) << ");\n";
      continue;
    }
    for (const std::string& one : cut(declaration, ','))
      if (std::regex_search(one, found, kName)) field(type, found[1]);
  }
}

void structs(const std::string& text) {
  static const std::regex kStruct(R"(typedef struct (\w+) \{([^}]*)\} \1;)");
  for (std::sregex_iterator it(text.begin(), text.end(), kStruct), end; it != end; ++it) {
    const std::string type = (*it)[1];
    std::cout << "  printf(\"struct " << type << " size %zu align %zu\\n\", sizeof(" << type
              << "), _Alignof(" << type << "));\n";
    fields(type, (*it)[2]);
  }
}

void callbacks(const std::string& text) {
  static const std::regex kCallback(R"(typedef \w+ GANDER_FN\(\w+\)\([^;]*;)");
  for (std::sregex_iterator it(text.begin(), text.end(), kCallback), end; it != end; ++it)
    std::cout << "  puts(" << quoted(squeezed(it->str())) << ");\n";
}

void number(const std::string& name) {
  std::cout << "  printf(\"" << name << " = %lld\\n\", (long long)(" << name << "));\n";
}

void constants(const std::string& text) {
  static const std::regex kEnum(R"(enum \{([^}]*)\})"), kName(R"(^\s*(\w+)\s*=)");
  for (std::sregex_iterator it(text.begin(), text.end(), kEnum), end; it != end; ++it)
    for (const std::string& one : cut((*it)[1], ',')) {
      std::smatch found;
      if (std::regex_search(one, found, kName)) number(found[1]);
    }
  static const std::regex kDefine(R"(#define (GANDER_\w+)(?:\\\n|[ \t])+(["(\d]))");
  for (std::sregex_iterator it(text.begin(), text.end(), kDefine), end; it != end; ++it) {
    const std::string name = (*it)[1];
    if ((*it)[2] == "\"")
      std::cout << "  puts(\"" << name << " = \" " << name << ");\n";
    else if (name != "GANDER_FN")
      number(name);
  }
}

}  // namespace

int main(int argc, char** argv) try {
  std::cout << "#include <stdio.h>\n";
  for (int i = 2; i < argc; ++i) std::cout << "#include <" << argv[i] << ">\n";
  std::cout << "int main(void) {\n";
  for (int i = 2; i < argc; ++i) {
    const std::string text = without_comments(read(std::string(argv[1]) + "/" + argv[i]));
    std::cout << "  puts(\"# " << argv[i] << "\");\n";
    constants(text);
    callbacks(text);
    structs(text);
  }
  std::cout << "  return 0;\n}\n";
  return 0;
} catch (const std::exception& fault) {
  std::cerr << fault.what() << '\n';
  return 1;
}
