# The textbook's convoy effect (OSTEP ch. 7): one heavy customer at the head of the queue.
name "Convoy effect"
about "Three jobs arrive together, the longest first in line. First in, first out makes two short jobs wait for the long one; shortest first does not."
sched fifo
sched sjf
sched rr
task A cpu 200ms length=200ms
task B cpu 20ms length=20ms
task C cpu 20ms length=20ms
