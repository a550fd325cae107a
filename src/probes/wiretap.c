#include "probes/wiretap.h"

#include "base/clock.h"
#include "base/interface.h"
#include "transport/transport.h"

#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/random.h>
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

/* ---- the link below a tunnel ---- */

#define LOOK_NS       (5 * NS_PER_S)
#define BACKLOG_BYTES (8 * 1024 * 1024)
#define MAX_TEXTS     4
#define MAX_PACKET    65536
#define DISCARD_PORT  "9"
#define UDP_HEADER    8

struct capture {
    int packets; /* a copy of all that passes */
    int way;     /* to the other host, in clear */
    char control[48];
    bool seen[MAX_TEXTS];
    int64_t datagrams;
    unsigned char packet[MAX_PACKET];
};

DEFINE_CLEANUP(struct addrinfo *, freeaddrinfo)

int capture_open(struct capture **ret, const char *address, struct error *error) {
    CLEANUP(capture_freep) struct capture *capture = memory_new(1, sizeof(*capture));
    CLEANUP(freeaddrinfop) struct addrinfo *found = NULL;
    const struct addrinfo hints = {.ai_socktype = SOCK_DGRAM};
    struct sockaddr_ll place = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
    unsigned char random[8] = {0};
    char interface[IF_NAMESIZE] = "";
    int r, backlog = BACKLOG_BYTES;

    capture->packets = capture->way = -1;
    (void)!getrandom(random, sizeof(random), 0);
    (void)snprintf(capture->control, sizeof(capture->control), "capture-control-");
    text_hex(capture->control + strlen(capture->control), random, sizeof(random));
    r = getaddrinfo(address, DISCARD_PORT, &hints, &found);
    if (r)
        return error_set(error, -EINVAL, "%s: %s", address, gai_strerror(r));
    capture->way = socket(found->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (capture->way < 0 || connect(capture->way, found->ai_addr, found->ai_addrlen) < 0)
        return error_errno(error, -errno, "the way to %s", address);
    r = interface_toward(address, interface, error);
    if (r < 0)
        return r;
    place.sll_ifindex = (int)if_nametoindex(interface);
    /* Without the link's header: from the IP header on. Of no protocol before it is bound. */
    capture->packets = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (capture->packets < 0 ||
        (setsockopt(capture->packets, SOL_SOCKET, SO_RCVBUFFORCE, &backlog, sizeof(backlog)) < 0 &&
         setsockopt(capture->packets, SOL_SOCKET, SO_RCVBUF, &backlog, sizeof(backlog)) < 0) ||
        bind(capture->packets, (const struct sockaddr *)&place, sizeof(place)) < 0)
        return error_errno(error, -errno, "a capture on the link below the tunnel");
    *ret = capture;
    capture = NULL;
    return 0;
}

bool capture_is_wireguard(const unsigned char *packet, size_t length) {
    size_t header = length ? (size_t)(packet[0] & 0x0f) * 4 : 0;
    const unsigned char *payload;
    bool udp = false;

    if (length >= 20 && packet[0] >> 4 == 4)
        udp = packet[9] == IPPROTO_UDP;
    if (length >= 40 && packet[0] >> 4 == 6) {
        header = 40;
        udp = packet[6] == IPPROTO_UDP;
    }
    if (!udp || length < header + UDP_HEADER + 4)
        return false;
    payload = packet + header + UDP_HEADER;
    return payload[0] >= 1 && payload[0] <= 4 && !payload[1] && !payload[2] && !payload[3];
}

static bool has(const struct capture *capture, size_t length, const char *text) {
    return memmem(capture->packet, length, text, strlen(text)) != NULL;
}

/* Waits for the next packet: its length, or a negative errno. */
static ssize_t take_packet(struct capture *capture, int64_t deadline_ns) {
    struct pollfd poller = {.fd = capture->packets, .events = POLLIN};
    ssize_t n;

    /* On a link that is never idle poll() knows no deadline. */
    if (clock_monotonic_ns() >= deadline_ns || poll(&poller, 1, clock_poll_ms(deadline_ns)) <= 0)
        return -ETIMEDOUT;
    n = recv(capture->packets, capture->packet, sizeof(capture->packet), 0);
    return n < 0 ? -errno : n;
}

int capture_finish(struct capture *capture, const char *const *texts, size_t n_texts,
                   struct error *error) {
    int64_t deadline = clock_monotonic_ns() + LOOK_NS;
    struct tpacket_stats statistics = {0};
    socklen_t size = sizeof(statistics);
    ssize_t length = 0;

    if (send(capture->way, capture->control, strlen(capture->control), 0) < 0)
        return error_errno(error, -errno, "the capture's control");
    while (!has(capture, (size_t)length, capture->control)) {
        length = take_packet(capture, deadline);
        if (length < 0)
            return error_errno(error, (int)length, "the capture did not see its control");
        capture->datagrams += capture_is_wireguard(capture->packet, (size_t)length);
        for (size_t i = 0; i < n_texts && i < MAX_TEXTS; i++)
            capture->seen[i] = capture->seen[i] || has(capture, (size_t)length, texts[i]);
    }
    if (getsockopt(capture->packets, SOL_PACKET, PACKET_STATISTICS, &statistics, &size) < 0)
        return error_errno(error, -errno, "what the capture has missed");
    if (statistics.tp_drops)
        return error_set(error, -ENOBUFS, "%u packets were too many to be looked at",
                         statistics.tp_drops);
    return 0;
}

bool capture_saw(const struct capture *capture, size_t i) {
    return capture->seen[i];
}

int64_t capture_datagrams(const struct capture *capture) {
    return capture->datagrams;
}

void capture_free(struct capture *capture) {
    memory_close_fdp(&capture->packets);
    memory_close_fdp(&capture->way);
    free(capture);
}
