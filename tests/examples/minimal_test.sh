#!/bin/sh
# minimal_test.sh PROGRAM: run the example twice in an empty directory; the second time adds rows.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
[ "$("$1")" = "2 sales, 42.50 in all" ]
[ "$("$1")" = "4 sales, 85.00 in all" ]
