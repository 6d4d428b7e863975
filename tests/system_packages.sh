#!/bin/sh
# The system packages that some tests look for and nothing else needs: a browser and a Chinese font for the look at the report.
#   tests/system_packages.sh            installs what is missing (as root, with apt-get)
#   tests/system_packages.sh --slurm    Slurm and its database too; none of them is started
set -eu

missing=""
if [ "${1:-}" = "--slurm" ]; then
    for package in slurmctld slurmd slurmdbd slurm-client munge mariadb-server; do
        dpkg -s "$package" >/dev/null 2>&1 || missing="$missing $package"
    done
fi
command -v chromium >/dev/null || missing="$missing chromium"
fc-list 2>/dev/null | grep -q "Noto Sans CJK" || missing="$missing fonts-noto-cjk"
if [ -z "$missing" ]; then
    echo "nothing to install"
    exit 0
fi
if ! command -v apt-get >/dev/null; then
    echo "cannot install$missing: there is no apt-get; install them by the means of this system" >&2
    exit 1
fi
if [ "$(id -u)" -ne 0 ]; then
    echo "cannot install$missing: this needs root; run: sudo $0" >&2
    exit 1
fi
apt-get update -q
# shellcheck disable=SC2086
RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends fontconfig $missing
