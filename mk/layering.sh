#!/bin/sh
# The kernel must not know how a trap arrives: its archive may not even mention the host calls by
# which guests are caught, nor any symbol of the machine archive but the contract's own.
# usage: layering.sh libukernel.a [libsandbox.a]
set -eu
kernel=$1 machine=${2:-$(dirname "$1")/libsandbox.a}

forbidden='^(ptrace|wait|waitpid|waitid|wait3|wait4|seccomp_.*|process_vm_.*|epoll_(create1?|ctl|wait|pwait2?)|fork|vfork|clone|exec[vl].*|signalfd|timerfd_.*)$'
found=$(nm -u "$kernel" | awk '$1 == "U" { print $2 }' | sort -u | grep -E "$forbidden" || true)

nm -u "$kernel" | awk '$1 == "U" { print $2 }' | sort -u >"$kernel.undefined"
nm --defined-only "$machine" | awk 'NF == 3 && $2 ~ /[A-Z]/ { print $3 }' | sort -u >"$kernel.machine"
shared=$(comm -12 "$kernel.undefined" "$kernel.machine")
nm --defined-only "$kernel" | awk 'NF == 3 && $2 ~ /[A-Z]/ { print $3 }' | sort -u >"$kernel.own"
# What the kernel defines itself is no business of the machine's.
shared=$(printf '%s\n' "$shared" | comm -23 - "$kernel.own" | grep . || true)
rm -f "$kernel.undefined" "$kernel.machine" "$kernel.own"

if grep -rlE '#include "(sandbox|vthread|host_probe)' ukernel --include='*.[ch]' | grep -v '^ukernel/cli/'; then
	echo "layering: the files above include headers of sandbox/" >&2
	exit 1
fi
if [ -n "$found$shared" ]; then
	echo "layering: the kernel archive uses what only the machine may:" >&2
	# shellcheck disable=SC2086
	printf '  %s\n' $found $shared >&2
	exit 1
fi
