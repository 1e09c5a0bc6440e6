#!/bin/sh
# Install the Debian packages that are missing.
# usage: deps.sh [--check] build|test|lint|all...
set -eu
list=$(dirname "$0")/deps.txt
check=
if [ "${1-}" = --check ]; then
	check=1
	shift
fi
[ $# -gt 0 ] || set -- build

wanted=
for what; do
	case $what in
	build | test | lint) packages=$(awk -v w="$what" '$1 == w { print $2 }' "$list") ;;
	all) packages=$(awk '!/^#/ { print $2 }' "$list") ;;
	*)
		echo "deps.sh: no list '$what'; there are build, test, lint and all" >&2
		exit 2
		;;
	esac
	wanted="$wanted $packages"
done

if ! command -v dpkg-query >/dev/null; then
	echo "deps.sh: not a Debian system: see that you have what these packages hold:" >&2
	echo "$wanted" | tr '\n' ' ' >&2
	echo >&2
	exit 0
fi
missing=
for package in $wanted; do
	state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
	[ "$state" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0
if [ -n "$check" ]; then
	echo "missing packages:$missing" >&2
	exit 1
fi

sudo=
if [ "$(id -u)" != 0 ]; then
	if ! command -v sudo >/dev/null; then
		echo "deps.sh: as root, install:$missing" >&2
		exit 1
	fi
	sudo=sudo
fi
echo "installing:$missing"
export DEBIAN_FRONTEND=noninteractive
$sudo apt-get -q update
# shellcheck disable=SC2086
$sudo apt-get -q install -y --no-install-recommends $missing
