#!/bin/sh
# contract.sh HEADERS GUIDE CHECKER (absolute paths): the numbers of the contract are the same in the headers, in the
# guide's table and in the kit, and the table names for each the checks that the kit has for it.
set -eu
headers=$1 guide=$2 checker=$3
scratch=$(mktemp -d "${TMPDIR:-/tmp}/gander-contract-XXXXXX")
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
grep -rhoE 'GBC-[0-9]{3}' --include='*.h' "$headers" | sort -u >headers
grep -E '^\| GBC-[0-9]{3} \|' "$guide" | sed -E 's/^\| (GBC-[0-9]{3}) \|.*/\1/' >guide
sort -uc guide || { echo "the guide's table is not sorted, or names a number twice"; exit 1; }
diff -u headers guide || { echo "headers (-) and guide (+) differ"; exit 1; }
# number<TAB>check, of the kit and of the guide.
"$checker" --list | awk -F'\t' '{ n = split($4, gbc, " "); for (i = 1; i <= n; ++i) print gbc[i] "\t" $2 }' |
  sort -u >kit
grep -E '^\| GBC-[0-9]{3} \|' "$guide" |
  awk -F' *\\| *' '{ n = split($4, check, /, */); for (i = 1; i <= n; ++i) if (check[i] != "by review") print $2 "\t" check[i] }' |
  sort -u >told
diff -u kit told || { echo "kit (-) and guide (+) differ"; exit 1; }
