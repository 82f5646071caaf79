#!/bin/sh
# async_poll_test.sh PROGRAM: more numbers than fit in flight, then none; the file keeps them.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
[ "$(seq 20000 | "$1")" = "20000 numbers, 200010000 in all" ]
[ "$("$1" </dev/null)" = "20000 numbers, 200010000 in all" ]
