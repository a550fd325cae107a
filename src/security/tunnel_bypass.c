#include "security/tunnel_bypass.h"

#include "base/clock.h"
#include "base/interface.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECT_NS (1 * NS_PER_S)

DEFINE_CLEANUP(struct addrinfo *, freeaddrinfo)

static int resolve(struct addrinfo **ret, const char *address, int64_t port, struct error *error) {
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    char service[16];
    int code;

    (void)snprintf(service, sizeof(service), "%d", (int)port);
    code = getaddrinfo(address, service, &hints, ret);
    return code ? error_set(error, -EINVAL, "%s: %s", address, gai_strerror(code)) : 0;
}

/* In *ret_code 0 when somebody accepts within the time, else the errno by which nobody did. With an
 * interface, packets leave by that, whatever the routes say. */
static int try_connect(const char *address, int64_t port, const char *interface, int *ret_code,
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
    *ret_code = code;
    return 0;
}

int tunnel_prove_bypass(const struct proof_scene *scene, struct proof_seen *ret,
                        struct error *error) {
    const struct client_config *right = scene->right;
    char interface[IF_NAMESIZE] = "";
    int code = 0, r = interface_toward(right->outer_address, interface, error);

    if (r == 0)
        r = try_connect(right->address, right->port, NULL, &code, error);
    if (r == 0 && code)
        r = error_set(error, -code, "tcp %d %s", code, strerror(code));
    if (r < 0)
        return error_prefix(error, r, "through the tunnel");
    r = try_connect(right->address, right->port, interface, &code, error);
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
