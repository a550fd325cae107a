#include "base/interface.h"

#include "base/memory.h"

#include <errno.h>
#include <ifaddrs.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

DEFINE_CLEANUP(struct addrinfo *, freeaddrinfo)
DEFINE_CLEANUP(struct ifaddrs *, freeifaddrs)

/* The address that packets leave with. Nothing is sent. */
static int find_source(const char *address, struct sockaddr_storage *ret, struct error *error) {
    const struct addrinfo hints = {.ai_socktype = SOCK_DGRAM};
    CLEANUP(freeaddrinfop) struct addrinfo *found = NULL;
    int code = getaddrinfo(address, "9", &hints, &found);
    socklen_t size = sizeof(*ret);
    CLEANUP_FD int fd = -1;

    if (code)
        return error_set(error, -EHOSTUNREACH, "%s: %s", address, gai_strerror(code));
    fd = socket(found->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, found->ai_addr, found->ai_addrlen) < 0 ||
        getsockname(fd, (struct sockaddr *)ret, &size) < 0)
        return error_errno(error, -errno, "the way to %s", address);
    return 0;
}

static bool is_same(const struct sockaddr *one, const struct sockaddr_storage *other) {
    const struct sockaddr_in *four = (const void *)one, *other_four = (const void *)other;
    const struct sockaddr_in6 *six = (const void *)one, *other_six = (const void *)other;

    if (!one || one->sa_family != other->ss_family)
        return false;
    if (one->sa_family == AF_INET)
        return four->sin_addr.s_addr == other_four->sin_addr.s_addr;
    return one->sa_family == AF_INET6 &&
           memcmp(&six->sin6_addr, &other_six->sin6_addr, sizeof(six->sin6_addr)) == 0;
}

int interface_toward(const char *address, char ret[IF_NAMESIZE], struct error *error) {
    struct sockaddr_storage source = {.ss_family = AF_UNSPEC};
    CLEANUP(freeifaddrsp) struct ifaddrs *all = NULL;
    int r = find_source(address, &source, error);

    if (r < 0)
        return r;
    if (getifaddrs(&all) < 0)
        return error_errno(error, -errno, "the interfaces");
    for (const struct ifaddrs *one = all; one; one = one->ifa_next)
        if (is_same(one->ifa_addr, &source)) {
            /* Without a label, as in eth0:1. */
            (void)snprintf(ret, IF_NAMESIZE, "%.*s", (int)strcspn(one->ifa_name, ":"),
                           one->ifa_name);
            return 0;
        }
    return error_set(error, -ENODEV, "no interface has the source address of packets to %s",
                     address);
}
