#!/usr/bin/env bash
# Makes ready what one step needs, below $RUNNER_TEMP/phasegate:
#   in/   out/transcripts/   empty, for the hand-overs and what the step leaves behind
#   env/                     an environment with the packages of the step's requirements, each checked by its hash
# Reads PHASEGATE_STEP, PHASEGATE_HAND_OVER, PHASEGATE_PART and PHASEGATE_CLOUD, and refuses them unless they are of their form: the
# steps after this one put them into names of artifacts. It runs before any secret is given to the job's step.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)

fail() { # title, text: both of our own making, never the caller's
  printf '::error title=%s::%s\n' "$1" "$2"
  exit 2
}

case "${PHASEGATE_STEP:-}" in
  decide | acknowledge | publish-plan | verify | publish | report) requirements=decide.txt ;;
  scout | research | plan | task | implement | review) requirements=run${PHASEGATE_CLOUD:+-$PHASEGATE_CLOUD}.txt ;;
  *) fail 'phasegate: unknown step' 'The input step is none of decide, acknowledge, scout, research, plan, publish-plan, task, implement, verify, review, publish, report.' ;;
esac
[[ ${PHASEGATE_CLOUD:-} =~ ^(bedrock|vertex)?$ ]] ||
  fail 'phasegate: unknown cloud' 'The input cloud is bedrock, vertex, or empty for the models at Anthropic.'
[[ ${PHASEGATE_HAND_OVER:-} =~ ^([0-9a-f]{64})?$ ]] ||
  fail 'phasegate: bad hand-over' 'The input hand-over is not a SHA-256 in lower-case hexadecimal. Give it the output hand-over of the job before.'
[[ ${PHASEGATE_PART:-} =~ ^[A-Za-z0-9._-]{0,64}$ ]] ||
  fail 'phasegate: bad part' 'The input part has up to 64 letters, digits, dots, hyphens and underscores.'
[[ ${RUNNER_TEMP:-} == /* ]] ||
  fail 'phasegate: no runner' 'RUNNER_TEMP is not set. This script runs inside a job of GitHub Actions.'

# Nothing of the machine's or the workflow's own Python may lead ours astray. Where packages come from (PIP_INDEX_URL
# and its like) stays the machine's business: the hashes decide what is installed.
unset "${!PYTHON@}" PIP_PREFIX PIP_REQUIRE_VIRTUALENV PIP_TARGET PIP_USER UV_PYTHON VIRTUAL_ENV

python=
for name in python3 python3.14 python3.13 python3.12 python3.11; do
  if python=$("$name" -I -c 'import sys, importlib.util as u
sys.exit(sys.version_info < (3, 11) or u.find_spec("pip") is None or print(sys.executable))' 2>/dev/null); then
    break
  fi
  python=
done
[[ -n $python ]] ||
  fail 'phasegate: no Python' 'This machine has no Python 3.11 or newer with pip. Use a runner such as ubuntu-24.04, or put actions/setup-python before this action.'

work=$RUNNER_TEMP/phasegate
rm -rf "$work"
mkdir -p "$work/in" "$work/out/transcripts"
cd "$work" # not the workspace: no file of the repository may configure pip or uv

packages() { # says what pip or uv say only when it goes wrong
  "$@" >"$work/setup.log" 2>&1 || {
    sed 's/::/: :/g; s/##\[/## [/g' "$work/setup.log"
    fail 'phasegate: no packages' "The packages in requirements/$requirements could not be installed; the log above says why. If no package index can be reached from here, set PIP_INDEX_URL and UV_DEFAULT_INDEX to one that can."
  }
}

# pip installs uv alone, and uv the rest: with pip it takes five times as long.
packages "$python" -I -m pip install --quiet --no-input --disable-pip-version-check --root-user-action ignore \
  --require-hashes --only-binary :all: --no-deps --no-compile --target "$work/uv" -r "$root/requirements/setup.txt"
uv=$work/uv/bin/uv
packages "$uv" venv --quiet --no-config --no-project --no-python-downloads --python "$python" "$work/env"
packages "$uv" pip sync --quiet --no-config --require-hashes --no-build --python "$work/env/bin/python" \
  "$root/requirements/$requirements"
rm -rf "$work/uv" "$work/setup.log"
