#include "security/tunnel_bypass.h"

#include "base/clock.h"

#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECT_NS (1 * NS_PER_S)

DEFINE_CLEANUP(struct addrinfo *, freeaddrinfo)
DEFINE_CLEANUP(struct ifaddrs *, freeifaddrs)

static int resolve(struct addrinfo **ret, const char *address, int64_t port, struct error *error) {
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    char service[16];
    int code;

    (void)snprintf(service, sizeof(service), "%d", (int)port);
    code = getaddrinfo(address, service, &hints, ret);
    return code ? error_set(error, -EINVAL, "%s: %s", address, gai_strerror(code)) : 0;
}

static bool is_same(const struct sockaddr *one, const struct sockaddr_storage *other) {
    if (!one || one->sa_family != other->ss_family)
        return false;
    if (one->sa_family == AF_INET)
        return ((const struct sockaddr_in *)(const void *)one)->sin_addr.s_addr ==
               ((const struct sockaddr_in *)(const void *)other)->sin_addr.s_addr;
    return one->sa_family == AF_INET6 &&
           memcmp(&((const struct sockaddr_in6 *)(const void *)one)->sin6_addr,
                  &((const struct sockaddr_in6 *)(const void *)other)->sin6_addr,
                  sizeof(struct in6_addr)) == 0;
}

/* The interface by which packets leave for an address: the one that has their source address. */
static int find_interface(const char *address, char ret[IF_NAMESIZE], struct error *error) {
    CLEANUP(freeaddrinfop) struct addrinfo *found = NULL;
    CLEANUP(freeifaddrsp) struct ifaddrs *all = NULL;
    struct sockaddr_storage source = {.ss_family = AF_UNSPEC};
    socklen_t size = sizeof(source);
    CLEANUP_FD int fd = -1;
    int r = resolve(&found, address, 9, error); /* nothing is sent */

    if (r < 0)
        return r;
    fd = socket(found->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, found->ai_addr, found->ai_addrlen) < 0 ||
        getsockname(fd, (struct sockaddr *)&source, &size) < 0 || getifaddrs(&all) < 0)
        return error_errno(error, -errno, "the way to %s", address);
    for (const struct ifaddrs *one = all; one; one = one->ifa_next)
        if (is_same(one->ifa_addr, &source)) {
            (void)snprintf(ret, IF_NAMESIZE, "%s", one->ifa_name);
            return 0;
        }
    return error_set(error, -ENODEV, "no interface leads to %s", address);
}

/* 0 when somebody accepts within the time, else a negative errno. With an interface, packets leave
 * by that, whatever the routes say. */
static int try_connect(const char *address, int64_t port, const char *interface,
                       struct error *error) {
    CLEANUP(freeaddrinfop) struct addrinfo *found = NULL;
    CLEANUP_FD int fd = -1;
    struct pollfd poller = {.events = POLLOUT};
    socklen_t size = sizeof(int);
    int code = 0, r = resolve(&found, address, port, error);

    if (r < 0)
        return r;
    fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || (interface && setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, interface,
                                           (socklen_t)strlen(interface)) < 0))
        return error_errno(error, -errno, "a socket");
    poller.fd = fd;
    if (connect(fd, found->ai_addr, found->ai_addrlen) < 0 && errno != EINPROGRESS)
        code = errno;
    else if (poll(&poller, 1, (int)(CONNECT_NS / NS_PER_MS)) == 0)
        code = ETIMEDOUT;
    else if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &size) < 0)
        code = errno;
    return code ? error_set(error, -code, "tcp %d %s", code, strerror(code)) : 0;
}

int tunnel_prove_bypass(const struct proof_scene *scene, struct proof_seen *ret,
                        struct error *error) {
    const struct client_config *right = scene->right;
    char interface[IF_NAMESIZE] = "";
    struct error refusal = {""};
    int r = find_interface(right->outer_address, interface, error);

    if (r == 0)
        r = try_connect(right->address, right->port, NULL, error);
    if (r < 0)
        return error_prefix(error, r, "through the tunnel");
    r = try_connect(right->address, right->port, interface, &refusal);
    ret->held = r < 0;
    (void)snprintf(ret->observed, sizeof(ret->observed), "%s by %s",
                   r < 0 ? "not connected" : "connected", interface);
    (void)snprintf(ret->cause, sizeof(ret->cause), "%s", r < 0 ? refusal.text : "accepted");
    return 0;
}
