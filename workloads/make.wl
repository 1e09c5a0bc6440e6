# A real compile beside somebody who types.
name "A compile beside an editor"
about "make -j4 compiles twelve files with gcc while an interactive program wakes up every 20 ms, computes for 1 ms and sleeps again. How long does a keystroke wait?"
sched fair
sched eevdf
sched rr
sched mlfq
sched fifo
task make run "d=$(mktemp -d) && cd $d && for i in 1 2 3 4 5 6 7 8 9 10 11 12; do printf '#include <stdio.h>\nint f%d(int n) { return printf(\"%%d\", n); }\n' $i >f$i.c; done && printf 'all: f1.o f2.o f3.o f4.o f5.o f6.o f7.o f8.o f9.o f10.o f11.o f12.o\n' >Makefile && make -s -j4; rm -r $d" length=450ms
task editor steps "run 1ms; sleep 20ms" for=1500ms
