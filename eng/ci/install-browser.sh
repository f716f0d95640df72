#!/usr/bin/env bash
# Installs the browser driver. As root, installs Chromium, too, if the machine does not have a browser.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
command -v node >/dev/null && command -v npm >/dev/null || { echo "node or npm is missing"; exit 1; }
timeout 240 eng/install-browser.sh
[ -z "${CHROMIUM_PATH:-}" ] || exit 0
for name in chromium chromium-browser google-chrome google-chrome-stable chrome; do
  ! command -v "$name" >/dev/null || exit 0
done
[ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || {
  echo "Chromium is missing, and installing it requires root and apt-get"
  exit 1
}
export DEBIAN_FRONTEND=noninteractive
timeout 60 apt-get update -qq
timeout 240 apt-get -o DPkg::Lock::Timeout=120 install -y -qq --no-install-recommends chromium
