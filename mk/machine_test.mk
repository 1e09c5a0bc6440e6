## machine-test   both machines against their contract, with no kernel
## machine-bench  what each operation of the machines costs
.PHONY: machine-test machine-bench
MACHINE_TEST_SRC := tests/machine_test.c tests/machine_guest.S

$(B)/machine_test: $(MACHINE_TEST_SRC) $(B)/libsandbox.a ukernel/machine.h sandbox/sandbox.h
	$(CC) $(ALLCFLAGS) $(LDFLAGS) -Iukernel -Isandbox -o $@ $(MACHINE_TEST_SRC) \
		$(B)/libsandbox.a -lseccomp -pthread

machine-test: $(B)/machine_test
	$< && $< -c 2

machine-bench: $(B)/machine_test
	$< -p && $< -p -c 2
