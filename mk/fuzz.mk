# Fuzzing by libFuzzer: needs clang.  FUZZ_SECONDS=60 make fuzz

FUZZ_SECONDS ?= 20

.PHONY: fuzz
## make fuzz            fuzz the ELF and script parsers for FUZZ_SECONDS (clang)
fuzz: $(B)/tests/fuzz_elf
	@mkdir -p $(B)/fuzz_elf.corpus
	$< -max_total_time=$(FUZZ_SECONDS) -max_len=4096 -print_final_stats=1 $(B)/fuzz_elf.corpus

$(B)/tests/fuzz_elf: tests/fuzz_elf.c ukernel/mm/elf.c ukernel/mm/script.c ukernel/mm/elf.h ukernel/mm/script.h
	@mkdir -p $(@D)
	clang -std=gnu11 -D_GNU_SOURCE -g -O1 -fsanitize=fuzzer,address,undefined \
		-fno-sanitize-recover=undefined -Iukernel -o $@ $(filter %.c,$^)
