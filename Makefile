# ukernel: build, test, bench, lint, install.  `make help` lists the targets.
#
# Every .c below ukernel/ (without ukernel/cli/) is the kernel archive, every .c and .S below
# sandbox/ is the machine archive, every .c in bench/ is the suite; ukernel/cli/ holds the program,
# the only code that sees them all.

CC	?= gcc
B	?= build
PREFIX	?= /usr/local
VERSION	:= 0.1.0

# V=1 shows the commands.
Q	:= $(if $(V),,@)
say	= $(if $(V)$(findstring s,$(firstword -$(MAKEFLAGS))),,@echo '  $(1)	$(2)')

# SAN=1 builds with the address and undefined-behaviour sanitizers.
OPT	?= -O2 -g
CFLAGS	?= $(OPT)
WARN	:= -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wvla \
	   -Wno-unused-parameter -Wno-missing-field-initializers
ALLCFLAGS = -std=gnu11 -D_GNU_SOURCE -DUKERNEL_VERSION='"$(VERSION)"' -fno-strict-aliasing \
	   $(WARN) $(WERROR) $(CFLAGS) $(SANFLAGS)
WERROR	?= -Werror
ifdef SAN
SANFLAGS := -fsanitize=address,undefined -fno-omit-frame-pointer -fno-sanitize-recover=undefined
endif

KERNEL_SRC  := $(sort $(filter-out ukernel/cli/%,$(wildcard ukernel/*.c ukernel/*/*.c ukernel/*/*/*.c)))
KERNEL_ASM  := $(sort $(wildcard ukernel/*/*.S))
MACHINE_SRC := $(sort $(wildcard sandbox/*.c))
MACHINE_ASM := $(sort $(wildcard sandbox/*.S))
BENCH_SRC   := $(sort $(wildcard bench/*.c))
CLI_SRC     := $(sort $(wildcard ukernel/cli/*.c))

KERNEL_OBJ  := $(KERNEL_SRC:%.c=$(B)/obj/%.o) $(KERNEL_ASM:%.S=$(B)/obj/%.o)
MACHINE_OBJ := $(MACHINE_SRC:%.c=$(B)/obj/%.o) $(MACHINE_ASM:%.S=$(B)/obj/%.o)
BENCH_OBJ   := $(BENCH_SRC:%.c=$(B)/obj/%.o)
CLI_OBJ     := $(CLI_SRC:%.c=$(B)/obj/%.o)

.PHONY: all clean help
## make                 build/ukernel (B=dir, CC=clang, SAN=1 for sanitizers)
## make clean           remove what was built
all: $(B)/libukernel.a $(B)/libsandbox.a $(if $(CLI_SRC),$(B)/ukernel)

$(B)/obj/ukernel/%.o: ukernel/%.c
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(ALLCFLAGS) -Iukernel -MMD -MP -c -o $@ $<
$(B)/obj/ukernel/cli/%.o: ukernel/cli/%.c
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(ALLCFLAGS) -iquote ukernel -iquote sandbox -iquote bench -MMD -MP -c -o $@ $<
$(B)/obj/bench/%.o: bench/%.c
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(ALLCFLAGS) -Ibench -MMD -MP -c -o $@ $<
$(B)/obj/sandbox/%.o: sandbox/%.c
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(ALLCFLAGS) -iquote ukernel -iquote sandbox -MMD -MP -c -o $@ $<
$(B)/obj/%.o: %.S
	@mkdir -p $(@D)
	$(call say,AS,$@)
	$(Q)$(CC) $(ALLCFLAGS) -iquote ukernel -iquote sandbox -MMD -MP -c -o $@ $<

$(B)/libukernel.a: $(KERNEL_OBJ)
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $^
$(B)/libsandbox.a: $(MACHINE_OBJ)
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $^
$(B)/libbench.a: $(BENCH_OBJ)
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $^
$(B)/ukernel: $(CLI_OBJ) $(B)/libukernel.a $(B)/libsandbox.a $(B)/libbench.a
	$(call say,LD,$@)
	$(Q)$(CC) $(ALLCFLAGS) $(LDFLAGS) -o $@ $(CLI_OBJ) -Wl,--whole-archive $(B)/libukernel.a \
		-Wl,--no-whole-archive $(B)/libsandbox.a $(B)/libbench.a -lseccomp -lZydis -ljansson \
		-lm -pthread

clean:
	rm -rf $(B)

help:
	@sed -n 's/^## //p' $(MAKEFILE_LIST)

-include $(shell find $(B)/obj -name '*.d' 2>/dev/null)
-include mk/*.mk
