#include "transport/congestion.h"

#include "base/memory.h"

#include <dirent.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NAME_SIZE 16 /* the kernel's TCP_CA_NAME_MAX */
#define IPV4      "/proc/sys/net/ipv4/"

/* ---- every socket of this process ---- */

static char imposed[NAME_SIZE]; /* "": none */

static int set(int fd, const char *name) {
    return setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, (socklen_t)strlen(name)) < 0 ? -errno
                                                                                          : 0;
}

static bool is_tcp(int family, int type, int protocol) {
    return (family == AF_INET || family == AF_INET6) &&
           (type & ~(SOCK_CLOEXEC | SOCK_NONBLOCK)) == SOCK_STREAM &&
           (protocol == 0 || protocol == IPPROTO_TCP);
}

/* In the place of the C library's, for all that is linked with this program. */
int socket(int family, int type, int protocol) {
    int r, fd = (int)syscall(SYS_socket, family, type, protocol);

    if (fd < 0 || !*imposed || !is_tcp(family, type, protocol))
        return fd;
    r = set(fd, imposed);
    if (r == 0)
        return fd;
    (void)close(fd);
    errno = -r;
    return -1;
}

static void read_words(const char *path, char words[256]) {
    FILE *file = fopen(path, "re");

    *words = '\0';
    if (file && fgets(words, 256, file))
        words[strcspn(words, "\n")] = '\0';
    if (file)
        (void)fclose(file);
}

static int refuse(const char *name, int code, struct error *error) {
    char available[256], allowed[256];

    read_words(IPV4 "tcp_available_congestion_control", available);
    read_words(IPV4 "tcp_allowed_congestion_control", allowed);
    if (code == -EPERM)
        return error_set(
            error, code,
            "congestion control '%s' is not allowed to an ordinary user here (allowed: "
            "%s); as root: sysctl net.ipv4.tcp_allowed_congestion_control='%s %s', or "
            "--set hosts.congestion=" CONGESTION_DEFAULT,
            name, allowed, allowed, name);
    return error_set(error, -EINVAL, "congestion control '%s' cannot be used; this kernel has: %s",
                     name, available);
}

int congestion_impose(const char *name, struct error *error) {
    CLEANUP_FD int fd = -1;
    int r;

    if (text_equal(name, CONGESTION_DEFAULT)) {
        *imposed = '\0';
        return 0;
    }
    fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    r = fd < 0 ? -errno : strlen(name) < NAME_SIZE ? set(fd, name) : -EINVAL;
    if (r < 0)
        return refuse(name, r, error);
    (void)snprintf(imposed, sizeof(imposed), "%s", name);
    return 0;
}

const char *congestion_imposed(void) {
    return *imposed ? imposed : CONGESTION_DEFAULT;
}

/* ---- listening sockets of a child ---- */

static bool listens(int fd) {
    int listening = 0, protocol = 0;
    socklen_t length = sizeof(int);

    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &length) == 0 && listening &&
           getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &length) == 0 &&
           protocol == IPPROTO_TCP;
}

int congestion_impose_on_child(pid_t child) {
    CLEANUP_FREE char *path = text_format("/proc/%d/fd", (int)child);
    CLEANUP_FD int handle = -1;
    const struct dirent *entry;
    DIR *folder;
    int r = 0;

    if (!*imposed)
        return 0;
    handle = pidfd_open(child, 0);
    folder = handle < 0 ? NULL : opendir(path);
    if (!folder)
        return -errno;
    while (r == 0 && (entry = readdir(folder))) {
        CLEANUP_FD int fd = -1;

        if (entry->d_name[0] == '.')
            continue;
        fd = pidfd_getfd(handle, atoi(entry->d_name), 0);
        if (fd < 0)
            r = errno == EBADF ? 0 : -errno; /* closed meanwhile */
        else if (listens(fd))
            r = set(fd, imposed);
    }
    (void)closedir(folder);
    return r;
}

/* ---- what the kernel tells ---- */

static int ask(int fd, int family, int64_t port) {
    struct {
        struct nlmsghdr header;
        struct inet_diag_req_v2 request;
    } question = {
        .header = {.nlmsg_len = sizeof(question),
                   .nlmsg_type = SOCK_DIAG_BY_FAMILY,
                   .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
        .request = {.sdiag_family = (uint8_t)family,
                    .sdiag_protocol = IPPROTO_TCP,
                    .idiag_ext = 1 << (INET_DIAG_CONG - 1),
                    .idiag_states = 1 << TCP_ESTABLISHED,
                    .id = {.idiag_sport = htons((uint16_t)port)}},
    };

    return send(fd, &question, sizeof(question), 0) == (ssize_t)sizeof(question) ? 0 : -errno;
}

static void take_connection(struct nlmsghdr *header, char **words) {
    struct inet_diag_msg *connection = NLMSG_DATA(header);
    struct rtattr *row = (struct rtattr *)(connection + 1);
    int left = (int)(header->nlmsg_len - NLMSG_LENGTH(sizeof(*connection)));

    for (; RTA_OK(row, left); row = RTA_NEXT(row, left))
        if (row->rta_type == INET_DIAG_CONG && !text_has_word(*words, RTA_DATA(row)))
            text_append(words, " ", RTA_DATA(row));
}

/* Takes what comes until the last of it is there. */
static void hear(int fd, char **words, size_t *n_connections) {
    _Alignas(struct nlmsghdr) char part[16384];
    ssize_t n;

    while ((n = recv(fd, part, sizeof(part), 0)) > 0) {
        struct nlmsghdr *header = (struct nlmsghdr *)part;

        for (unsigned left = (unsigned)n; NLMSG_OK(header, left);
             header = NLMSG_NEXT(header, left)) {
            if (header->nlmsg_type != SOCK_DIAG_BY_FAMILY)
                return;
            take_connection(header, words);
            ++*n_connections;
        }
    }
}

char *congestion_list(int64_t port, size_t *ret_n) {
    static const int families[] = {AF_INET, AF_INET6};
    CLEANUP_FD int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
    char *words = text_copy("");
    size_t n_connections = 0;

    for (size_t i = 0; i < ARRAY_SIZE(families) && fd >= 0; i++)
        if (ask(fd, families[i], port) == 0)
            hear(fd, &words, &n_connections);
    if (ret_n)
        *ret_n = n_connections;
    return words;
}
