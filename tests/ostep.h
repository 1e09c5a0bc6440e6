/*
 * ostep.h - what the simulators of "Operating Systems: Three Easy Pieces" print, for sets of their
 * parameters: scheduler.py (chapter 7), mlfq.py (8), lottery.py (9) and multi.py (10), as they were
 * in September 2023, run by Python 3.11.  A time unit of theirs is a millisecond here.
 */
#ifndef OSTEP_H
#define OSTEP_H

#define OSTEP_JOBS_MAX 8

/* -1: it does not print that. */
struct ostep_times {
	double response, turnaround, wait;
};

static const struct ostep_case {
	const char *command, *sched, *workload;
	struct ostep_times average;
	struct ostep_times job[OSTEP_JOBS_MAX];
} ostep_cases[] = {
    {"scheduler.py -p FIFO -l 10,2,4 -q 1",
     "fifo",
     "task j0 cpu 10\n"
     "task j1 cpu 2\n"
     "task j2 cpu 4\n",
     {7.33, 12.67, 7.33},
     {{0, 10, 0}, {10, 12, 10}, {12, 16, 12}}},
    {"scheduler.py -p SJF -l 200,100,300 -q 1",
     "sjf",
     "task j0 cpu 200\n"
     "task j1 cpu 100\n"
     "task j2 cpu 300\n",
     {133.33, 333.33, 133.33},
     {{100, 300, 100}, {0, 100, 0}, {300, 600, 300}}},
    {"scheduler.py -p RR -l 5,4,7 -q 1",
     "rr:1ms",
     "task j0 cpu 5\n"
     "task j1 cpu 4\n"
     "task j2 cpu 7\n",
     {1.00, 13.33, 8.00},
     {{0, 13, 8}, {1, 11, 7}, {2, 16, 9}}},
    {"scheduler.py -p RR -l 10,1,9,4 -q 3",
     "rr:3ms",
     "task j0 cpu 10\n"
     "task j1 cpu 1\n"
     "task j2 cpu 9\n"
     "task j3 cpu 4\n",
     {3.50, 17.00, 11.00},
     {{0, 24, 14}, {3, 4, 3}, {4, 23, 14}, {7, 17, 13}}},
    {"scheduler.py -p RR -l 200,200,200 -q 1",
     "rr:1ms",
     "task j0 cpu 200\n"
     "task j1 cpu 200\n"
     "task j2 cpu 200\n",
     {1.00, 599.00, 399.00},
     {{0, 598, 398}, {1, 599, 399}, {2, 600, 400}}},
    {"scheduler.py -p FIFO -l 100,10,10 -q 1",
     "fifo",
     "task j0 cpu 100\n"
     "task j1 cpu 10\n"
     "task j2 cpu 10\n",
     {70.00, 110.00, 70.00},
     {{0, 100, 0}, {100, 110, 100}, {110, 120, 110}}},
    {"scheduler.py -p SJF -s 7 -j 6 -m 20 -q 1",
     "sjf",
     "task j0 cpu 7\n"
     "task j1 cpu 4\n"
     "task j2 cpu 14\n"
     "task j3 cpu 2\n"
     "task j4 cpu 11\n"
     "task j5 cpu 8\n",
     {12.33, 20.00, 12.33},
     {{6, 13, 6}, {2, 6, 2}, {32, 46, 32}, {0, 2, 0}, {21, 32, 21}, {13, 21, 13}}},
    {"scheduler.py -p FIFO -s 12 -j 7 -m 50 -q 1",
     "fifo",
     "task j0 cpu 24\n"
     "task j1 cpu 33\n"
     "task j2 cpu 34\n"
     "task j3 cpu 8\n"
     "task j4 cpu 1\n"
     "task j5 cpu 19\n"
     "task j6 cpu 14\n",
     {70.00, 89.00, 70.00},
     {{0, 24, 0},
      {24, 57, 24},
      {57, 91, 57},
      {91, 99, 91},
      {99, 100, 99},
      {100, 119, 100},
      {119, 133, 119}}},
    {"scheduler.py -p RR -s 3 -j 8 -m 30 -q 4",
     "rr:4ms",
     "task j0 cpu 8\n"
     "task j1 cpu 17\n"
     "task j2 cpu 12\n"
     "task j3 cpu 19\n"
     "task j4 cpu 19\n"
     "task j5 cpu 2\n"
     "task j6 cpu 1\n"
     "task j7 cpu 26\n",
     {13.12, 64.00, 51.00},
     {{0, 31, 23},
      {4, 88, 71},
      {8, 59, 47},
      {12, 91, 72},
      {16, 94, 75},
      {20, 22, 20},
      {22, 23, 22},
      {23, 104, 78}}},
    {"scheduler.py -p SJF -l 5,5,3,3,8 -q 1",
     "sjf",
     "task j0 cpu 5\n"
     "task j1 cpu 5\n"
     "task j2 cpu 3\n"
     "task j3 cpu 3\n"
     "task j4 cpu 8\n",
     {7.20, 12.00, 7.20},
     {{6, 11, 6}, {11, 16, 11}, {0, 3, 0}, {3, 6, 3}, {16, 24, 16}}},
    {"scheduler.py -p RR -s 99 -j 5 -m 100 -q 10",
     "rr:10ms",
     "task j0 cpu 41\n"
     "task j1 cpu 21\n"
     "task j2 cpu 18\n"
     "task j3 cpu 25\n"
     "task j4 cpu 76\n",
     {20.00, 125.40, 89.20},
     {{0, 145, 104}, {10, 109, 88}, {20, 78, 60}, {30, 114, 89}, {40, 181, 105}}},
    {"scheduler.py -p RR -l 1,1,1,7,13,2 -q 2",
     "rr:2ms",
     "task j0 cpu 1\n"
     "task j1 cpu 1\n"
     "task j2 cpu 1\n"
     "task j3 cpu 7\n"
     "task j4 cpu 13\n"
     "task j5 cpu 2\n",
     {3.00, 9.67, 5.50},
     {{0, 1, 0}, {1, 2, 1}, {2, 3, 2}, {3, 18, 11}, {5, 25, 12}, {7, 9, 7}}},
    {"mlfq.py -l 0,20,5:0,10,0 -n 3 -B 20 -i 5 -q 5 -a 1",
     "mlfq:queues=3,quantum=5,allotment=1,boost=20,stay=0,iobump=0",
     "task j0 io burst=5 sleep=5 total=20 at=0\n"
     "task j1 cpu 10 at=0\n",
     {2.50, 27.50, -1},
     {{0, 40, -1}, {5, 15, -1}}},
    {"mlfq.py -l 0,30,0:0,25,0:5,12,0 -n 3 -B 0 -i 5 -q 10 -a 1",
     "mlfq:queues=3,quantum=10,allotment=1,boost=0,stay=0,iobump=0",
     "task j0 cpu 30 at=0\n"
     "task j1 cpu 25 at=0\n"
     "task j2 cpu 12 at=5\n",
     {8.33, 58.67, -1},
     {{0, 62, -1}, {10, 67, -1}, {15, 47, -1}}},
    {"mlfq.py -l 0,50,0:0,50,9 -n 2 -B 0 -i 1 -q 10 -a 1 -S",
     "mlfq:queues=2,quantum=10,allotment=1,boost=0,stay=1,iobump=0",
     "task j0 cpu 50 at=0\n"
     "task j1 io burst=9 sleep=1 total=50 at=0\n",
     {5.00, 82.50, -1},
     {{0, 100, -1}, {10, 65, -1}}},
    {"mlfq.py -l 0,200,0:100,20,1 -n 3 -B 0 -i 5 -q 10 -a 1",
     "mlfq:queues=3,quantum=10,allotment=1,boost=0,stay=0,iobump=0",
     "task j0 cpu 200 at=0\n"
     "task j1 io burst=1 sleep=5 total=20 at=100\n",
     {0.00, 167.50, -1},
     {{0, 220, -1}, {0, 115, -1}}},
    {"mlfq.py -l 0,120,0:20,60,4:30,60,4 -n 3 -B 50 -i 5 -q 10 -a 1 -S",
     "mlfq:queues=3,quantum=10,allotment=1,boost=50,stay=1,iobump=0",
     "task j0 cpu 120 at=0\n"
     "task j1 io burst=4 sleep=5 total=60 at=20\n"
     "task j2 io burst=4 sleep=5 total=60 at=30\n",
     {1.00, 186.67, -1},
     {{0, 240, -1}, {0, 158, -1}, {3, 162, -1}}},
    {"mlfq.py -l 0,200,0:0,200,0 -n 3 -B 0 -i 5 -Q 10,20,40 -A 2,4,1",
     "mlfq:queues=3,quantum=10/20/40,allotment=2/4/1,boost=0,stay=0,iobump=0",
     "task j0 cpu 200 at=0\n"
     "task j1 cpu 200 at=0\n",
     {5.00, 390.00, -1},
     {{0, 380, -1}, {10, 400, -1}}},
    {"mlfq.py -l 0,80,10:0,80,0:15,30,3 -n 3 -B 100 -i 10 -q 10 -a 2 -I",
     "mlfq:queues=3,quantum=10,allotment=2,boost=100,stay=0,iobump=1",
     "task j0 io burst=10 sleep=10 total=80 at=0\n"
     "task j1 cpu 80 at=0\n"
     "task j2 io burst=3 sleep=10 total=30 at=15\n",
     {8.33, 169.67, -1},
     {{0, 190, -1}, {10, 182, -1}, {15, 137, -1}}},
    {"mlfq.py -l 0,12,0:0,9,0:1,7,0 -n 1 -B 0 -i 5 -q 4 -a 1",
     "mlfq:queues=1,quantum=4,allotment=1,boost=0,stay=0,iobump=0",
     "task j0 cpu 12 at=0\n"
     "task j1 cpu 9 at=0\n"
     "task j2 cpu 7 at=1\n",
     {3.67, 25.67, -1},
     {{0, 27, -1}, {4, 28, -1}, {7, 22, -1}}},
    {"mlfq.py -l 0,33,6:0,18,11:19,1,7:0,34,0:0,31,6 -n 4 -B 33 -i 1 -q 2 -a 1",
     "mlfq:queues=4,quantum=2,allotment=1,boost=33,stay=0,iobump=0",
     "task j0 io burst=6 sleep=1 total=33 at=0\n"
     "task j1 io burst=11 sleep=1 total=18 at=0\n"
     "task j2 io burst=7 sleep=1 total=1 at=19\n"
     "task j3 cpu 34 at=0\n"
     "task j4 io burst=6 sleep=1 total=31 at=0\n",
     {2.40, 83.80, -1},
     {{0, 117, -1}, {2, 71, -1}, {0, 1, -1}, {4, 116, -1}, {6, 114, -1}}},
    {"mlfq.py -l 0,34,0:0,36,0:7,15,0:0,27,9 -n 2 -B 7 -i 1 -Q 10,2 -A 1,1 -S",
     "mlfq:queues=2,quantum=10/2,allotment=1/1,boost=7,stay=1,iobump=0",
     "task j0 cpu 34 at=0\n"
     "task j1 cpu 36 at=0\n"
     "task j2 cpu 15 at=7\n"
     "task j3 io burst=9 sleep=1 total=27 at=0\n",
     {44.00, 76.00, -1},
     {{0, 34, -1}, {34, 70, -1}, {72, 87, -1}, {70, 113, -1}}},
    {"mlfq.py -l 23,34,0:0,11,0:12,21,0:0,37,0:9,35,0 -n 3 -B 33 -i 5 -q 3 -a 3 -S",
     "mlfq:queues=3,quantum=3,allotment=3,boost=33,stay=1,iobump=0",
     "task j0 cpu 34 at=23\n"
     "task j1 cpu 11 at=0\n"
     "task j2 cpu 21 at=12\n"
     "task j3 cpu 37 at=0\n"
     "task j4 cpu 35 at=9\n",
     {4.40, 100.20, -1},
     {{4, 114, -1}, {0, 44, -1}, {9, 80, -1}, {3, 138, -1}, {6, 125, -1}}},
    {"mlfq.py -l 0,38,0:0,5,0:0,14,0:0,22,1 -n 3 -B 33 -i 1 -q 5 -a 2 -S -I",
     "mlfq:queues=3,quantum=5,allotment=2,boost=33,stay=1,iobump=1",
     "task j0 cpu 38 at=0\n"
     "task j1 cpu 5 at=0\n"
     "task j2 cpu 14 at=0\n"
     "task j3 io burst=1 sleep=1 total=22 at=0\n",
     {7.50, 47.50, -1},
     {{0, 79, -1}, {5, 10, -1}, {10, 43, -1}, {15, 58, -1}}},
    {"lottery.py -s 1 -l 10:100,10:100 -q 1",
     "lottery:slice=1ms,seed=1",
     "task j0 cpu 10 tickets=100\n"
     "task j1 cpu 10 tickets=100\n",
     {-1, -1, -1},
     {{-1, 20, -1}, {-1, 16, -1}}},
    {"lottery.py -s 2 -l 10:1,10:100 -q 1",
     "lottery:slice=1ms,seed=2",
     "task j0 cpu 10 tickets=1\n"
     "task j1 cpu 10 tickets=100\n",
     {-1, -1, -1},
     {{-1, 20, -1}, {-1, 11, -1}}},
    {"lottery.py -s 3 -l 100:50,100:50,30:200 -q 1",
     "lottery:slice=1ms,seed=3",
     "task j0 cpu 100 tickets=50\n"
     "task j1 cpu 100 tickets=50\n"
     "task j2 cpu 30 tickets=200\n",
     {-1, -1, -1},
     {{-1, 230, -1}, {-1, 207, -1}, {-1, 52, -1}}},
    {"lottery.py -s 0 -l 20:75,15:25,5:100,9:1 -q 1",
     "lottery:slice=1ms,seed=0",
     "task j0 cpu 20 tickets=75\n"
     "task j1 cpu 15 tickets=25\n"
     "task j2 cpu 5 tickets=100\n"
     "task j3 cpu 9 tickets=1\n",
     {-1, -1, -1},
     {{-1, 30, -1}, {-1, 41, -1}, {-1, 11, -1}, {-1, 49, -1}}},
    {"lottery.py -s 7 -l 50:100,50:50,25:200 -q 5",
     "lottery:slice=5ms,seed=7",
     "task j0 cpu 50 tickets=100\n"
     "task j1 cpu 50 tickets=50\n"
     "task j2 cpu 25 tickets=200\n",
     {-1, -1, -1},
     {{-1, 105, -1}, {-1, 125, -1}, {-1, 35, -1}}},
    {"lottery.py -s 42 -l 8:3,6:1,4:2,10:4 -q 2",
     "lottery:slice=2ms,seed=42",
     "task j0 cpu 8 tickets=3\n"
     "task j1 cpu 6 tickets=1\n"
     "task j2 cpu 4 tickets=2\n"
     "task j3 cpu 10 tickets=4\n",
     {-1, -1, -1},
     {{-1, 12, -1}, {-1, 28, -1}, {-1, 22, -1}, {-1, 20, -1}}},
    {"lottery.py -s 1 -j 3 -q 1",
     "lottery:slice=1ms,seed=1,skip=6",
     "task j0 cpu 1 tickets=84\n"
     "task j1 cpu 7 tickets=25\n"
     "task j2 cpu 4 tickets=44\n",
     {-1, -1, -1},
     {{-1, 2, -1}, {-1, 12, -1}, {-1, 6, -1}}},
    {"lottery.py -s 9 -j 6 -m 15 -T 40 -q 1",
     "lottery:slice=1ms,seed=9,skip=13",
     "task j0 cpu 6 tickets=14\n"
     "task j1 cpu 2 tickets=34\n"
     "task j2 cpu 7 tickets=35\n"
     "task j3 cpu 1 tickets=22\n"
     "task j4 cpu 9 tickets=1\n"
     "task j5 cpu 5 tickets=28\n",
     {-1, -1, -1},
     {{-1, 21, -1}, {-1, 4, -1}, {-1, 18, -1}, {-1, 6, -1}, {-1, 30, -1}, {-1, 10, -1}}},
    {"lottery.py -s 5 -l 3:1,3:1,3:1,3:1,3:1 -q 1",
     "lottery:slice=1ms,seed=5",
     "task j0 cpu 3 tickets=1\n"
     "task j1 cpu 3 tickets=1\n"
     "task j2 cpu 3 tickets=1\n"
     "task j3 cpu 3 tickets=1\n"
     "task j4 cpu 3 tickets=1\n",
     {-1, -1, -1},
     {{-1, 15, -1}, {-1, 12, -1}, {-1, 9, -1}, {-1, 14, -1}, {-1, 10, -1}}},
    {"lottery.py -s 123 -l 30:10,9:90,21:45 -q 3",
     "lottery:slice=3ms,seed=123",
     "task j0 cpu 30 tickets=10\n"
     "task j1 cpu 9 tickets=90\n"
     "task j2 cpu 21 tickets=45\n",
     {-1, -1, -1},
     {{-1, 60, -1}, {-1, 9, -1}, {-1, 33, -1}}},
    {"lottery.py -s 11 -l 1:1,100:1000,7:30 -q 1",
     "lottery:slice=1ms,seed=11",
     "task j0 cpu 1 tickets=1\n"
     "task j1 cpu 100 tickets=1000\n"
     "task j2 cpu 7 tickets=30\n",
     {-1, -1, -1},
     {{-1, 83, -1}, {-1, 104, -1}, {-1, 108, -1}}},
    {"lottery.py -s 4 -l 24:10,8:15,2:40,22:80,18:22,12:27,4:10,6:92 -q 2",
     "lottery:slice=2ms,seed=4",
     "task j0 cpu 24 tickets=10\n"
     "task j1 cpu 8 tickets=15\n"
     "task j2 cpu 2 tickets=40\n"
     "task j3 cpu 22 tickets=80\n"
     "task j4 cpu 18 tickets=22\n"
     "task j5 cpu 12 tickets=27\n"
     "task j6 cpu 4 tickets=10\n"
     "task j7 cpu 6 tickets=92\n",
     {-1, -1, -1},
     {{-1, 96, -1},
      {-1, 74, -1},
      {-1, 14, -1},
      {-1, 42, -1},
      {-1, 70, -1},
      {-1, 78, -1},
      {-1, 82, -1},
      {-1, 16, -1}}},
};

static const struct ostep_multi {
	const char *command, *sched, *workload;
	double finished;
	struct {
		double utilization, warm; /* per cent */
	} cpu[OSTEP_JOBS_MAX];
} ostep_multi[] = {
    {"multi.py -n 1 -q 10 -M 100 -w 10 -r 2 -L a:30:200",
     "rr",
     "cpus 1\n"
     "tick 10\n"
     "cache size=100 warmup=10 rate=2 unit=1\n"
     "task a cpu 30 wset=200\n",
     30,
     {{100.00, 0.00}}},
    {"multi.py -n 1 -q 10 -M 300 -w 10 -r 2 -L a:30:200",
     "rr",
     "cpus 1\n"
     "tick 10\n"
     "cache size=300 warmup=10 rate=2 unit=1\n"
     "task a cpu 30 wset=200\n",
     20,
     {{100.00, 50.00}}},
    {"multi.py -n 2 -q 10 -M 100 -w 10 -r 2 -L a:100:100,b:100:50,c:100:50",
     "rr",
     "cpus 2\n"
     "tick 10\n"
     "cache size=100 warmup=10 rate=2 unit=1\n"
     "task a cpu 100 wset=100\n"
     "task b cpu 100 wset=50\n"
     "task c cpu 100 wset=50\n",
     150,
     {{100.00, 0.00}, {100.00, 0.00}}},
    {"multi.py -n 2 -q 10 -M 100 -w 10 -r 2 -L a:100:100,b:100:50,c:100:50 -A a:0,b:1,c:1",
     "rr",
     "cpus 2\n"
     "tick 10\n"
     "cache size=100 warmup=10 rate=2 unit=1\n"
     "task a cpu 100 wset=100 cpus=0\n"
     "task b cpu 100 wset=50 cpus=1\n"
     "task c cpu 100 wset=50 cpus=1\n",
     110,
     {{50.00, 40.91}, {100.00, 81.82}}},
    {"multi.py -n 3 -q 10 -M 50 -w 10 -r 2 -L a:100:100,b:100:100,c:100:100",
     "rr",
     "cpus 3\n"
     "tick 10\n"
     "cache size=50 warmup=10 rate=2 unit=1\n"
     "task a cpu 100 wset=100\n"
     "task b cpu 100 wset=100\n"
     "task c cpu 100 wset=100\n",
     100,
     {{100.00, 0.00}, {100.00, 0.00}, {100.00, 0.00}}},
    {"multi.py -n 3 -q 10 -M 100 -w 10 -r 2 -L a:100:100,b:100:100,c:100:100",
     "rr",
     "cpus 3\n"
     "tick 10\n"
     "cache size=100 warmup=10 rate=2 unit=1\n"
     "task a cpu 100 wset=100\n"
     "task b cpu 100 wset=100\n"
     "task c cpu 100 wset=100\n",
     55,
     {{100.00, 81.82}, {100.00, 81.82}, {100.00, 81.82}}},
    {"multi.py -n 2 -q 5 -M 150 -w 0 -r 3 -L a:87:120,b:96:50,c:23:60,d:56:120,e:21:20 -A c:1",
     "rr",
     "cpus 2\n"
     "tick 5\n"
     "cache size=150 warmup=0 rate=3 unit=1\n"
     "task a cpu 87 wset=120\n"
     "task b cpu 96 wset=50\n"
     "task c cpu 23 wset=60 cpus=1\n"
     "task d cpu 56 wset=120\n"
     "task e cpu 21 wset=20\n",
     54,
     {{96.30, 87.04}, {92.59, 83.33}}},
    {"multi.py -n 4 -q 3 -M 100 -w 5 -r 4 -L a:61:100,b:27:20,c:63:20,d:50:100,e:99:60 -A "
     "d:0,b:1.2",
     "rr",
     "cpus 4\n"
     "tick 3\n"
     "cache size=100 warmup=5 rate=4 unit=1\n"
     "task a cpu 61 wset=100\n"
     "task b cpu 27 wset=20 cpus=1,2\n"
     "task c cpu 63 wset=20\n"
     "task d cpu 50 wset=100 cpus=0\n"
     "task e cpu 99 wset=60\n",
     42,
     {{97.62, 54.76}, {78.57, 30.95}, {66.67, 26.19}, {64.29, 33.33}}},
    {"multi.py -n 2 -q 10 -M 100 -w 10 -r 2 -L a:100:100,b:100:50,c:100:50 -p -P 0 -s 0",
     "rrq:peek=0ms,seed=0",
     "cpus 2\n"
     "tick 10\n"
     "cache size=100 warmup=10 rate=2 unit=1\n"
     "task a cpu 100 wset=100\n"
     "task b cpu 100 wset=50\n"
     "task c cpu 100 wset=50\n",
     200,
     {{100.00, 0.00}, {27.50, 22.50}}},
    {"multi.py -n 2 -q 10 -M 100 -w 10 -r 2 -L a:100:100,b:30:50,c:100:50,d:20:20 -p -P 30 -s 0",
     "rrq:peek=30ms,seed=0",
     "cpus 2\n"
     "tick 10\n"
     "cache size=100 warmup=10 rate=2 unit=1\n"
     "task a cpu 100 wset=100\n"
     "task b cpu 30 wset=50\n"
     "task c cpu 100 wset=50\n"
     "task d cpu 20 wset=20\n",
     100,
     {{95.00, 35.00}, {75.00, 45.00}}},
    {"multi.py -n 4 -q 5 -M 150 -w 10 -r 3 -L a:100:100,b:20:50,c:90:50,d:10:20,e:80:60,f:40:100 "
     "-p -P 10 -s 5",
     "rrq:peek=10ms,seed=5",
     "cpus 4\n"
     "tick 5\n"
     "cache size=150 warmup=10 rate=3 unit=1\n"
     "task a cpu 100 wset=100\n"
     "task b cpu 20 wset=50\n"
     "task c cpu 90 wset=50\n"
     "task d cpu 10 wset=20\n"
     "task e cpu 80 wset=60\n"
     "task f cpu 40 wset=100\n",
     79,
     {{63.29, 12.66}, {63.29, 12.66}, {62.03, 24.05}, {74.68, 36.71}}},
    {"multi.py -n 3 -q 10 -M 100 -w 5 -r 2 -L a:60:50,b:10:50,c:90:50,d:70:20,e:15:60 -p -P 7 -s "
     "42",
     "rrq:peek=7ms,seed=42",
     "cpus 3\n"
     "tick 10\n"
     "cache size=100 warmup=5 rate=2 unit=1\n"
     "task a cpu 60 wset=50\n"
     "task b cpu 10 wset=50\n"
     "task c cpu 90 wset=50\n"
     "task d cpu 70 wset=20\n"
     "task e cpu 15 wset=60\n",
     58,
     {{56.90, 48.28}, {100.00, 74.14}, {82.76, 65.52}}},
};
#endif
