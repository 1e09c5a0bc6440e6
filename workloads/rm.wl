# Periodic tasks with fixed priorities, the shortest period highest (rate monotonic: Liu and
# Layland 1973).  Their load is 92 % of the CPU: more than the 78 % that is always safe for three
# tasks.  edf.wl has the same tasks.
name "Rate monotonic at 92 % load"
about "Three periodic tasks, together 92 % of the CPU, the deadline of each job is the next release. By fixed priorities the task with the longest period misses; in turn, everybody does. Compare edf.wl."
sched prio
sched rr:slice=1ms
tick 1ms
stop 1s
task fast periodic C=9ms T=20ms class=fifo prio=30
task middle periodic C=9ms T=35ms class=fifo prio=20
task slow periodic C=12ms T=55ms class=fifo prio=10
