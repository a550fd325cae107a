#include "security/wireguard.h"

#include "base/capability.h"
#include "base/clock.h"
#include "base/process.h"
#include "base/program.h"
#include "security/openssl.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <linux/capability.h>
#include <math.h>
#include <net/if.h>
#include <openssl/crypto.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#define INSTALL "apt-get install --no-install-recommends wireguard-go wireguard-tools"

#define PREFIX    "bench-wg"
#define MAX_NAMES 100
#define START_NS  (10 * NS_PER_S)
#define KEY_BYTES 32
#define KEY_TEXT  48 /* base64, a final zero, and some room */
/* The rules of our address, before the main table's (32766). */
#define RULE_INSIDE  22976
#define RULE_NOWHERE 22977

struct wireguard {
    char name[IF_NAMESIZE];
    int name_fd;            /* holds the name */
    bool kernel;            /* the interface outlives this process if it is not deleted */
    struct process program; /* wireguard-go: the interface ends with it */
    char *via;              /* in front of `wg`, so that it finds wireguard-go's socket */
    char *address;
    bool ruled; /* the rules of our address are there */
    char public[KEY_TEXT];
    int64_t port;
};

/* ---- what it needs on a host: privileges, programs, and the kernel or /dev/net/tun ---- */

static int need_capabilities(bool mounts, struct error *error) {
    const struct {
        int number;
        const char *name, *purpose;
        bool needed;
    } rows[] = {
        {CAP_NET_ADMIN, "NET_ADMIN", "to make an interface", true},
        {CAP_NET_RAW, "NET_RAW", "to look at the link below the tunnel", true},
        {CAP_SYS_ADMIN, "SYS_ADMIN", "to give wireguard-go a /run of its own", mounts},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        int r = rows[i].needed
                    ? capability_check(rows[i].number, rows[i].name, rows[i].purpose, error)
                    : 0;

        if (r < 0)
            return r;
    }
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

int wireguard_available(enum wireguard_kind kind, char **ret_how, struct error *error) {
    bool kernel = kernel_has_it();
    CLEANUP_FREE char *version = NULL;
    int r = need_capabilities(false, error);

    if (r == 0)
        r = need_programs("ip wg", error);
    if (r < 0)
        return r;
    if (kind == WIREGUARD_KERNEL && !kernel)
        return error_set(error, -EOPNOTSUPP,
                         "this kernel has no WireGuard; tunnel.by = auto would take wireguard-go");
    if (kind != WIREGUARD_GO && kernel) {
        *ret_how = text_copy("kernel");
        return 0;
    }
    r = need_capabilities(true, error);
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

/* ---- names ---- */

/* Takes an interface's name in this network namespace: a descriptor, or -EADDRINUSE. */
static int hold(const char *name) {
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t length = strlen(name);

    if (fd < 0)
        return -errno;
    memcpy(address.sun_path + 1, name, length);
    if (bind(fd, (const struct sockaddr *)&address,
             (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + length)) < 0) {
        int r = -errno;

        (void)close(fd);
        return r;
    }
    return fd;
}

/* Removes what was left by one that was killed. */
static void sweep(void) {
    struct if_nameindex *all = if_nameindex();

    for (const struct if_nameindex *one = all; one && one->if_index; one++) {
        CLEANUP_FD int fd = -1;

        if (strncmp(one->if_name, PREFIX, strlen(PREFIX)) == 0)
            fd = hold(one->if_name);
        if (fd >= 0)
            (void)program_run(NULL, "ip link delete %s", one->if_name);
    }
    if_freenameindex(all);
}

static int take_name(struct wireguard *wireguard, struct error *error) {
    for (int i = 0; i < MAX_NAMES; i++) {
        (void)snprintf(wireguard->name, sizeof(wireguard->name), PREFIX "%d", i);
        wireguard->name_fd = hold(wireguard->name);
        if (wireguard->name_fd >= 0)
            return 0;
        if (wireguard->name_fd != -EADDRINUSE)
            break;
    }
    if (wireguard->name_fd == -EADDRINUSE)
        return error_set(error, -EADDRINUSE,
                         "the names " PREFIX "0 to " PREFIX "%d are all held on this host, by this "
                         "or another user; as root `ss -xap | grep " PREFIX "` shows by whom",
                         MAX_NAMES - 1);
    return error_errno(error, wireguard->name_fd, "a name for the tunnel's interface");
}

/* ---- routes ---- */

bool wireguard_route_is_default(const char *line) {
    char first[16] = "", second[16] = "";

    (void)sscanf(line, "%15s %15s", first, second);
    return text_equal(text_has_word("unreachable blackhole prohibit throw", first) ? second : first,
                      "default");
}

/* No route leads into the network (root), nor does one to a larger network have it inside (match),
 * default routes aside. */
static int check_free(const struct wireguard_plan *plan, struct error *error) {
    static const char *const relations[] = {"root", "match"};

    for (size_t i = 0; i < ARRAY_SIZE(relations); i++) {
        CLEANUP_FREE char *routes = NULL;
        char *rest, *line;
        int r = program_ask(&routes, NULL, error, "ip -4 route show table all to %s %s",
                            relations[i], plan->network);

        if (r < 0)
            return r;
        rest = routes;
        while ((line = strsep(&rest, "\n")))
            if (*line && !wireguard_route_is_default(line))
                return error_set(error, -EADDRINUSE,
                                 "tunnel.network: %s is not free on this host, there is a route "
                                 "'%s'; choose another",
                                 plan->network, line);
    }
    return 0;
}

static void unrule(const struct wireguard *wireguard) {
    (void)program_run(NULL, "ip -4 rule delete from %s pref %d", wireguard->address, RULE_INSIDE);
    (void)program_run(NULL, "ip -4 rule delete from %s pref %d", wireguard->address, RULE_NOWHERE);
}

/* Linux takes in what is for our address on any interface: so that nobody can be talked to outside
 * the tunnel under that address, answers find no way there. */
static int rule(struct wireguard *wireguard, const struct wireguard_plan *plan,
                struct error *error) {
    int r;

    unrule(wireguard); /* of one that was killed */
    wireguard->ruled = true;
    r = program_run(error, "ip -4 rule add from %s to %s pref %d lookup main", wireguard->address,
                    plan->network, RULE_INSIDE);
    if (r == 0)
        r = program_run(error, "ip -4 rule add from %s pref %d unreachable", wireguard->address,
                        RULE_NOWHERE);
    return r == -EIO ? error_prefix(error, -EOPNOTSUPP, "needs policy routing here") : r;
}

/* ---- who carries it ---- */

/* It tells nobody when it is ready; its socket answers then. */
static int await_go(struct wireguard *wireguard, struct error *error) {
    int64_t deadline = clock_monotonic_ns() + START_NS;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct process_end end;

    (void)snprintf(address.sun_path, sizeof(address.sun_path),
                   "/proc/%d/root/run/wireguard/%s.sock", (int)wireguard->program.pid,
                   wireguard->name);
    while (clock_monotonic_ns() < deadline) {
        CLEANUP_FD int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
            return 0;
        if (process_reap(&wireguard->program, &end)) {
            CLEANUP_FREE char *how = process_end_text(end.status);

            return error_set(error, -EOPNOTSUPP, "wireguard-go ended at once (%s)", how);
        }
        clock_sleep_until(clock_monotonic_ns() + 5 * NS_PER_MS);
    }
    return error_set(error, -ETIMEDOUT, "wireguard-go does not start");
}

/* In a mount namespace with a /run of its own: two hosts of a lab are one machine, where a socket
 * of the same name must not be met twice nor be left behind by a kill. */
static int start_go(struct wireguard *wireguard, struct error *error) {
    static const char script[] = "mount -t tmpfs -o size=64k,mode=700 tmpfs /run && "
                                 "exec \"$0\" -f \"$1\" >&2";
    static const char *const environment[] = {"LOG_LEVEL=error", "WG_PROCESS_FOREGROUND=1", NULL};
    CLEANUP_FREE char *unshare = NULL, *program = NULL;
    int r = process_find(&unshare, "unshare", error);

    if (r == 0)
        r = process_find(&program, "wireguard-go", error);
    if (r < 0)
        return r;
    const char *const argv[] = {unshare, "--mount", "/bin/sh",       "-c",
                                script,  program,   wireguard->name, NULL};
    const struct process_options options = {.argv = argv,
                                            .environment = environment,
                                            .in = PROCESS_NULL,
                                            .out = PROCESS_NULL,
                                            .err = PROCESS_KEEP};

    r = process_start(&wireguard->program, &options, error);
    if (r == 0)
        r = await_go(wireguard, error);
    if (r < 0)
        return r;
    free(wireguard->via);
    wireguard->via = text_format("nsenter --mount --target %d ", (int)wireguard->program.pid);
    return 0;
}

/* What a kernel says that has none of it is not worth repeating when wireguard-go can do it. */
static int make_interface(struct wireguard *wireguard, enum wireguard_kind kind,
                          struct error *error) {
    CLEANUP_FREE char *how = NULL;
    int r;

    if (kind != WIREGUARD_GO) {
        r = program_run(error, "ip link add %s type wireguard", wireguard->name);
        wireguard->kernel = r == 0;
        if (r == 0)
            return 0;
        if (kind == WIREGUARD_KERNEL)
            return error_prefix(error, -EOPNOTSUPP, "this kernel makes no WireGuard interface");
    }
    r = wireguard_available(WIREGUARD_GO, &how, error);
    return r == 0 ? start_go(wireguard, error) : r;
}

/* ---- keys ---- */

/* A fresh pair: the private one into ret, the public one into the wireguard. */
static int make_keys(struct wireguard *wireguard, char ret[KEY_TEXT], struct error *error) {
    CLEANUP(EVP_PKEY_freep) EVP_PKEY *pair = EVP_PKEY_Q_keygen(NULL, NULL, "X25519");
    unsigned char private[KEY_BYTES], public[KEY_BYTES];
    size_t private_size = sizeof(private), public_size = sizeof(public);

    if (!pair || EVP_PKEY_get_raw_private_key(pair, private, &private_size) != 1 ||
        EVP_PKEY_get_raw_public_key(pair, public, &public_size) != 1)
        return error_set(error, -EIO, "no key for the tunnel can be made");
    (void)EVP_EncodeBlock((unsigned char *)ret, private, KEY_BYTES);
    (void)EVP_EncodeBlock((unsigned char *)wireguard->public, public, KEY_BYTES);
    OPENSSL_cleanse(private, sizeof(private));
    return 0;
}

/* wireguard-go hears later than `ip` returns that its interface is up, and only then has a port; of
 * a packet before that nothing would come. */
static int await_port(struct wireguard *wireguard, struct error *error) {
    int64_t deadline = clock_monotonic_ns() + START_NS;

    for (;;) {
        CLEANUP_FREE char *told = NULL;
        int r = program_ask(&told, NULL, error, "%swg show %s listen-port", wireguard->via,
                            wireguard->name);

        if (r < 0)
            return r;
        wireguard->port = strtol(told, NULL, 10);
        if (wireguard->port)
            return 0;
        if (clock_monotonic_ns() > deadline)
            return error_set(error, -ETIMEDOUT, "%s does not come up", wireguard->name);
        clock_sleep_until(clock_monotonic_ns() + 5 * NS_PER_MS);
    }
}

/* Through stdin: a command line can be read by everybody. */
static int give_key(struct wireguard *wireguard, int64_t port, struct error *error) {
    char key[KEY_TEXT] = "", configuration[256];
    CLEANUP_FREE char *words = NULL;
    int r = make_keys(wireguard, key, error);

    (void)snprintf(configuration, sizeof(configuration),
                   "[Interface]\nPrivateKey = %s\nListenPort = %d\n", key, (int)port);
    if (r == 0)
        r = program_ask(&words, configuration, error, "%swg setconf %s /dev/stdin", wireguard->via,
                        wireguard->name);
    OPENSSL_cleanse(key, sizeof(key));
    OPENSSL_cleanse(configuration, sizeof(configuration));
    if (r < 0)
        return r;
    r = program_run(error, "ip link set %s up", wireguard->name);
    return r == 0 ? await_port(wireguard, error) : r;
}

/* ---- all of it ---- */

int wireguard_make(struct wireguard **ret, const struct wireguard_plan *plan, struct error *error) {
    CLEANUP(wireguard_removep) struct wireguard *wireguard = memory_new(1, sizeof(*wireguard));
    CLEANUP_FREE char *how = NULL;
    int r = wireguard_available(plan->kind, &how, error);

    wireguard->name_fd = -1;
    wireguard->program = PROCESS_NONE;
    wireguard->via = text_copy("");
    wireguard->address = text_copy(plan->address);
    if (r < 0)
        return r;
    sweep();
    r = check_free(plan, error);
    if (r == 0)
        r = take_name(wireguard, error);
    if (r == 0)
        r = make_interface(wireguard, plan->kind, error);
    if (r == 0)
        r = rule(wireguard, plan, error);
    if (r == 0)
        r = program_run(error, "ip address add %s%s dev %s", plan->address,
                        strchr(plan->network, '/'), wireguard->name);
    if (r == 0)
        r = program_run(error, "ip link set %s mtu %d", wireguard->name, (int)plan->mtu);
    if (r == 0)
        r = give_key(wireguard, plan->port, error);
    if (r < 0)
        return r;
    *ret = wireguard;
    wireguard = NULL;
    return 0;
}

bool wireguard_is_key(const char *text) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    return strspn(text, digits) == 43 && text_equal(text + 43, "=");
}

int wireguard_meet(struct wireguard *wireguard, const char *key, const char *address,
                   const char *endpoint, struct error *error) {
    return program_run(error, "%swg set %s peer %s allowed-ips %s/32%s%s", wireguard->via,
                       wireguard->name, key, address, endpoint ? " endpoint " : "",
                       endpoint ? endpoint : "");
}

void wireguard_remove(struct wireguard *wireguard) {
    process_stop(&wireguard->program);
    if (wireguard->kernel)
        (void)program_run(NULL, "ip link delete %s", wireguard->name);
    if (wireguard->ruled)
        unrule(wireguard);
    memory_close_fdp(&wireguard->name_fd);
    free(wireguard->via);
    free(wireguard->address);
    free(wireguard);
}

const char *wireguard_key(const struct wireguard *wireguard) {
    return wireguard->public;
}

int64_t wireguard_port(const struct wireguard *wireguard) {
    return wireguard->port;
}

double wireguard_cpu_s(const struct wireguard *wireguard) {
    struct timespec used;
    clockid_t clock;

    if (wireguard->program.pid <= 0 || clock_getcpuclockid(wireguard->program.pid, &clock) != 0 ||
        clock_gettime(clock, &used) < 0)
        return NAN;
    return (double)used.tv_sec + (double)used.tv_nsec / 1e9;
}
