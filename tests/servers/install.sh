#!/bin/sh
# Installs the distribution's servers for `make integration`, where that is possible; says so where it is not.
# None is started here: the tests start their own copies on loopback and end them.
set -u
packages="prometheus-alertmanager request-tracker5 rt5-db-sqlite openssh-server"
missing=""
for package in $packages; do
    dpkg -s "$package" >/dev/null 2>&1 || missing="$missing $package"
done
[ -z "$missing" ] && exit 0
if ! command -v apt-get >/dev/null 2>&1 || [ "$(id -u)" -ne 0 ]; then
    echo "integration: not installed here and not root on Debian:$missing - their tests are skipped"
    exit 0
fi
policy=/usr/sbin/policy-rc.d
made=""
[ -e "$policy" ] || { printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod 755 "$policy" && made=yes; }
export DEBIAN_FRONTEND=noninteractive
patience="-o Acquire::Retries=2 -o Acquire::http::Timeout=60 -o Acquire::https::Timeout=60 -o DPkg::Lock::Timeout=300"
(apt-get $patience update -qq && apt-get $patience install -y -qq --no-install-recommends $missing) >/dev/null 2>&1 </dev/null ||
    echo "integration: could not be installed:$missing - their tests are skipped"
[ -n "$made" ] && rm -f "$policy"
exit 0
