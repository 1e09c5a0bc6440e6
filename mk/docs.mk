# What is made from the tables: manual page, completion, docs/syscalls.md.

$(B)/gen_docs: tools/gen_docs.c ukernel/cli/options.def ukernel/lib/log.h
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(ALLCFLAGS) -Iukernel -o $@ $<
$(B)/ukernel.bash: $(B)/gen_docs
	$< completion >$@
$(B)/options.scd: $(B)/gen_docs
	$< man >$@
$(B)/ukernel.1: docs/ukernel.1.scd $(B)/options.scd
	sed -e '/^@OPTIONS@$$/{' -e 'r $(B)/options.scd' -e 'd' -e '}' docs/ukernel.1.scd | scdoc >$@
$(B)/ukernel-workload.5: docs/ukernel-workload.5.scd
	scdoc <$< >$@

.PHONY: docs docs-check
## make docs            write docs/syscalls.md from the table; the manual page and completion in build/
docs: $(B)/ukernel $(B)/ukernel.1 $(B)/ukernel-workload.5 $(B)/ukernel.bash
	$(B)/ukernel syscalls --markdown >docs/syscalls.md
## make docs-check      is docs/syscalls.md what the table says?
docs-check: $(B)/ukernel
	@$(B)/ukernel syscalls --markdown | diff -u docs/syscalls.md - || \
		{ echo "docs/syscalls.md is out of date: make docs" >&2; exit 1; }

# What assets.S brings in.
$(B)/obj/ukernel/lab/assets.o: ukernel/lab/report.css ukernel/lab/report.js
