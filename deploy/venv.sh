#!/bin/sh
# Makes the virtual environment with the first Python of 3.11 or newer, or says what to install.
# Use: [PYTHON=python3.12] deploy/venv.sh FOLDER
set -eu

fail() {
    echo "headrace: $1" >&2
    exit 1
}

for candidate in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11}; do
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        python=$candidate
        break
    fi
done
[ -n "${python:-}" ] || fail "Python 3.11 or newer is needed. On Debian or Ubuntu: apt-get install python3 python3-venv"

if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    package=python$version-venv
    [ "$python" = python3 ] && package=python3-venv
    fail "$python can't make virtual environments here. On Debian or Ubuntu: apt-get install $package"
fi

echo "Making the virtual environment $1 with $("$python" --version)."
"$python" -m venv --clear "$1"
