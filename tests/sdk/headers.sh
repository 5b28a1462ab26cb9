#!/bin/sh
# headers.sh INCLUDE_FOLDER HEADER: one header alone, in every language it promises, by every compiler
# there is: .h is C and C++, and has no hidden padding, as it crosses the ABI; .hpp is C++20.
set -eu
include=$1 header=$2
tried=0
case $header in
  *.hpp) standards=c++20 padded= ;;
  *) standards='c11 c17 c++11 c++14 c++17 c++20' padded=-Wpadded ;;
esac
for compiler in gcc clang; do
  command -v "$compiler" >/dev/null || continue
  for standard in $standards; do
    case $standard in c++*) language=c++ ;; *) language=c ;; esac
    echo "$compiler -std=$standard $header"
    printf '#include <%s>\n' "$header" | "$compiler" -std="$standard" -x "$language" -I "$include" \
      -Wall -Wextra -Wpedantic $padded -Werror -fsyntax-only -
    tried=$((tried + 1))
  done
done
[ "$tried" -gt 0 ]
