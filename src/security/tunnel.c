/* tunnel - the whole connection runs inside WireGuard, between the broker's host and the
 * publisher's; the broker listens at its address in the tunnel only. */
#include "base/clock.h"
#include "base/interface.h"
#include "base/jsonline.h"
#include "security/mechanism.h"
#include "security/wireguard.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct tunnel_settings {
    int64_t by; /* enum wireguard_kind */
    char *network;
    int64_t port, mtu;
};

#define MIN_PREFIX 8
#define MAX_PREFIX 30 /* the two hosts, and the two addresses that no host may have */

static const struct tunnel_settings *own(const struct channel *channel);

/* ---- addresses ---- */

struct addresses {
    char broker[INET_ADDRSTRLEN], publisher[INET_ADDRSTRLEN];
};

/* The addresses of the two hosts in a network: its first two. */
static int find_addresses(const char *network, struct addresses *ret, struct error *error) {
    const char *slash = strchr(network, '/');
    CLEANUP_FREE char *address = strndup(network, slash ? (size_t)(slash - network) : 0);
    char *end = NULL;
    long prefix = slash ? strtol(slash + 1, &end, 10) : 0;
    struct in_addr binary = {.s_addr = 0};
    uint32_t first;

    if (prefix < MIN_PREFIX || prefix > MAX_PREFIX || *end ||
        inet_pton(AF_INET, address, &binary) != 1)
        return error_set(error, -EINVAL,
                         "'%s' is no IPv4 network of /%d to /%d; right would be 10.229.77.0/30",
                         network, MIN_PREFIX, MAX_PREFIX);
    first = ntohl(binary.s_addr);
    if (first & (UINT32_MAX >> prefix))
        return error_set(error, -EINVAL, "%s is an address in a network; right would be its first",
                         network);
    binary.s_addr = htonl(first + 1);
    (void)inet_ntop(AF_INET, &binary, ret->broker, sizeof(ret->broker));
    binary.s_addr = htonl(first + 2);
    (void)inet_ntop(AF_INET, &binary, ret->publisher, sizeof(ret->publisher));
    return 0;
}

static int check_network(const char *value, struct error *error) {
    struct addresses found;

    return find_addresses(value, &found, error);
}

static char *broker_address(const struct channel *channel) {
    struct addresses found = {.broker = ""};

    (void)find_addresses(own(channel)->network, &found, NULL);
    return text_copy(found.broker);
}

/* ---- settings ---- */

static const struct setting rows[] = {
    {"by", SETTING_CHOICE, "auto", .choices = WIREGUARD_KINDS,
     .help = "who carries it; auto: the kernel where it can, else wireguard-go",
     .offset = offsetof(struct tunnel_settings, by)},
    {"network", SETTING_TEXT, "10.229.77.0/30",
     .help = "addresses in the tunnel: an IPv4 network that leads nowhere else on either host",
     .offset = offsetof(struct tunnel_settings, network), .check = check_network},
    {"port", SETTING_COUNT, "0", "0", "65535",
     .help = "of UDP, on the broker's host, where the tunnel ends; 0: a free one",
     .offset = offsetof(struct tunnel_settings, port)},
    {"mtu", SETTING_COUNT, "1420", "576", "65455",
     .help = "largest packet in the tunnel, in bytes: at most that of the link less 80",
     .offset = offsetof(struct tunnel_settings, mtu)},
};
static const struct setting_group group =
    SETTING_GROUP("tunnel", SETTING_CHANNEL, rows, struct tunnel_settings);

static const struct tunnel_settings *own(const struct channel *channel) {
    return settings_get(&channel->settings, &group);
}

static const char *own_broker(const struct channel *channel) {
    (void)channel;
    return "use: tunnel leads to a broker of our own, and external is somebody else's; use one of "
           "them";
}

/* ---- on the hosts ---- */

/* The network namespace, and the kernel that it is of. */
static char *describe_place(void) {
    char kernel[64] = "", space[64] = "";
    CLEANUP(fclosep) FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");

    if (file && fgets(kernel, sizeof(kernel), file))
        kernel[strcspn(kernel, "\n")] = '\0';
    (void)!readlink("/proc/self/ns/net", space, sizeof(space) - 1);
    return text_format("%s %s", kernel, space);
}

static int check_apart(const struct prepared_host *host, const char *place, struct error *error) {
    if (!host->alone && !text_equal(jsonline_text(host->heard, "place", ""), place))
        return 0;
    return error_set(error, -EOPNOTSUPP,
                     "broker and publisher are on one host, with no link between them to tunnel: "
                     "use --broker-host lab:a --publisher-host lab:b, or two machines");
}

static int make(const struct prepared_host *host, struct wireguard **ret, struct error *error) {
    const struct tunnel_settings *settings = own(host->bringup->channel);
    struct addresses found = {.broker = ""};
    int r = find_addresses(settings->network, &found, error);
    const struct wireguard_plan plan = {
        .kind = (enum wireguard_kind)settings->by,
        .network = settings->network,
        .address = host->broker ? found.broker : found.publisher,
        .port = host->broker ? settings->port : 0,
        .mtu = settings->mtu,
    };

    return r == 0 ? wireguard_make(ret, &plan, error) : r;
}

/* Only the publisher knows where the other one is; the broker's side learns it from the first
 * packet that proves to be of its peer. */
static int meet(const struct prepared_host *host, struct wireguard *wireguard,
                struct error *error) {
    const char *key = jsonline_text(host->heard, "key", "");
    int64_t port = jsonline_integer(host->heard, "port", 0);
    struct addresses found = {.broker = ""};
    CLEANUP_FREE char *endpoint = NULL;
    bool bracket = strchr(host->address, ':') != NULL;
    int r = find_addresses(own(host->bringup->channel)->network, &found, error);

    if (r < 0)
        return r;
    if (!wireguard_is_key(key) || port < 1 || port > UINT16_MAX)
        return error_set(error, -EPROTO,
                         "what the other host tells is no key and port of a tunnel");
    if (!host->broker)
        endpoint = text_format("%s%s%s:%d", bracket ? "[" : "", host->address, bracket ? "]" : "",
                               (int)port);
    return wireguard_meet(wireguard, key, host->broker ? found.publisher : found.broker, endpoint,
                          error);
}

static int prepare(const struct prepared_host *host, void **state, json_t *facts,
                   struct error *error) {
    CLEANUP_FREE char *place = describe_place();
    struct wireguard *wireguard = *state;
    int r = 0;

    if (!wireguard) {
        r = check_apart(host, place, error);
        if (r == 0)
            r = make(host, &wireguard, error);
        *state = wireguard;
    }
    if (r == 0 && host->heard)
        r = meet(host, wireguard, error);
    if (r < 0)
        return r;
    (void)json_object_set_new(facts, "place", json_string(place));
    (void)json_object_set_new(facts, "key", json_string(wireguard_key(wireguard)));
    (void)json_object_set_new(facts, "port", json_integer(wireguard_port(wireguard)));
    return 0;
}

static void undo(void *state) {
    wireguard_remove(state);
}

static double cpu_s(const void *state) {
    return wireguard_cpu_s(state);
}

static int available(char **ret_how, struct error *error) {
    return wireguard_available(WIREGUARD_AUTO, ret_how, error);
}

/* ---- proofs ---- */

static void as_bypassing(struct client_config *config, const struct bringup *bringup) {
    (void)bringup;
    text_replace(&config->address, config->outer_address);
}

/* A handshake of WireGuard's that got lost is made again after 5 s. */
#define THROUGH_NS (15 * NS_PER_S)
/* So long that a SYN is sent three times (Linux: after 1 s and 3 s at the latest), so that it is
 * not the link that keeps us out; and longer by what the way takes. */
#define BESIDE_NS (4 * NS_PER_S)

DEFINE_CLEANUP(struct addrinfo *, freeaddrinfo)

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
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    int64_t deadline_ns = clock_monotonic_ns() + limit_ns;
    CLEANUP_FREE char *port = text_format("%d", (int)right->port);
    CLEANUP(freeaddrinfop) struct addrinfo *found = NULL;
    CLEANUP_FD int fd = -1;
    int code = getaddrinfo(right->address, port, &hints, &found);

    if (code)
        return error_set(error, -EINVAL, "%s: %s", right->address, gai_strerror(code));
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

/* A client that does not take the tunnel sends its packets for the broker's address in the tunnel
 * into the outer link, in clear text. Linux accepts what is for an address of its own on every
 * interface, so that the broker's listening there is no protection by itself. Held when the broker
 * cannot be connected to in this way, and can through the tunnel. */
static int prove_bypass(const struct proof_setup *setup, struct proof_seen *ret,
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

static const struct proof proofs[] = {
    {.name = "bypass-refused",
     .help = "outside the tunnel nobody listens at the broker's port",
     .alter = as_bypassing,
     .causes = "tcp 111"},
    {.name = "outer-link-refused",
     .help = "the broker's address in the tunnel gives no answer to packets from outside of it",
     .causes = "not connected",
     .act = prove_bypass},
};

const struct mechanism mechanism_tunnel = {
    .group = &group,
    .help = "the connection runs inside WireGuard between the two hosts; needs root there, or a "
            "lab. The probe path stays outside: it measures the link",
    .own_broker = own_broker,
    .address = broker_address,
    .available = available,
    .prepare = prepare,
    .undo = undo,
    .cpu_s = cpu_s,
    .proofs = proofs,
    .n_proofs = ARRAY_SIZE(proofs),
};
