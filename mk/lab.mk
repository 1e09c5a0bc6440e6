# The scheduler lab: the guest that plays a workload's shapes, and the shipped workloads.

PLAYER_SRC := guests/player/player.c ukernel/lab/program.c $(sort $(wildcard ukernel/lab/workload*.c))

$(B)/lab/player: $(PLAYER_SRC) $(wildcard ukernel/lab/*.h)
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)gcc -std=gnu11 -D_GNU_SOURCE -O2 -Wall -Iukernel -static -o $@ $(PLAYER_SRC) -lm -pthread
all: $(B)/lab/player
