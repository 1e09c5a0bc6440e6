# Turnaround against response (OSTEP ch. 7): no policy has both.
name "Response against turnaround"
about "Three equal jobs arrive together. One after the other gives the best turnaround, in turn the best response; the shorter the slice, the quicker the response and the more switches."
sched sjf
sched rr:slice=20ms
sched rr:slice=4ms
task A cpu 100ms length=100ms
task B cpu 100ms length=100ms
task C cpu 100ms length=100ms
