#!/bin/sh
# Installs Debian packages where that can be done without asking: as root, or by sudo without a password.
set -eu
command -v apt-get >/dev/null || { echo "please install: $*"; exit 1; }
if [ "$(id -u)" = 0 ]; then as=; elif sudo -n true 2>/dev/null; then as="sudo -n"; else echo "please install: $*"; exit 1; fi
echo "== installing $* by apt"
$as apt-get update -qq
DEBIAN_FRONTEND=noninteractive $as apt-get install -y -qq --no-install-recommends "$@" >/dev/null
