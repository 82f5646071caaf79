#!/bin/sh
# readme_test.sh README FILE: some ```c block of the README must equal the file.
set -eu
block=$(mktemp)
trap 'rm -f "$block"' EXIT
number=1
while :; do
    awk -v wanted="$number" '
        /^```c$/ { inside = 1; n++; next }
        /^```$/ { inside = 0; next }
        inside && n == wanted { print }' "$1" >"$block"
    [ -s "$block" ] || break
    cmp -s "$block" "$2" && exit 0
    number=$((number + 1))
done
echo "no \`\`\`c block of $1 equals $2"
exit 1
