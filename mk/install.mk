# Installing, and the first thing that a newcomer does.

DESTDIR ?=
BINDIR  ?= $(PREFIX)/bin
# Beside BINDIR: ukernel bench looks for ../libexec/ukernel.
LIBEXECDIR ?= $(PREFIX)/libexec/ukernel
# Beside BINDIR: ukernel sched looks for ../share/ukernel/workloads.
WORKLOADDIR ?= $(PREFIX)/share/ukernel/workloads
MANDIR  ?= $(PREFIX)/share/man
DOCDIR  ?= $(PREFIX)/share/doc/ukernel
COMPDIR ?= $(PREFIX)/share/bash-completion/completions

.PHONY: install uninstall deps run
## make install         programs, manual page, completion, licence (PREFIX, DESTDIR)
install: all $(B)/ukernel.1 $(B)/ukernel-workload.5 $(B)/ukernel.bash
	install -D -m 755 $(B)/ukernel $(DESTDIR)$(BINDIR)/ukernel
	install -D -m 755 $(B)/bench/measure $(DESTDIR)$(LIBEXECDIR)/measure
	install -D -m 755 $(B)/lab/player $(DESTDIR)$(LIBEXECDIR)/player
	install -d $(DESTDIR)$(WORKLOADDIR)
	install -m 644 workloads/*.wl $(DESTDIR)$(WORKLOADDIR)
	install -D -m 644 $(B)/ukernel.1 $(DESTDIR)$(MANDIR)/man1/ukernel.1
	install -D -m 644 $(B)/ukernel-workload.5 $(DESTDIR)$(MANDIR)/man5/ukernel-workload.5
	install -D -m 644 $(B)/ukernel.bash $(DESTDIR)$(COMPDIR)/ukernel
	install -D -m 644 LICENSE $(DESTDIR)$(DOCDIR)/LICENSE
	install -D -m 644 README.md $(DESTDIR)$(DOCDIR)/README.md
	install -D -m 644 docs/syscalls.md $(DESTDIR)$(DOCDIR)/syscalls.md
	install -D -m 644 docs/scheduling.md $(DESTDIR)$(DOCDIR)/scheduling.md
	install -d $(DESTDIR)$(DOCDIR)/lessons
	install -m 644 docs/lessons/*.md $(DESTDIR)$(DOCDIR)/lessons
## make uninstall       take that away again
uninstall:
	rm -f $(DESTDIR)$(BINDIR)/ukernel $(DESTDIR)$(MANDIR)/man1/ukernel.1 $(DESTDIR)$(MANDIR)/man5/ukernel-workload.5 $(DESTDIR)$(COMPDIR)/ukernel
	rm -rf $(DESTDIR)$(DOCDIR) $(DESTDIR)$(LIBEXECDIR) $(DESTDIR)$(WORKLOADDIR) $(DESTDIR)$(INCLUDEDIR)/ukernel
	rm -f $(DESTDIR)$(PKGCONFIGDIR)/ukernel-policy.pc $(DESTDIR)$(BINDIR)/ukernel-config

## make deps            install every package that building, testing and linting need (Debian 12)
deps:
	mk/deps.sh all

## make run             install what the build needs, build, run a program in the box (CMD='...')
CMD ?= echo "I am process $$$$ of $$(ls -d /proc/[0-9]* | wc -l), on $$(uname -sv)"; \
	ls -l /etc | sort -k5n | tail -3
export CMD
run:
	@mk/deps.sh build
	@$(MAKE) --no-print-directory all
	$(B)/ukernel run -- sh -c "$$CMD"
