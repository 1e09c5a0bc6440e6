## machine-test   both machines against their contract, with no kernel
## machine-bench  what each operation of the machines costs
.PHONY: machine-test machine-bench
MACHINE_TEST_SRC := $(sort $(wildcard tests/machine/*.c)) tests/machine/guests.S
MACHINE_TEST_HDR := tests/machine/harness.h ukernel/machine.h sandbox/sandbox.h

$(B)/machine_test: $(MACHINE_TEST_SRC) $(MACHINE_TEST_HDR) $(B)/libsandbox.a
	$(call say,CC,$@)
	$(Q)$(CC) $(ALLCFLAGS) $(LDFLAGS) -iquote ukernel -iquote sandbox -o $@ $(MACHINE_TEST_SRC) \
		$(B)/libsandbox.a -lseccomp -lZydis -pthread

machine-test: $(B)/machine_test
	$< && $< -c 2

machine-bench: $(B)/machine_test
	$< -p && $< -p -c 2
