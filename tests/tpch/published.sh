#!/bin/sh
# Unpacks the TPC-H data, queries and published answers (if they are at hand) and runs them:
# published.sh RUNNER WORKDIR [option=value]... YODA_CORPORA names the folder with tpch/.
set -eu
runner=$1 work=$2
shift 2
corpora=${YODA_CORPORA:-$(dirname "$0")/../../../shared/corpora}/tpch
if [ ! -f "$corpora/tpch-sf0.01-data.tar.xz" ]; then
    echo "SKIPPED: no $corpora/tpch-sf0.01-data.tar.xz (set YODA_CORPORA)"
    exit 77
fi
rm -rf "$work"
mkdir -p "$work/unpacked" "$work/tables"
tar -xf "$corpora/tpch-sf0.01-data.tar.xz" -C "$work/unpacked"
find "$work/unpacked" -name '*.tbl' -exec mv {} "$work/tables" \;
cp -R "$corpora/queries" "$work/queries"
cp -R "$corpora/answers-sf0.01" "$work/answers"
exec "$runner" "$work" "$@"
