/*
 * ifreq.c - requests about network interfaces (netdevice(7)): a box has one, "lo".
 *
 * Nothing can be changed here, and nothing is known of the host's interfaces.
 */
#include "mm/uaccess.h"
#include "net/sock.h"

#include <errno.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <string.h>
#include <sys/ioctl.h>

#define LO_NAME	 "lo"
#define LO_INDEX 1
#define LO_MTU	 65536
#define LO_QUEUE 1000
#define LO_MASK	 0xff000000U

struct abi_ifreq {
	char name[IFNAMSIZ];
	union {
		struct sockaddr_in in;
		struct sockaddr any;
		int32_t number;
		int16_t flags;
		char size[24];
	};
};
_Static_assert(sizeof(struct abi_ifreq) == 40, "ifreq is an ABI");

struct abi_ifconf {
	int32_t len, pad;
	uaddr_t buf;
};

static struct sockaddr_in address(uint32_t host_order)
{
	return (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(host_order)};
}

/* SIOCGIFCONF: whole entries only, and how much they take; NULL asks for that alone. */
static long conf_get(struct task *t, uaddr_t arg)
{
	struct abi_ifreq lo = {.name = LO_NAME};
	struct abi_ifconf c;

	if (get_user(t, c, arg))
		return -EFAULT;
	lo.in = address(INADDR_LOOPBACK);
	if (c.buf && c.len < (int)sizeof(lo))
		c.len = 0;
	else if (c.buf && copy_to_user(t, c.buf, &lo, sizeof(lo)))
		return -EFAULT;
	else
		c.len = sizeof(lo);
	return put_user(t, c.len, arg);
}

/* Those that are about IPv4: of an AF_INET socket only. */
static int address_get(unsigned cmd, struct abi_ifreq *r)
{
	switch (cmd) {
	case SIOCGIFADDR:
	case SIOCGIFDSTADDR:
		r->in = address(INADDR_LOOPBACK);
		return 0;
	case SIOCGIFBRDADDR:
		r->in = address(INADDR_ANY);
		return 0;
	case SIOCGIFNETMASK:
		r->in = address(LO_MASK);
		return 0;
	}
	return -ENOTTY;
}

static int device_get(unsigned cmd, struct abi_ifreq *r)
{
	switch (cmd) {
	case SIOCGIFINDEX:
		r->number = LO_INDEX;
		return 0;
	case SIOCGIFFLAGS:
		r->flags = IFF_UP | IFF_LOOPBACK | IFF_RUNNING;
		return 0;
	case SIOCGIFMTU:
		r->number = LO_MTU;
		return 0;
	case SIOCGIFTXQLEN:
		r->number = LO_QUEUE;
		return 0;
	case SIOCGIFMETRIC:
		r->number = 0;
		return 0;
	case SIOCGIFHWADDR:
		r->any = (struct sockaddr){.sa_family = ARPHRD_LOOPBACK};
		return 0;
	}
	return -ENOTTY;
}

long ifreq_ioctl(const struct sock *s, struct task *t, unsigned cmd, uaddr_t arg)
{
	struct abi_ifreq r;
	int err;

	if (cmd == SIOCGIFCONF)
		return conf_get(t, arg);
	/* An unknown request is unknown whatever it points to. */
	err = device_get(cmd, &(struct abi_ifreq){0});
	if (err && s->family == &family_inet)
		err = address_get(cmd, &(struct abi_ifreq){0});
	if (err && cmd != SIOCGIFNAME)
		return err;
	if (get_user(t, r, arg))
		return -EFAULT;
	r.name[IFNAMSIZ - 1] = '\0';
	if (cmd == SIOCGIFNAME) {
		if (r.number != LO_INDEX)
			return -ENODEV;
		memcpy(r.name, LO_NAME, sizeof(LO_NAME));
		return put_user(t, r, arg);
	}
	if (strcmp(r.name, LO_NAME) != 0)
		return -ENODEV;
	if (device_get(cmd, &r))
		(void)address_get(cmd, &r);
	return put_user(t, r, arg);
}
