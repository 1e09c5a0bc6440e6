# Requests that come at random beside batch jobs.
name "A web server beside batch jobs"
about "Requests arrive at random, 60 a second, and need 3 ms each on average; three batch jobs take what they get. The tail of the waits is what the visitors notice."
sched fair
sched eevdf
sched rr
sched mlfq
sched fifo
stop 1500ms
seed 7
task batch cpu forever count=3 nice=5
task request cpu ~3ms at=20ms every=~16ms count=80
