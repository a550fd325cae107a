/* What WireGuard needs on a host: privileges, programs, and the kernel or /dev/net/tun. */
#include "security/wireguard.h"

#include "base/process.h"
#include "base/program.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#define INSTALL "apt-get install --no-install-recommends wireguard-go wireguard-tools"

static bool has_capability(int capability) {
    CLEANUP(fclosep) FILE *file = fopen("/proc/self/status", "re");
    unsigned long long effective = 0;
    char line[256];

    while (file && fgets(line, sizeof(line), file))
        (void)sscanf(line, "CapEff: %llx", &effective);
    return effective >> capability & 1;
}

static int need_capabilities(bool mounts, struct error *error) {
    const struct {
        int number;
        const char *name, *purpose;
        bool needed;
    } rows[] = {
        {CAP_NET_ADMIN, "CAP_NET_ADMIN", "to make an interface", true},
        {CAP_NET_RAW, "CAP_NET_RAW", "to look at the link below the tunnel", true},
        {CAP_SYS_ADMIN, "CAP_SYS_ADMIN", "to give wireguard-go a /run of its own", mounts},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        if (rows[i].needed && !has_capability(rows[i].number))
            return error_set(error, -EOPNOTSUPP, "needs root here (%s, %s)", rows[i].name,
                             rows[i].purpose);
    return 0;
}

static int need_programs(const char *names, struct error *error) {
    const char *cursor = names, *word;
    size_t length;

    while ((word = text_next_word(&cursor, &length))) {
        CLEANUP_FREE char *name = strndup(word, length), *path = NULL;

        if (process_find(&path, name, NULL) < 0)
            return error_set(error, -EOPNOTSUPP, "needs the program %s here: " INSTALL, name);
    }
    return 0;
}

/* Loaded, built in, or there to be loaded. */
static bool kernel_has_it(void) {
    struct utsname system;
    CLEANUP_FREE char *pattern = NULL;
    glob_t found = {.gl_pathc = 0};
    bool there;

    if (access("/sys/module/wireguard", F_OK) == 0)
        return true;
    if (uname(&system) < 0)
        return false;
    pattern =
        text_format("/lib/modules/%s/kernel/drivers/net/wireguard/wireguard.ko*", system.release);
    there = glob(pattern, 0, NULL, &found) == 0;
    globfree(&found);
    return there;
}

static int need_tun(struct error *error) {
    CLEANUP_FD int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

    return fd >= 0 ? 0
                   : error_set(error, -EOPNOTSUPP, "wireguard-go needs /dev/net/tun here: %s",
                               strerror(errno));
}

static int go_available(char **ret_how, struct error *error) {
    CLEANUP_FREE char *version = NULL;
    int r = need_capabilities(true, error);

    if (r == 0)
        r = need_programs("wireguard-go unshare nsenter", error);
    if (r == 0)
        r = need_tun(error);
    if (r < 0)
        return r;
    if (program_ask(&version, NULL, NULL, "wireguard-go --version") < 0)
        *ret_how = text_copy("wireguard-go");
    else
        *ret_how = text_format("%.*s", (int)strcspn(version, "\n"), version);
    return 0;
}

int wireguard_available(enum wireguard_kind kind, char **ret_how, struct error *error) {
    int r = need_capabilities(false, error);

    if (r == 0)
        r = need_programs("ip wg", error);
    if (r < 0)
        return r;
    if (kind == WIREGUARD_GO || (kind == WIREGUARD_AUTO && !kernel_has_it()))
        return go_available(ret_how, error);
    if (!kernel_has_it())
        return error_set(error, -EOPNOTSUPP,
                         "this kernel has no WireGuard; tunnel.by = auto "
                         "would take wireguard-go");
    *ret_how = text_copy("kernel");
    return 0;
}
