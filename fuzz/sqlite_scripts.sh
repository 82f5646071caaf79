#!/bin/sh
# Unpacks the public fuzz scripts (if they are at hand) and runs them: sqlite_scripts.sh RUNNER WORKDIR
# YODA_CORPORA names the folder with sqlite-fuzz.tar.xz; YODA_TEST_SCALE the percent of scripts to run.
set -eu
runner=$1 work=$2
corpora=${YODA_CORPORA:-$(dirname "$0")/../../shared/corpora}
archive=$corpora/sqlite-fuzz.tar.xz
if [ ! -f "$archive" ]; then
    echo "SKIPPED: no $archive (set YODA_CORPORA)"
    exit 77
fi
mkdir -p "$work"
tar -xf "$archive" -C "$work"
scale=${YODA_TEST_SCALE:-100}
every=$((scale >= 100 ? 1 : (100 + scale - 1) / scale))
exec "$runner" -n "$every" $(find "$work" -name 'fuzzdata*.db' | sort)
