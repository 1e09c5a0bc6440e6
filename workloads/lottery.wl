# Shares by tickets (OSTEP ch. 9): chance needs time to be fair.
name "Shares by tickets"
about "Three hogs hold 1, 2 and 3 tickets. The lottery gives them their shares on average, stride scheduling at every moment; round robin knows no tickets."
sched lottery:slice=4ms
sched stride:slice=4ms
sched fair
sched rr
stop 1s
window 50ms
task one cpu forever tickets=100 nice=10
task two cpu forever tickets=200 nice=7
task three cpu forever tickets=300 nice=5
