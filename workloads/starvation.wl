# Starvation in the feedback queue (OSTEP ch. 8): why there is a boost.
name "Starvation under MLFQ"
about "Interactive jobs keep the top queue busy and a long job has sunk to the bottom. Without a boost it hardly runs again; a boost now and then lets it live."
sched mlfq:quantum=10ms,allotment=2/2/2,boost=0,stay=1
sched mlfq:quantum=10ms,allotment=2/2/2,boost=100ms,stay=1
sched rr
tick 1ms
stop 1s
task long cpu forever
task typist steps "run 4ms; sleep 4ms" count=3 at=100ms for=900ms
