# The tasks of rm.wl as reservations: the earliest deadline goes first.
name "Earliest deadline first at 92 % load"
about "The same three periodic tasks as in rm.wl, 92 % of the CPU. Earliest deadline first can use all of it; round robin does not know what a deadline is."
sched edf
sched rr:slice=1ms
tick 1ms
stop 1s
task fast periodic C=9ms T=20ms class=deadline
task middle periodic C=9ms T=35ms class=deadline
task slow periodic C=12ms T=55ms class=deadline
