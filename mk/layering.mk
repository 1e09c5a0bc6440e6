# The kernel archive must not know the machine: checked at every build.

$(B)/layering.ok: $(B)/libukernel.a $(B)/libsandbox.a mk/layering.sh
	@mk/layering.sh $(B)/libukernel.a $(B)/libsandbox.a
	@touch $@
all: $(B)/layering.ok
