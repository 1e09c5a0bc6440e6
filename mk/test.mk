# Guests, unit tests and everything that `make test` runs.

GUEST_SRC   := $(sort $(wildcard guests/*.c))
HOSTILE_SRC := $(sort $(wildcard guests/hostile/*.c))
LESSON_SRC  := $(sort $(wildcard guests/lessons/*.c))
# Bad pointers and lengths are what guests are for.
GUEST_CFLAGS := -std=gnu11 -D_GNU_SOURCE -O1 -Wall -Wno-nonnull -Wno-stringop-overflow \
	-Wno-stringop-overread -Wno-format-truncation -Iguests -pthread
# musl brings no <linux/...>: those of the host come after its own.
MUSL_CFLAGS := -w -include guests/musl.h -idirafter /usr/include \
	-idirafter /usr/include/x86_64-linux-gnu
MUSL_GCC    := $(shell command -v musl-gcc 2>/dev/null)

GUESTS := $(GUEST_SRC:guests/%.c=$(B)/guests/%) $(HOSTILE_SRC:guests/hostile/%.c=$(B)/guests/hostile/%) \
	$(LESSON_SRC:guests/lessons/%.c=$(B)/guests/lessons/%)
GUESTS_DYNAMIC := $(GUEST_SRC:guests/%.c=$(B)/guests/dynamic/%)
GUESTS_MUSL := $(if $(MUSL_GCC),$(GUEST_SRC:guests/%.c=$(B)/guests/musl/%.tried))

# Guests are never built with the sanitizers: they are the users' programs, not ours.
.PHONY: guests
## make guests          the guest programs, in build/guests
guests: $(GUESTS) $(GUESTS_DYNAMIC) $(GUESTS_MUSL)

$(B)/guests/hostile/%: guests/hostile/%.c $(wildcard guests/*.h guests/hostile/*.h)
	@mkdir -p $(@D)
	gcc $(GUEST_CFLAGS) -fno-stack-protector -static -o $@ $< -lm
$(B)/guests/dynamic/%: guests/%.c $(wildcard guests/*.h)
	@mkdir -p $(@D)
	gcc $(GUEST_CFLAGS) -o $@ $< -lm
# Not every guest compiles with musl's headers: then there is no such build to compare.
$(B)/guests/musl/%.tried: guests/%.c $(wildcard guests/*.h)
	@mkdir -p $(@D)
	@rm -f $(@:.tried=)
	@$(MUSL_GCC) $(GUEST_CFLAGS) $(MUSL_CFLAGS) -static -o $(@:.tried=) $< -lm 2>$@ || echo "no musl build: $<"
	@touch $@
$(B)/guests/%: guests/%.c $(wildcard guests/*.h)
	@mkdir -p $(@D)
	gcc $(GUEST_CFLAGS) -static -o $@ $< -lm

# Unit tests: tests/NAME_test.c against the real kernel archive on the fake machine.
# (tests/machine/ is about the real machines: mk/machine_test.mk.)
UNIT_SRC := $(sort $(wildcard tests/*_test.c))
UNITS := $(UNIT_SRC:tests/%.c=$(B)/tests/%)
FAKE_OBJ := $(patsubst tests/%.c,$(B)/obj/tests/%.o,$(sort $(wildcard tests/fake_*.c)))

$(B)/obj/tests/%.o: tests/%.c
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(ALLCFLAGS) -Iukernel -Itests -MMD -MP -c -o $@ $<
$(UNITS): $(B)/tests/%: $(B)/obj/tests/%.o $(FAKE_OBJ) $(B)/libukernel.a
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(ALLCFLAGS) $(LDFLAGS) -o $@ $< $(FAKE_OBJ) -Wl,--whole-archive $(B)/libukernel.a \
		-Wl,--no-whole-archive $(UNIT_LIBS) -lcriterion -lm -pthread
# What is pure in the machines.
$(B)/tests/patch_test: $(B)/libsandbox.a
$(B)/tests/patch_test: UNIT_LIBS := $(B)/libsandbox.a -lZydis
$(B)/obj/tests/patch_test.o: ALLCFLAGS += -iquote sandbox
$(B)/tests/ehframe_test: $(B)/libsandbox.a
$(B)/tests/ehframe_test: UNIT_LIBS := $(B)/libsandbox.a
$(B)/obj/tests/ehframe_test.o: ALLCFLAGS += -iquote sandbox
$(B)/tests/unwind_test: $(B)/libsandbox.a
$(B)/tests/unwind_test: UNIT_LIBS := $(B)/libsandbox.a -lseccomp -lZydis
$(B)/obj/tests/unwind_test.o: ALLCFLAGS += -iquote sandbox
.SECONDARY: $(patsubst tests/%.c,$(B)/obj/tests/%.o,$(UNIT_SRC)) $(FAKE_OBJ)

.PHONY: units test test-quick
## make units           the Criterion suites, in build/tests
units: $(UNITS) $(B)/machine_test

## make test            everything; TEST=part or TEST=part/name selects (parts: tests/run.py --list)
test:
	@mk/deps.sh build test
	@$(MAKE) --no-print-directory all guests units
	@B=$(B) MAKE="$(MAKE)" tests/run.py $(TEST)
## make test-quick      layering, units, and the guests under one backend
test-quick:
	@mk/deps.sh build test
	@$(MAKE) --no-print-directory all guests units
	@B=$(B) MAKE="$(MAKE)" tests/run.py --quick $(TEST)
