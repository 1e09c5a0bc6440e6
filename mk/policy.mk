# What a policy of one's own is built against: the header, and where it is: pkg-config's word, and a
# script that says the same where there is no pkg-config.

INCLUDEDIR ?= $(PREFIX)/include
PKGCONFIGDIR ?= $(PREFIX)/share/pkgconfig

$(B)/include/ukernel/policy.h: ukernel/sched/policy.h
	@mkdir -p $(@D)
	@cp $< $@
all: $(B)/include/ukernel/policy.h
$(B)/obj/ukernel/cli/sched_new.o: ukernel/cli/template/policy.c.in ukernel/cli/template/Makefile.in

.PHONY: install-policy
install-policy: $(B)/include/ukernel/policy.h
	install -D -m 644 $< $(DESTDIR)$(INCLUDEDIR)/ukernel/policy.h
	@mkdir -p $(DESTDIR)$(PKGCONFIGDIR) $(DESTDIR)$(BINDIR)
	printf '%s\n' 'Name: ukernel-policy' 'Description: scheduling policies for ukernel' \
		'Version: $(VERSION)' 'Cflags: -I$(INCLUDEDIR)' >$(DESTDIR)$(PKGCONFIGDIR)/ukernel-policy.pc
	sed 's|@INCLUDEDIR@|$(INCLUDEDIR)|; s|@VERSION@|$(VERSION)|' tools/ukernel-config.in >$(DESTDIR)$(BINDIR)/ukernel-config
	chmod 755 $(DESTDIR)$(BINDIR)/ukernel-config
install: install-policy
