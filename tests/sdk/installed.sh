#!/bin/sh
# installed.sh BUILD EXAMPLE CMAKE: what a stranger does. The SDK is installed under a scratch prefix,
# the example is copied out of the tree and built against that, and the installed kit judges it.
set -eu
build=$1 example=$2 cmake=$3
scratch=$(mktemp -d "${TMPDIR:-/tmp}/gander-sdk-XXXXXX")
trap 'rm -rf "$scratch"' EXIT
"$cmake" --install "$build" --prefix "$scratch/prefix" --component gander_sdk >/dev/null
cp -r "$example" "$scratch/example"
"$cmake" -S "$scratch/example" -B "$scratch/build" -DCMAKE_PREFIX_PATH="$scratch/prefix" \
  -DCMAKE_BUILD_TYPE=Release -DCMAKE_EXPORT_COMPILE_COMMANDS=ON >/dev/null
"$cmake" --build "$scratch/build"
tree=$(cd "$example/../.." && pwd)
if grep -F -e "-I$tree/" -e "-isystem $tree/" "$scratch/build/compile_commands.json"; then
  echo "the example was compiled with a folder of the source tree on its include path" >&2
  exit 1
fi
for name in memory memory_c; do
  "$scratch/prefix/bin/gander-plugin-check" "$scratch/build/lib/gander/plugins/gander_$name.so"
done
