/* tunnel - the whole connection runs inside WireGuard, between the broker's host and the
 * publisher's; the broker listens at its address in the tunnel only. */
#include "security/tunnel.h"

#include "base/jsonline.h"
#include "security/tunnel_bypass.h"
#include "security/wireguard.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
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

static char *address_text(uint32_t address) {
    struct in_addr binary = {.s_addr = htonl(address)};
    char text[INET_ADDRSTRLEN] = "";

    (void)inet_ntop(AF_INET, &binary, text, sizeof(text));
    return text_copy(text);
}

int tunnel_addresses(const char *network, char **ret_broker, char **ret_publisher,
                     struct error *error) {
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
    *ret_broker = address_text(first + 1);
    *ret_publisher = address_text(first + 2);
    return 0;
}

static int check_network(const char *value, struct error *error) {
    CLEANUP_FREE char *broker = NULL, *publisher = NULL;

    return tunnel_addresses(value, &broker, &publisher, error);
}

static char *broker_address(const struct channel *channel) {
    CLEANUP_FREE char *publisher = NULL;
    char *broker = NULL;

    (void)tunnel_addresses(own(channel)->network, &broker, &publisher, NULL);
    return broker;
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
    CLEANUP_FREE char *broker = NULL, *publisher = NULL;
    int r = tunnel_addresses(settings->network, &broker, &publisher, error);
    const struct wireguard_plan plan = {
        .kind = (enum wireguard_kind)settings->by,
        .network = settings->network,
        .address = host->broker ? broker : publisher,
        .port = host->broker ? settings->port : 0,
        .mtu = settings->mtu,
    };

    return r == 0 ? wireguard_make(ret, &plan, error) : r;
}

/* Only the publisher knows where the other one is; the broker's side learns it from the first
 * packet that proves to be of its peer. */
static int meet(const struct prepared_host *host, struct wireguard *wireguard,
                struct error *error) {
    CLEANUP_FREE char *broker = NULL, *publisher = NULL, *endpoint = NULL;
    bool bracket = strchr(host->address, ':') != NULL;
    int r = tunnel_addresses(own(host->bringup->channel)->network, &broker, &publisher, error);

    if (r < 0)
        return r;
    if (!host->broker)
        endpoint = text_format("%s%s%s:%d", bracket ? "[" : "", host->address, bracket ? "]" : "",
                               (int)jsonline_integer(host->heard, "port", 0));
    return wireguard_meet(wireguard, jsonline_text(host->heard, "key", ""),
                          host->broker ? publisher : broker, endpoint, error);
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

static const struct proof proofs[] = {
    {.name = "bypass-refused",
     .help = "outside the tunnel nobody listens at the broker's port",
     .alter = as_bypassing,
     .causes = "tcp 111"},
    {.name = "outer-link-refused",
     .help = "the broker's address in the tunnel gives no answer to packets from outside of it",
     .causes = "not connected",
     .act = tunnel_prove_bypass},
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
