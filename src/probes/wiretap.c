#include "probes/wiretap.h"

#include "base/clock.h"
#include "transport/transport.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_BYTES (256 * 1024) /* of each direction; a session of a few packets is far smaller */

struct direction {
    unsigned char bytes[MAX_BYTES];
    size_t length;
};

struct wiretap {
    int listener, port;
    char *address;
    int64_t broker_port;
    pthread_t thread;
    bool running;
    struct direction directions[2]; /* from the client, from the broker */
};

static const struct transport_options options = {.timeout_ns = CLIENT_ANSWER_NS};

/* Passes on what is there: false at the end of either side. */
static bool pass(struct direction *direction, int from, int to) {
    size_t room = MAX_BYTES - direction->length;
    unsigned char *place = direction->bytes + direction->length;
    ssize_t n = room ? recv(from, place, room, 0) : 0;

    if (n <= 0 || send(to, place, (size_t)n, MSG_NOSIGNAL) != n)
        return false;
    direction->length += (size_t)n;
    return true;
}

static void *relay(void *argument) {
    struct wiretap *wiretap = argument;
    struct pollfd pollers[2] = {{.fd = wiretap->listener, .events = POLLIN}};
    int client = -1, broker = -1;
    bool going = false;

    if (poll(pollers, 1, (int)(CLIENT_ANSWER_NS / NS_PER_MS)) > 0)
        client = accept4(wiretap->listener, NULL, NULL, SOCK_CLOEXEC);
    if (client >= 0)
        going = tcp_connect(&broker, wiretap->address, wiretap->broker_port, &options, NULL) == 0;
    while (going) {
        pollers[0] = (struct pollfd){.fd = client, .events = POLLIN};
        pollers[1] = (struct pollfd){.fd = broker, .events = POLLIN};
        going = poll(pollers, 2, (int)(CLIENT_ANSWER_NS / NS_PER_MS)) > 0;
        if (going && pollers[0].revents)
            going = pass(&wiretap->directions[0], client, broker);
        if (going && pollers[1].revents)
            going = pass(&wiretap->directions[1], broker, client);
    }
    memory_close_fdp(&client);
    memory_close_fdp(&broker);
    return NULL;
}

int wiretap_start(struct wiretap **ret, const char *address, int64_t broker_port,
                  struct error *error) {
    CLEANUP(wiretap_freep) struct wiretap *wiretap = memory_new(1, sizeof(*wiretap));
    int r;

    wiretap->listener = -1;
    wiretap->address = text_copy(address);
    wiretap->broker_port = broker_port;
    r = tcp_listen(&wiretap->listener, WIRETAP_ADDRESS, &options, &wiretap->port, error);
    if (r < 0)
        return r;
    if (pthread_create(&wiretap->thread, NULL, relay, wiretap) != 0)
        return error_set(error, -EAGAIN, "no thread for the wiretap");
    wiretap->running = true;
    *ret = wiretap;
    wiretap = NULL;
    return 0;
}

int wiretap_port(const struct wiretap *wiretap) {
    return wiretap->port;
}

void wiretap_finish(struct wiretap *wiretap) {
    if (wiretap->running)
        (void)pthread_join(wiretap->thread, NULL);
    wiretap->running = false;
}

bool wiretap_saw(const struct wiretap *wiretap, const char *text) {
    for (size_t i = 0; i < ARRAY_SIZE(wiretap->directions); i++)
        if (memmem(wiretap->directions[i].bytes, wiretap->directions[i].length, text, strlen(text)))
            return true;
    return false;
}

int64_t wiretap_bytes(const struct wiretap *wiretap) {
    return (int64_t)(wiretap->directions[0].length + wiretap->directions[1].length);
}

void wiretap_free(struct wiretap *wiretap) {
    wiretap_finish(wiretap);
    memory_close_fdp(&wiretap->listener);
    free(wiretap->address);
    free(wiretap);
}
