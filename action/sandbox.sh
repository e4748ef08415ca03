#!/usr/bin/env bash
# Lets bubblewrap work on a machine of GitHub's, where it is not installed and AppArmor keeps it from making namespaces.
# Changes as little as it can, in this order, and stops at the first that helps: nothing; the package; an AppArmor
# profile for this one program; the kernel's switch. It never fails: the program tests the sandbox itself before it
# runs anything in it, and says what to do when there is none.
set -uo pipefail

works() {
  command -v bwrap >/dev/null &&
    bwrap --unshare-all --unshare-user --disable-userns --die-with-parent --cap-drop ALL \
      --ro-bind / / --proc /proc --dev /dev true 2>/dev/null
}

install_package() {
  local install=(sudo -n apt-get install --yes --quiet --no-install-recommends bubblewrap)
  command -v bwrap >/dev/null && return
  "${install[@]}" >/dev/null 2>&1 || { sudo -n apt-get update --quiet >/dev/null 2>&1 && "${install[@]}" >/dev/null 2>&1; }
}

allow_program() {
  local profile=/etc/apparmor.d/phasegate-bwrap
  [[ -e /sys/kernel/security/apparmor && ! -e /etc/apparmor.d/bwrap-userns-restrict ]] || return
  printf '%s\n' 'abi <abi/4.0>,' 'include <tunables/global>' \
    "profile phasegate-bwrap $(command -v bwrap) flags=(unconfined) {" '  userns,' '}' |
    sudo -n tee "$profile" >/dev/null && sudo -n apparmor_parser --replace "$profile"
}

allow_all() { sudo -n sysctl --quiet --write kernel.apparmor_restrict_unprivileged_userns=0; }

ready() { # what helped
  if works; then
    echo "The sandbox is ready: $1."
    exit 0
  fi
}

ready 'it worked as it was'
if [[ ${RUNNER_ENVIRONMENT:-} != github-hosted ]]; then
  echo 'bubblewrap does not work on this machine, which is not ours to change. The program looks for another sandbox.'
  exit 0
fi
install_package
ready 'bubblewrap was installed'
allow_program
ready 'AppArmor lets bubblewrap make namespaces'
allow_all
ready 'AppArmor lets every program make namespaces'
echo 'bubblewrap could not be made to work here. The program looks for another sandbox.'
exit 0
