# What it costs.
.PHONY: bench bench-programs
$(B)/bench/%: bench/%.c
	@mkdir -p $(@D)
	gcc -std=gnu11 -D_GNU_SOURCE -O2 -Wall -static -o $@ $<
bench-programs: $(B)/bench/micro

## make bench           cost of operations and commands, native against each backend;
##                      BENCH="NAME..." selects, --rounds N, --cpus N, --json FILE may be given
bench: all bench-programs
	@B=$(B) bench/bench.py $(BENCH)
