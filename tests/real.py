#!/usr/bin/env python3
"""Real programs: the same output and status as natively, under both backends, with one and two
virtual CPUs.

usage: real.py [--quick] [CASE...]

Each case is one bash script in an empty directory; nothing but Debian packages is needed, and a
case whose program is not installed is skipped with a word.
"""
import os
import shutil
import sys

import lib

# name: (programs that must be there, script)
CASES = {
    "pipeline": (["bash", "python3"], r"""
        ls -l /etc | sort -k5n | tail -3
        python3 -c "print(sum(range(10**6)))" | tee x; wc -c < x"""),
    "bash": (["bash"], r"""
        f() { local i; for ((i = 0; i < $1; i++)); do echo "$i"; done; }
        f 5 | while read -r n; do echo $((n * n)); done
        declare -A a=([x]=1 [y]=2); echo "${a[x]} ${a[y]} ${#a[@]}"
        trap 'echo caught' USR1; kill -USR1 $$
        cat <(echo one) <(echo two); echo "$(< <(echo three))"
        (exit 3) || echo "status $?"; set -o pipefail; false | true || echo pipefail
        sleep 0.05 & wait $!; echo waited; [[ abc =~ ^a(.)c$ ]] && echo "${BASH_REMATCH[1]}"
        coproc cat; echo hi >&"${COPROC[1]}"; read -r l <&"${COPROC[0]}"; echo "$l" """),
    "dash": (["dash"], r"""
        dash -c 'i=0; while [ $i -lt 50 ]; do i=$((i + 1)); /bin/true || exit 1; done; echo $i
        x=$(echo sub | tr a-z A-Z); echo "$x"; ls / | head -3; cat <<E
here $x
E'"""),
    "python3": (["python3"], r"""
        cat > t.py <<'E'
import hashlib, json, multiprocessing, os, re, subprocess, tempfile, threading
print(json.dumps({"a": [1, 2.5, None]}), re.sub(r"\d+", "n", "a1b22"))
print(hashlib.sha256(b"x" * 100000).hexdigest())
print(subprocess.run(["tr", "a-z", "A-Z"], input=b"upper", capture_output=True).stdout)
out = []
ts = [threading.Thread(target=lambda i=i: out.append(i * i)) for i in range(20)]
[t.start() for t in ts]; [t.join() for t in ts]; print(sorted(out))
with multiprocessing.get_context("fork").Pool(3) as p: print(p.map(abs, range(-5, 5)))
with tempfile.TemporaryDirectory() as d:
    for i in range(50): open(os.path.join(d, str(i)), "w").write("x" * i)
    print(sum(os.stat(os.path.join(d, n)).st_size for n in os.listdir(d)))
E
        python3 t.py; python3 -c 'import sys; sys.exit(7)'; echo $?"""),
    "gcc": (["gcc"], r"""
        cat > hello.c <<'E'
#include <stdio.h>
#include <math.h>
int main(int argc, char **argv) { printf("hello %.3f %d\n", sqrt(argc + 1.0), argc); return 3; }
E
        gcc -O2 -o hello hello.c -lm && ./hello a b; echo $?
        gcc -O2 -S -o - hello.c | grep -c main; gcc -static -o hello2 hello.c -lm && ./hello2; echo $?
        echo 'int main( {' > bad.c; gcc bad.c 2>&1 | head -3; echo "${PIPESTATUS[0]}" """),
    "git": (["git"], r"""
        export GIT_AUTHOR_DATE='2024-01-01T00:00:00Z' GIT_COMMITTER_DATE='2024-01-01T00:00:00Z'
        export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
        export GIT_CONFIG_NOSYSTEM=1 HOME=$PWD
        git init -q -b main r; cd r || exit; for i in 1 2 3; do echo "$i" > "f$i"; git add .
        git commit -qm "c$i"; done; git log --oneline; git checkout -qb side HEAD~1; echo x > g
        git add g; git commit -qm side; git merge -q main -m merge; git log --oneline --graph
        git gc -q; git fsck 2>/dev/null; cd ..; git clone -q r clone; git -C clone log --oneline
        git -C clone status -s; git -C r diff HEAD~1 --stat; git -C r grep -n 2"""),
    "make": (["make", "gcc"], r"""
        for i in 1 2 3 4; do echo "int f$i(void) { return $i; }" > f$i.c; done
        echo 'int f1(void), f2(void), f3(void), f4(void); int main(void)
        { return f1() + f2() + f3() + f4(); }' > main.c
        printf 'prog: $(patsubst %%.c,%%.o,$(wildcard *.c))\n\t$(CC) -o $@ $^\n' > Makefile
        make -s -j3 && ./prog; echo $?; make -q; echo $?; touch f1.c; make -n | sort"""),
    "tar": (["tar", "gzip"], r"""
        mkdir -p d/e/f; for i in $(seq 40); do seq "$i" > "d/e/$i"; done; ln -s e d/link
        ln d/e/7 d/hard; chmod 640 d/e/3; tar czf a.tgz --sort=name --mtime=@0 --owner=0 --group=0 \
        --numeric-owner d; mkdir out; tar xzf a.tgz -C out; diff -r d out/d && echo same
        tar tvf a.tgz | awk '{print $1, $3, $6}' | head; readlink out/d/link; stat -c %a out/d/e/3"""),
    "gzip": (["gzip", "xz"], r"""
        seq 200000 > n; gzip -k n; gzip -t n.gz && gunzip -c n.gz | cmp - n && echo same
        xz -k n && xz -dc n.xz | md5sum; gzip -l n.gz | awk 'NR==2{print $2}'; echo x | gunzip; echo $?"""),
    "find": (["find"], r"""
        mkdir -p a/b/c; for i in $(seq 30); do head -c $((i * 100)) /dev/zero > "a/b/$i.dat"; done
        find a -name '*.dat' -size +2k | sort; find a -type d | sort; find a -newer a/b/1.dat | wc -l
        find a -name '1*.dat' -exec stat -c '%n %s' {} + | sort; find a -name '2*' -delete
        find a | wc -l; find /usr/include -maxdepth 1 -name 's*.h' | sort | xargs md5sum | md5sum"""),
    "grep": (["grep"], r"""
        grep -rlE '^#define _?SIG(INT|HUP)' /usr/include 2>/dev/null | sort
        seq 100000 | grep -c 7; seq 1000 | grep -nE '(1|2)9$' | tail -3; grep -q nothing /etc/passwd
        echo $?; grep root: /etc/passwd; grep x /no/file; echo $?"""),
    "sed": (["sed"], r"""
        seq 20 | sed -n '/5/,/8/p;$!{h;d};G'; echo hello world | sed -E 's/(\w+) (\w+)/\2 \1/'
        seq 5 > f; sed -i '3d' f; cat f; sed -i.bak 's/4/four/' f; cat f f.bak"""),
    "awk": (["awk"], r"""
        awk 'BEGIN { for (i = 0; i < 5; i++) s += i * i; print s; printf "%5.2f|%-5s|\n", 3.14159, "x" }'
        awk -F: '$3 < 5 { n[$7]++ } END { for (s in n) print s, n[s] }' /etc/passwd | sort
        seq 100000 | awk '{ s += $1 } END { print s }'
        awk 'BEGIN { "echo sub" | getline x; print x; print "to sort" | "sort"; close("sort"); system("exit 3") }'"""),
    "perl": (["perl"], r"""
        perl -e 'my %h = map { $_ => $_ ** 2 } 1..5; print join(",", map { "$_=$h{$_}" } sort keys %h), "\n";
        pipe(R, W); if (fork == 0) { print W "from child\n"; exit 4 } close W; print <R>; wait; print $? >> 8, "\n";
        $SIG{ALRM} = sub { print "alarm\n" }; alarm 1; sleep 3; print `echo backtick`;
        open F, ">", "f" or die; print F "line $_\n" for 1..3; close F; print -s "f", "\n"'
        perl -MPOSIX -e 'print POSIX::floor(3.7), "\n"; print join(" ", (sort { $a <=> $b } 10, 9, 2)), "\n"'"""),
    "sqlite3": (["sqlite3"], r"""
        sqlite3 t.db 'create table t (a integer primary key, b text); begin;
        with recursive c(x) as (select 1 union all select x+1 from c where x < 5000)
        insert into t select x, hex(x) from c; commit; select count(*), sum(a) from t;
        create index i on t(b); select a from t where b = hex(77); pragma integrity_check;'
        sqlite3 t.db 'pragma journal_mode=wal; update t set b = b || a; delete from t where a % 3 = 0;
        select count(*), max(length(b)) from t; vacuum;'; sqlite3 t.db .schema; ls"""),
    "busybox": (["busybox"], r"""
        busybox ash -c 'i=0; while [ $i -lt 5 ]; do echo $i; i=$((i+1)); done | busybox sort -r
        f() { echo "f $1"; }; f x; busybox seq 1000 | busybox md5sum; trap "echo bye" EXIT
        echo abc | busybox tr a-c A-C; busybox cat /proc/self/comm; (exit 5); echo $?
        busybox find /etc -maxdepth 1 -name pass* | busybox sort; busybox sleep 0.01; wait'"""),
    "coreutils": (["sort"], r"""
        seq 50000 | shuf --random-source=<(yes) | sort -n --parallel=2 | md5sum
        seq 100 | split -l 30 - part.; wc -l part.*; seq 10 | paste -sd+ | bc 2>/dev/null || echo no bc
        printf 'b 2\na 1\n' | sort | join - <(printf 'a x\nb y\n'); mkdir -p p/q; cp -a p r
        dd if=/dev/zero of=z bs=4k count=100 status=none; stat -c '%s %b' z; truncate -s 10 z
        cp --sparse=always z y; cmp z y && echo same; mv z w; ln -s w l; readlink -f l | sed 's/.*\///'
        timeout 0.1 sleep 5; echo $?; nice -n 5 nice; env -i A=1 env; date -u -d @0 +%F; id -u; nproc --all > n
        tac <(seq 3); head -c 100000 /dev/urandom | wc -c; test -c /dev/null && echo dev; df . > /dev/null"""),
}


QUICK = ["pipeline", "gcc", "git"]


def run_case(checks, name, cwd):
    needs, script = CASES[name]
    missing = [p for p in needs if not shutil.which(p, path=lib.PATH)]
    if missing:
        checks.skip(f"real/{name}", f"{missing[0]} is not installed")
        return
    argv = ["bash", "-c", script]
    native = fresh(cwd, lambda: lib.run(argv, 60, cwd))
    for backend in lib.BACKENDS:
        for cpus in (1, 2):
            got = fresh(cwd, lambda: lib.box(argv, backend, cpus, cwd=cwd, seconds=60))
            same = (got.status, got.out) == (native.status, native.out)
            why = []
            if not same:
                why = [f"status {got.status}, natively {native.status}",
                       *lib.diff(native.out, got.out), got.err[-1500:]]
                why += fresh(cwd, lambda: lib.trace_tail(argv, backend, cpus, cwd=cwd, seconds=60))
            checks.check(f"real/{name} ({backend}, {cpus} cpu)", same, *why)


def fresh(cwd, function):
    lib.remove(cwd)
    os.mkdir(cwd)
    try:
        return function()
    finally:
        lib.remove(cwd)


def main():
    checks = lib.Checks()
    names = [a for a in sys.argv[1:] if not a.startswith("--")]
    for name in names or (QUICK if "--quick" in sys.argv else CASES):
        if name not in CASES:
            checks.fail(f"real/{name}", "no such case")
            continue
        run_case(checks, name, f"/tmp/ukernel-real.{os.getpid()}")
    checks.end()


main()
