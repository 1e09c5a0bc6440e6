# Priority inversion, and how a lock can lend its holder the priority of who waits for it (Sha,
# Rajkumar and Lehoczky 1990; what stopped Mars Pathfinder).
name "Priority inversion"
about "low holds a lock that high wants. Then middle, which wants no lock, keeps the CPU from low, and so from high. With inheritance low runs at high's priority until it gives the lock back."
sched prio:inherit=0
sched prio:inherit=1
tick 1ms
task low steps "run 5ms; lock bus; run 60ms; unlock bus; run 20ms" times=1 class=fifo prio=10
task high steps "run 2ms; lock bus; run 10ms; unlock bus; run 2ms" times=1 at=40ms class=fifo prio=30
task middle cpu 150ms at=55ms class=fifo prio=20
