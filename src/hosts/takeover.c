#include "hosts/takeover.h"

#include "base/clock.h"
#include "base/memory.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define END_NS (5 * NS_PER_S)

/* The address of an abstract socket begins with a zero byte. */
static socklen_t name_socket(struct sockaddr_un *address, const char *name) {
    int length;

    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    length = snprintf(address->sun_path + 1, sizeof(address->sun_path) - 1, "bench-agent-%s", name);
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)length);
}

/* A handle of the process at the other end, which was so numbered when it began to listen: -ESRCH
 * when it has ended. A number may be another's by now, but not while the socket is still there. */
static int open_holder(int fd, pid_t pid) {
    struct pollfd poller = {.fd = fd};
    int process = pid > 0 && pid != getpid() ? pidfd_open(pid, 0) : -EPERM;

    if (process < 0)
        return process == -EPERM ? process : -errno;
    if (poll(&poller, 1, 0) == 0)
        return process;
    (void)close(process);
    return -ESRCH;
}

/* Ends the agent that holds the name, if there still is one; its workers die with it. */
static int end_holder(const struct sockaddr_un *address, socklen_t length, struct error *error) {
    CLEANUP_FD int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct ucred holder;
    socklen_t size = sizeof(holder);
    CLEANUP_FD int process = -1;

    if (fd < 0)
        return error_errno(error, -errno, "a socket");
    if (connect(fd, (const struct sockaddr *)address, length) < 0)
        return 0;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &holder, &size) < 0)
        return error_errno(error, -errno, "an agent that was left behind");
    if (holder.uid != geteuid())
        return error_set(error, -EACCES, "the name of this agent is held by another user (uid %u)",
                         (unsigned)holder.uid);
    process = open_holder(fd, holder.pid);
    if (process == -ESRCH)
        return 0;
    if (process < 0 || pidfd_send_signal(process, SIGKILL, NULL, 0) < 0)
        return error_set(error, -EACCES, "an agent that was left behind cannot be ended");
    return 0;
}

int takeover_claim(int *ret_fd, const char *name, struct error *error) {
    int64_t deadline = clock_monotonic_ns() + END_NS;
    CLEANUP_FD int fd = -1;
    struct sockaddr_un address;
    socklen_t length;

    if (!*name || strlen(name) > 64 ||
        strspn(name, "0123456789abcdefghijklmnopqrstuvwxyz-") != strlen(name))
        return error_set(error, -EINVAL, "'%s' is no name of a run's agent", name);
    length = name_socket(&address, name);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return error_errno(error, -errno, "a socket");
    while (bind(fd, (const struct sockaddr *)&address, length) < 0) {
        int r = errno == EADDRINUSE ? end_holder(&address, length, error)
                                    : error_errno(error, -errno, "the claim %s", name);

        if (r < 0)
            return r;
        if (clock_monotonic_ns() > deadline)
            return error_set(error, -ETIMEDOUT, "an agent that was left behind does not end");
        clock_sleep_until(clock_monotonic_ns() + 10 * NS_PER_MS);
    }
    if (listen(fd, 1) < 0)
        return error_errno(error, -errno, "the claim %s", name);
    *ret_fd = fd;
    fd = -1;
    return 0;
}
