# What nice values are worth.
name "Nice values"
about "Two hogs, nice 0 and nice 10. Linux's weights say 1024 to 110: 90 % and 10 % of the CPU."
sched fair
sched eevdf
sched stride
sched rr
stop 1s
task plain cpu forever
task nice cpu forever nice=10
