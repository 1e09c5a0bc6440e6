# What it costs: the program that measures; the suite itself is part of ukernel (ukernel bench).

# Static, and never with the sanitizers: it is what is run, not what runs it.
$(B)/bench/measure: $(wildcard bench/prog/*.c) bench/prog/op.h bench/measures.def
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) -std=gnu11 -D_GNU_SOURCE -O2 $(WARN) $(WERROR) -Wno-unused-result -static -pthread -o $@ \
		$(filter %.c,$^)
all: $(B)/bench/measure

## make bench           what it costs, beside native: ukernel bench $(BENCH)
.PHONY: bench
bench: all
	$(B)/ukernel bench $(BENCH)
