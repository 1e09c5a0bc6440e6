/*
 * parse.c - from the text of an option's value to the value, or one clear line.
 */
#include "cli/cli.h"

#include <ctype.h>
#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <linux/magic.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

unsigned long parse_count(const char *option, const char *text, unsigned long min,
			  unsigned long max)
{
	char *end;

	errno = 0;
	unsigned long n = strtoul(text, &end, 10);
	if (!isdigit((unsigned char)*text) || *end || errno || n < min || n > max)
		die("--%s wants a whole number from %lu to %lu, not '%s'", option, min, max, text);
	return n;
}

void output_check(const char *option, const char *path)
{
	FILE *out = fopen(path, "ae");

	if (!out)
		die("--%s: cannot write '%s': %s", option, path, strerror(errno));
	fclose(out);
}

enum files_trust parse_files(const char *text)
{
	static const char *const modes[] = {
	    [FILES_MIXED] = "mixed",
	    [FILES_SHARED] = "shared",
	    [FILES_EXCLUSIVE] = "exclusive",
	};

	for (int i = 0; i < 3; i++)
		if (strcmp(text, modes[i]) == 0)
			return i;
	die("--files wants mixed, shared or exclusive, not '%s'", text);
}

uint64_t parse_size(const char *option, const char *text)
{
	static const char units[] = "KMGT";
	char *end;
	const char *unit = NULL;

	errno = 0;
	unsigned long long n = strtoull(text, &end, 10);
	if (isdigit((unsigned char)*text) && *end)
		unit = strchr(units, toupper((unsigned char)*end));
	int shift = unit ? 10 * (int)(unit - units + 1) : 0;
	const char *rest = unit ? end + 1 : end;
	if (strcasecmp(rest, "B") == 0 || (unit && strcasecmp(rest, "iB") == 0))
		rest = "";
	if (!isdigit((unsigned char)*text) || *rest || errno)
		die("--%s wants a size such as 512M or 2G, not '%s'", option, text);
	if (n == 0 || n > (uint64_t)INT64_MAX >> shift)
		die("--%s %s is out of range", option, text);
	return (uint64_t)n << shift;
}

uint64_t parse_duration_ns(const char *option, const char *text, uint64_t unit_ns)
{
	static const struct {
		const char *name;
		uint64_t ns;
	} units[] = {{"us", 1000}, {"ms", 1000000}, {"s", 1000000000}, {"m", 60000000000}};
	char *end;
	double n = strtod(text, &end);

	/* strtod also takes "inf", "nan" and hexadecimal, which nobody means. */
	bool good = (isdigit((unsigned char)*text) || *text == '.') && end != text &&
		    !strpbrk(text, "xXpP");
	if (good && *end) {
		good = false;
		for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++)
			if (strcmp(end, units[i].name) == 0) {
				unit_ns = units[i].ns;
				good = true;
			}
	}
	if (!good)
		die("--%s wants a time such as 2.5s or 300ms, not '%s'", option, text);
	if (n * (double)unit_ns > 1e18)
		die("--%s %s is out of range", option, text);
	return (uint64_t)(n * (double)unit_ns);
}

/* Append the components of path to out, which is absolute and has room. */
static void append_components(char *out, const char *path)
{
	size_t len = strlen(out);

	while (*path) {
		size_t n = strcspn(path, "/");
		if (n == 2 && path[0] == '.' && path[1] == '.') {
			while (len > 0 && out[--len] != '/')
				;
		} else if (n > 0 && !(n == 1 && *path == '.')) {
			out[len++] = '/';
			memcpy(out + len, path, n);
			len += n;
		}
		out[len] = '\0';
		path += n;
		path += *path == '/';
	}
}

char *path_absolute(const char *text)
{
	char *cwd = *text == '/' ? NULL : getcwd(NULL, 0);

	if (*text != '/' && !cwd)
		die("'%s' is relative, and the current directory is gone: %s", text,
		    strerror(errno));
	char *out = xrealloc(NULL, (cwd ? strlen(cwd) : 0) + strlen(text) + 3, 1);
	*out = '\0';
	if (cwd)
		append_components(out, cwd);
	append_components(out, text);
	if (!*out)
		strcpy(out, "/");
	free(cwd);
	return out;
}

void refuse_proc(const char *option, const char *path)
{
	struct statfs s;

	if (statfs(path, &s) == 0 && s.f_type == PROC_SUPER_MAGIC)
		die("--%s: '%s' is of the host's proc, which would show guests ukernel itself; the "
		    "box has its own /proc",
		    option, path);
}

static const char *bind_source(const char *option, const char *text)
{
	char *real = realpath(text, NULL);

	if (!real)
		die("--%s: cannot use '%s': %s", option, text, strerror(errno));
	if (access(real, R_OK) != 0)
		die("--%s: cannot read '%s': %s", option, text, strerror(errno));
	refuse_proc(option, real);
	return real;
}

void parse_bind(const char *text, struct bind_spec *out)
{
	char *src = xasprintf("%s", text);
	char *dst = strchr(src, ':');
	char *mode = NULL;

	if (dst) {
		*dst++ = '\0';
		mode = strchr(dst, ':');
		if (mode)
			*mode++ = '\0';
	}
	if (!*src)
		die("--bind '%s' names no source; it is SRC[:DST[:ro|rw]]", text);
	if (mode && strcmp(mode, "ro") != 0 && strcmp(mode, "rw") != 0)
		die("--bind '%s': '%s' is neither ro nor rw", text, mode);
	if (dst && *dst && *dst != '/')
		die("--bind '%s': the guest's side '%s' must be an absolute path%s", text, dst,
		    strcmp(dst, "ro") && strcmp(dst, "rw") ? "" : "; for the same name, SRC::ro");
	out->src = bind_source("bind", src);
	out->dst = path_absolute(dst && *dst ? dst : src);
	out->read_only = mode && strcmp(mode, "ro") == 0;
	if (!out->read_only && access(out->src, W_OK) != 0)
		die("--bind: you may not write to '%s' (%s); end it in :ro to show it read-only",
		    src, strerror(errno));
	free(src);
}

void parse_rw(const char *text, struct bind_spec *out)
{
	out->src = bind_source("rw", text);
	out->dst = path_absolute(text);
	out->read_only = false;
	if (access(out->src, W_OK) != 0)
		die("--rw: you may not write to '%s': %s", text, strerror(errno));
}

/* A number that fits a user or group identifier and is not the reserved -1. */
static bool parse_id(const char *text, unsigned *out)
{
	char *end;

	errno = 0;
	unsigned long n = strtoul(text, &end, 10);
	if (!isdigit((unsigned char)*text) || *end || errno || n >= UINT_MAX)
		return false;
	*out = (unsigned)n;
	return true;
}

static FILE *open_database(const char *root_dir, const char *name)
{
	char *path = xasprintf("%s/etc/%s", root_dir, name);
	FILE *f = fopen(path, "re");

	free(path);
	return f;
}

/* The user's entry in the root's own passwd; its name is to be freed. */
static bool find_user(const char *root_dir, const char *text, char **name, struct boot_config *c)
{
	FILE *f = open_database(root_dir, "passwd");
	unsigned id = UINT_MAX;
	bool numeric = parse_id(text, &id), found = false;
	struct passwd *pw;

	while (f && !found && (pw = fgetpwent(f)) != NULL) {
		if (numeric ? pw->pw_uid != id : strcmp(pw->pw_name, text) != 0)
			continue;
		*name = xasprintf("%s", pw->pw_name);
		c->uid = pw->pw_uid;
		c->gid = pw->pw_gid;
		found = true;
	}
	if (f)
		fclose(f);
	if (!found && numeric) { /* unknown to the root, which is fine */
		c->uid = c->gid = id;
		found = true;
	}
	return found;
}

static void find_group(const char *root_dir, const char *text, gid_t *gid)
{
	FILE *f = open_database(root_dir, "group");
	struct group *gr;

	if (parse_id(text, gid)) {
		if (f)
			fclose(f);
		return;
	}
	while (f && (gr = fgetgrent(f)) != NULL)
		if (strcmp(gr->gr_name, text) == 0) {
			*gid = gr->gr_gid;
			fclose(f);
			return;
		}
	die("--user: no group '%s' in %s/etc/group", text, root_dir);
}

/* The groups that list name as a member. */
static void find_memberships(const char *root_dir, const char *name, struct boot_config *c)
{
	FILE *f = open_database(root_dir, "group");
	struct group *gr;

	while (f && (gr = fgetgrent(f)) != NULL)
		for (char **member = gr->gr_mem; *member; member++)
			if (strcmp(*member, name) == 0 && gr->gr_gid != c->gid) {
				c->groups =
				    xrealloc(c->groups, (size_t)c->ngroups + 1, sizeof(gid_t));
				c->groups[c->ngroups++] = gr->gr_gid;
			}
	if (f)
		fclose(f);
}

void parse_user(const char *text, const char *root_dir, struct boot_config *config)
{
	char *user = xasprintf("%s", text), *name = NULL;
	char *group = strchr(user, ':');
	const char *shown = strcmp(root_dir, "/") == 0 ? "" : root_dir;

	if (group)
		*group++ = '\0';
	config->groups = NULL;
	config->ngroups = 0;
	if (!*user || (group && !*group))
		die("--user '%s' is not USER[:GROUP]", text);
	if (!find_user(shown, user, &name, config))
		die("--user: no user '%s' in %s/etc/passwd; a number works without an entry", user,
		    shown);
	if (group)
		find_group(shown, group, &config->gid);
	else if (name)
		find_memberships(shown, name, config);
	if (config->ngroups == 0) {
		config->groups = xrealloc(config->groups, 1, sizeof(gid_t));
		config->groups[config->ngroups++] = config->gid;
	}
	free(name);
	free(user);
}
