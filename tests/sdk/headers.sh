#!/bin/sh
# headers.sh INCLUDE_FOLDER HEADER: one C header alone, in every language it promises, by every
# compiler there is.
set -eu
include=$1 header=$2
tried=0
for compiler in gcc clang; do
  command -v "$compiler" >/dev/null || continue
  for standard in c11 c17 c++11 c++14 c++17 c++20; do
    case $standard in c++*) language=c++ ;; *) language=c ;; esac
    echo "$compiler -std=$standard $header"
    printf '#include <%s>\n' "$header" | "$compiler" -std="$standard" -x "$language" -I "$include" \
      -Wall -Wextra -Wpedantic -Wpadded -Werror -fsyntax-only -
    tried=$((tried + 1))
  done
done
[ "$tried" -gt 0 ]
