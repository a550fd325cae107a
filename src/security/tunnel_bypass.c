#include "security/tunnel_bypass.h"

#include "base/clock.h"
#include "base/interface.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A handshake of WireGuard's that got lost is made again after 5 s. */
#define THROUGH_NS (15 * NS_PER_S)
/* So long that a SYN is sent three times (Linux: after 1 s and 3 s at the latest), so that it is
 * not the link that keeps us out; and longer by what the way takes. */
#define BESIDE_NS (4 * NS_PER_S)

DEFINE_CLEANUP(struct addrinfo *, freeaddrinfo)

static int resolve(struct addrinfo **ret, const char *address, int64_t port, struct error *error) {
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    char service[16];
    int code;

    (void)snprintf(service, sizeof(service), "%d", (int)port);
    code = getaddrinfo(address, service, &hints, ret);
    return code ? error_set(error, -EINVAL, "%s: %s", address, gai_strerror(code)) : 0;
}

/* What becomes of a connection that is under way: 0 or an errno. */
static int await_connection(int fd, int64_t deadline_ns) {
    struct pollfd poller = {.fd = fd, .events = POLLOUT};
    socklen_t size = sizeof(int);
    int code = 0, r;

    do
        r = poll(&poller, 1, clock_poll_ms(deadline_ns));
    while (r < 0 && errno == EINTR);
    if (r == 0)
        return ETIMEDOUT;
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &size) < 0 ? errno : code;
}

/* In *ret_code 0 when somebody accepts within the time, else the errno by which nobody did. With an
 * interface, packets leave by that, whatever the routes say. */
static int try_connect(const struct client_config *right, const char *interface, int64_t limit_ns,
                       int *ret_code, struct error *error) {
    int64_t deadline_ns = clock_monotonic_ns() + limit_ns;
    CLEANUP(freeaddrinfop) struct addrinfo *found = NULL;
    CLEANUP_FD int fd = -1;
    int r = resolve(&found, right->address, right->port, error);

    if (r < 0)
        return r;
    fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || (interface && setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, interface,
                                           (socklen_t)strlen(interface)) < 0))
        return error_errno(error, -errno, "a socket");
    if (connect(fd, found->ai_addr, found->ai_addrlen) < 0 && errno != EINPROGRESS)
        *ret_code = errno;
    else
        *ret_code = await_connection(fd, deadline_ns);
    return 0;
}

int tunnel_prove_bypass(const struct proof_setup *setup, struct proof_seen *ret,
                        struct error *error) {
    const struct client_config *right = setup->right;
    int64_t begun_ns = clock_monotonic_ns(), way_ns;
    char interface[IF_NAMESIZE] = "";
    int code = 0, r = interface_toward(right->outer_address, interface, error);

    if (r == 0)
        r = try_connect(right, NULL, THROUGH_NS, &code, error);
    if (r == 0 && code)
        r = error_set(error, -code, "tcp %d %s", code, strerror(code));
    if (r < 0)
        return error_prefix(error, r, "through the tunnel");
    way_ns = clock_monotonic_ns() - begun_ns;
    r = try_connect(right, interface, BESIDE_NS + way_ns, &code, error);
    if (r < 0)
        return error_prefix(error, r, "outside of it");
    ret->held = code != 0;
    (void)snprintf(ret->observed, sizeof(ret->observed), "%s by %s",
                   code ? "not connected" : "connected", interface);
    if (code)
        (void)snprintf(ret->cause, sizeof(ret->cause), "tcp %d %s", code, strerror(code));
    else
        (void)snprintf(ret->cause, sizeof(ret->cause), "accepted");
    return 0;
}
