# Gaming the feedback queue (OSTEP ch. 8): rule 4 and how to get round it.
name "Gaming MLFQ"
about "The gamer sleeps for a moment just before its slice is over. Where sleeping refills the allotment it stays at the top and takes nearly all of the CPU; where what was used is counted, it sinks like the others."
sched mlfq:quantum=20ms/40ms/80ms,stay=1,boost=0
sched mlfq:quantum=20ms/40ms/80ms,stay=0,boost=0
sched mlfq:quantum=20ms/40ms/80ms,stay=0,boost=200ms
tick 1ms
stop 1s
task gamer steps "run 8ms; sleep 500us" for=1s
task honest cpu forever
