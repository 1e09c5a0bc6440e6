# Short jobs come late (OSTEP ch. 7): what preemption is worth.
name "Late arrivals"
about "A long job runs already when two short ones arrive. Without preemption knowing the lengths does not help: they wait. Shortest time to completion first lets them go first."
sched sjf
sched stcf
sched rr
task A cpu 200ms length=200ms
task B cpu 20ms at=20ms length=20ms
task C cpu 20ms at=20ms length=20ms
