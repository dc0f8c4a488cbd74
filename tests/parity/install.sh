#!/bin/sh
# Make .venv-parity: the official jwst package, pinned, in an environment of its own. Does nothing when it is complete.
set -eu
cd "$(dirname "$0")/../.."
lock=tests/parity/requirements.txt
venv=.venv-parity
done=$venv/installed.txt

if cmp -s "$lock" "$done"; then
  exit 0
fi
echo "installing the official package into $venv"
python=${PYTHON:-python3}
if command -v uv >/dev/null 2>&1; then
  uv venv --quiet --clear --python "$python" "$venv"
  VIRTUAL_ENV=$PWD/$venv uv pip install --quiet --compile-bytecode -r "$lock"
else
  "$python" -m venv --clear "$venv"
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check -r "$lock"
  "$venv/bin/python" -m compileall -q "$venv/lib" || true # some packages ship templates that are not Python
fi
cp "$lock" "$done"
