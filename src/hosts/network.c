#include "hosts/network.h"

#include "base/clock.h"
#include "base/jsonline.h"
#include "base/memory.h"
#include "hosts/peek.h"
#include "hosts/protocol.h"
#include "hosts/readings.h"

#include <errno.h>
#include <ifaddrs.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static void put_text(json_t *object, const char *key, const char *value) {
    if (value && *value)
        (void)json_object_set_new(object, key, json_string(value));
}

/* ---- addresses ---- */

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    struct sockaddr_storage space;
};

static int resolve(union address *ret, const char *text) {
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list = NULL;
    int r = getaddrinfo(text, NULL, &hints, &list);

    if (r != 0)
        return r;
    memcpy(ret, list->ai_addr, list->ai_addrlen);
    freeaddrinfo(list);
    return 0;
}

/* In numbers, with %INTERFACE behind it for a link-local one; the caller's. */
static char *number(const struct sockaddr *address) {
    char text[NI_MAXHOST];
    socklen_t size =
        address->sa_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);

    if (getnameinfo(address, size, text, sizeof(text), NULL, 0, NI_NUMERICHOST) != 0)
        return NULL;
    return text_copy(text);
}

static bool is_same(const struct sockaddr *a, const struct sockaddr *b) {
    CLEANUP_FREE char *x = number(a), *y = number(b);

    return x && text_equal(x, y);
}

static bool is_loopback(const union address *address) {
    if (address->any.sa_family == AF_INET)
        return ntohl(address->v4.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
    return IN6_IS_ADDR_LOOPBACK(&address->v6.sin6_addr);
}

static bool is_link_local(const struct sockaddr *address) {
    const union address *any = (const void *)address;

    return address->sa_family == AF_INET6 && IN6_IS_ADDR_LINKLOCAL(&any->v6.sin6_addr);
}

/* Whose address it is among our own, and all of them. */
static void put_own(json_t *network, const union address *address) {
    json_t *list = json_array();
    struct ifaddrs *all = NULL;
    bool own = false;

    (void)json_object_set_new(network, "own_addresses", list);
    if (getifaddrs(&all) < 0)
        return;
    for (struct ifaddrs *one = all; one; one = one->ifa_next) {
        CLEANUP_FREE char *name = text_copy(one->ifa_name), *text = NULL;

        if (!one->ifa_addr ||
            (one->ifa_addr->sa_family != AF_INET && one->ifa_addr->sa_family != AF_INET6))
            continue;
        name[strcspn(name, ":")] = '\0'; /* a label like eth0:1 */
        text = number(one->ifa_addr);
        if (is_same(one->ifa_addr, &address->any)) {
            own = true;
            put_text(network, "interface", name);
        }
        if (text && !is_link_local(one->ifa_addr))
            (void)json_array_append_new(list,
                                        json_pack("{s:s,s:s}", "interface", name, "address", text));
    }
    freeifaddrs(all);
    if (!own && is_loopback(address)) { /* all of 127/8 is ours */
        own = true;
        put_text(network, "interface", "lo");
    }
    (void)json_object_set_new(network, "own", json_boolean(own));
}

/* ---- routes ---- */

void network_parse_route(json_t *route, const char *text) {
    static const char *const keys[][2] = {
        {"dev", "interface"}, {"prefsrc", "source"}, {"gateway", "gateway"}};
    json_auto_t *all = json_loads(text, 0, NULL);
    size_t i;
    json_t *one;

    json_array_foreach(all, i, one) {
        if (!json_object_get(one, "dev"))
            continue;
        for (size_t k = 0; k < ARRAY_SIZE(keys); k++)
            put_text(route, keys[k][1], json_string_value(json_object_get(one, keys[k][0])));
        /* A gateway of another family than the route's. */
        put_text(route, "gateway",
                 json_string_value(json_object_get(json_object_get(one, "via"), "host")));
        return;
    }
}

/* What the kernel would do with a packet to `to`, from `from` if that is not NULL. */
static json_t *find_route(struct peek *peek, const char *to, const char *from) {
    CLEANUP_FREE char *target = text_copy(to), *source = text_copy(from);
    CLEANUP_FREE char *text = NULL, *parsed = NULL;
    char *zone = strchr(target, '%');
    const char *argv[12] = {"ip", "-oneline", "route", "get", target};
    json_t *route = json_object();
    size_t n = 5;
    int r;

    if (source) {
        source[strcspn(source, "%")] = '\0';
        argv[n++] = "from";
        argv[n++] = source;
    }
    if (zone) {
        *zone = '\0';
        argv[n++] = "dev";
        argv[n++] = zone + 1;
    }
    r = peek_program(peek, &text, argv);
    if (text) /* of a route -oneline leaves a backslash and the cache's state at the end */
        text[strcspn(text, "\n\\")] = '\0';
    if (r != 0) {
        put_text(route, "no_route", text && *text ? text : "`ip` cannot be executed");
        return route;
    }
    for (size_t length = strlen(text); length && text[length - 1] == ' ';)
        text[--length] = '\0';
    put_text(route, "route", text);
    argv[1] = "-json";
    if (peek_program(peek, &parsed, argv) == 0)
        network_parse_route(route, parsed);
    return route;
}

/* ---- the interface ---- */

/* One ethtool order: what it wants and gives is at the address `data`. */
static bool ask_ethtool(int fd, const char *interface, void *data) {
    struct ifreq request = {.ifr_data = data};

    (void)snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", interface);
    return ioctl(fd, SIOCETHTOOL, &request) == 0;
}

static void put_mtu(json_t *network, int fd, const char *interface) {
    struct ifreq request = {.ifr_mtu = 0};

    (void)snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", interface);
    if (ioctl(fd, SIOCGIFMTU, &request) == 0)
        (void)json_object_set_new(network, "mtu", json_integer(request.ifr_mtu));
}

/* The kernel first tells how many words its three masks of link modes have, then the settings. */
static void put_speed(json_t *network, int fd, const char *interface) {
    CLEANUP_FREE struct ethtool_link_settings *link =
        memory_new(1, sizeof(*link) + 3 * INT8_MAX * sizeof(__u32));

    link->cmd = ETHTOOL_GLINKSETTINGS;
    if (!ask_ethtool(fd, interface, link) || link->link_mode_masks_nwords >= 0)
        return;
    link->cmd = ETHTOOL_GLINKSETTINGS;
    link->link_mode_masks_nwords = (__s8)-link->link_mode_masks_nwords;
    if (ask_ethtool(fd, interface, link) && link->speed && link->speed != (__u32)SPEED_UNKNOWN)
        (void)json_object_set_new(network, "speed_mbit_s", json_integer(link->speed));
}

static void put_offloads(json_t *network, int fd, const char *interface) {
    static const struct {
        const char *name;
        __u32 order;
    } offloads[] = {{"tso", ETHTOOL_GTSO}, {"gso", ETHTOOL_GGSO}, {"gro", ETHTOOL_GGRO}};
    char on[16] = "";
    bool known = false;

    for (size_t i = 0; i < ARRAY_SIZE(offloads); i++) {
        struct ethtool_value value = {.cmd = offloads[i].order};

        if (!ask_ethtool(fd, interface, &value))
            continue;
        known = true;
        if (value.data)
            (void)snprintf(on + strlen(on), sizeof(on) - strlen(on), "%s%s", *on ? " " : "",
                           offloads[i].name);
    }
    if (known)
        put_text(network, "offloads", *on ? on : "none");
}

static void put_interface(struct peek *peek, json_t *network, const char *interface) {
    CLEANUP_FD int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    json_t *wifi = wifi_collect(peek, interface);

    if (fd >= 0) {
        put_mtu(network, fd, interface);
        put_speed(network, fd, interface);
        put_offloads(network, fd, interface);
    }
    if (wifi)
        (void)json_object_set_new(network, "wifi", wifi);
}

/* ---- the round trip ---- */

#define N_TRIPS     5
#define MAX_TRIP_NS (4 * NS_PER_S)
/* Of all: where one takes long, a few say as much. */
#define ALL_TRIPS_NS (4 * NS_PER_S)
/* Nobody listens there (tcpmux): a refusal takes a round trip as well as an answer does. */
#define CLOSED_PORT 1

/* How long one took, in nanoseconds; -1: nothing came in time. */
static int64_t make_trip(const union address *to, int64_t limit_ns) {
    CLEANUP_FD int fd = socket(to->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct pollfd connecting = {.fd = fd, .events = POLLOUT};
    int64_t begin = clock_monotonic_ns(), took;
    socklen_t size = sizeof(int);
    int code = 0;

    if (fd < 0)
        return -1;
    if (connect(fd, &to->any, sizeof(to->space)) < 0)
        code = errno;
    if (code == EINPROGRESS && (poll(&connecting, 1, clock_poll_ms(begin + limit_ns)) <= 0 ||
                                getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &size) < 0))
        return -1;
    took = clock_monotonic_ns() - begin;
    return code == 0 || code == ECONNREFUSED ? took : -1;
}

static void put_round_trip(json_t *network, const union address *address, int64_t limit_ns) {
    union address to = *address;
    int64_t shortest = -1, begin_ns = clock_monotonic_ns();

    *(to.any.sa_family == AF_INET ? &to.v4.sin_port : &to.v6.sin6_port) = htons(CLOSED_PORT);
    for (int i = 0; i < N_TRIPS && clock_monotonic_ns() - begin_ns < ALL_TRIPS_NS; i++) {
        int64_t took = make_trip(&to, limit_ns);

        if (took >= 0 && (shortest < 0 || took < shortest)) /* on some links packets are lost */
            shortest = took;
    }
    if (shortest < 0)
        return;
    (void)json_object_set_new(network, "round_trip_ms", json_real((double)shortest / 1e6));
}

json_t *network_round_trip(const char *address, int64_t limit_ns) {
    json_t *answer = json_object();
    union address to;

    if (resolve(&to, address) == 0)
        put_round_trip(answer, &to, limit_ns);
    return answer;
}

/* ---- a train of frames ---- */

#define IP_BYTES 20 /* of a header without options */

struct echo {
    struct icmphdr header;
    unsigned char rest[TRAIN_FRAME_BYTES - ETH_HLEN - IP_BYTES - sizeof(struct icmphdr)];
};

static void make_echo(struct echo *echo, uint16_t id, uint16_t number) {
    uint16_t words[sizeof(*echo) / 2];
    uint32_t sum = 0;

    memset(echo, 0, sizeof(*echo));
    echo->header.type = ICMP_ECHO;
    echo->header.un.echo.id = htons(id);
    echo->header.un.echo.sequence = htons(number);
    memcpy(words, echo, sizeof(*echo));
    for (size_t i = 0; i < ARRAY_SIZE(words); i++)
        sum += words[i];
    sum = (sum & 0xffff) + (sum >> 16);
    echo->header.checksum = (uint16_t) ~(sum + (sum >> 16));
}

/* The number of the next that comes back until the deadline, or -1. */
static int hear_echo(int fd, uint16_t id, int64_t deadline_ns) {
    struct pollfd poller = {.fd = fd, .events = POLLIN};
    struct {
        unsigned char ip[IP_BYTES];
        struct icmphdr header;
        unsigned char rest[sizeof(struct echo)];
    } packet;

    while (poll(&poller, 1, clock_poll_ms(deadline_ns)) > 0)
        if (recv(fd, &packet, sizeof(packet), 0) > (ssize_t)(IP_BYTES + sizeof(packet.header)) &&
            packet.header.type == ICMP_ECHOREPLY && ntohs(packet.header.un.echo.id) == id)
            return ntohs(packet.header.un.echo.sequence);
    return -1;
}

json_t *network_train(const char *address, int64_t n_frames, int64_t limit_ns) {
    CLEANUP_FD int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP);
    static uint16_t trains; /* what comes late of an earlier one is none of the next */
    uint16_t id = (uint16_t)(getpid() + trains++);
    int64_t begin_ns, last_ns = 0, last = -1;
    json_t *answer = json_object();
    union address to;

    if (fd < 0 || resolve(&to, address) != 0 || to.any.sa_family != AF_INET)
        return answer;
    begin_ns = clock_monotonic_ns();
    for (int64_t i = 0; i < n_frames; i++) {
        struct echo echo;

        make_echo(&echo, id, (uint16_t)i);
        (void)sendto(fd, &echo, sizeof(echo), 0, &to.any, sizeof(to.v4));
    }
    while (last + 1 < n_frames) {
        int number = hear_echo(fd, id, begin_ns + limit_ns);

        if (number < 0)
            break;
        last = number;
        last_ns = clock_monotonic_ns() - begin_ns;
    }
    if (last >= 0)
        (void)json_object_update_new(
            answer, json_pack("{s:I,s:f}", "last", (json_int_t)last, "ms", (double)last_ns / 1e6));
    return answer;
}

/* ---- the whole ---- */

static void put_machine(json_t *network) {
    CLEANUP_FREE char *boot = protocol_boot(), *text = NULL;
    struct stat status;

    if (!boot || stat("/proc/self/ns/net", &status) < 0)
        return;
    text = text_format("%s net:[%llu]", boot, (unsigned long long)status.st_ino);
    put_text(network, "machine", text);
}

/* A link-local peer is behind the interface of `from`, whatever the other host's is called. */
static void put_way_back(struct peek *peek, json_t *network, const char *from, const char *peer) {
    const char *zone = strchr(from, '%');
    CLEANUP_FREE char *to = text_format("%.*s%s", (int)strcspn(peer, "%"), peer, zone ? zone : "");
    json_t *route = find_route(peek, to, from);

    put_text(route, "address", peer);
    (void)json_object_set_new(network, "way_back", route);
}

json_t *network_collect(struct peek *peek, const char *address, const char *peer) {
    json_t *network = json_object();
    CLEANUP_FREE char *text = NULL;
    json_auto_t *route = NULL;
    union address resolved;
    const char *interface;
    int r = resolve(&resolved, address);

    put_machine(network);
    if (r == 0)
        text = number(&resolved.any);
    if (!text) {
        put_text(network, "unresolved", gai_strerror(r));
        return network;
    }
    put_text(network, "address", text);
    put_own(network, &resolved);
    route = find_route(peek, text, NULL);
    /* The kernel leads all that is our own through lo, whichever interface has it. */
    (void)json_object_update_missing(network, route);
    interface = json_string_value(json_object_get(network, "interface"));
    if (interface)
        put_interface(peek, network, interface);
    if (peer && *peer)
        put_way_back(peek, network, text, peer);
    put_round_trip(network, &resolved, MAX_TRIP_NS);
    return network;
}

/* ---- both hosts together ---- */

/* Both hosts as they are called, and what they know. */
struct sides {
    const json_t *broker, *publisher;
    const char *broker_spec, *publisher_spec;
};

/* "192.0.2.1 (eth0), 192.0.2.2 (wlan0)": those of one interface, or of all but loopback with NULL;
 * the caller's. */
static char *list_addresses(const json_t *side, const char *interface) {
    char *list = text_copy("");
    size_t i;
    json_t *one;

    json_array_foreach(json_object_get(side, "own_addresses"), i, one) {
        const char *name = jsonline_text(one, "interface", "");
        CLEANUP_FREE char *piece = NULL;

        if (interface ? !text_equal(name, interface) : text_equal(name, "lo"))
            continue;
        piece = text_format("%s (%s)", jsonline_text(one, "address", ""), name);
        text_append(&list, ", ", piece);
    }
    if (!*list)
        text_replace(&list, "none");
    return list;
}

/* Broker and publisher in one place: nothing to cross. */
static bool is_one_host(const struct sides *sides) {
    const char *machine = jsonline_text(sides->broker, "machine", NULL);

    if (!sides->publisher || text_equal(sides->broker_spec, sides->publisher_spec))
        return true;
    return machine && text_equal(machine, jsonline_text(sides->publisher, "machine", NULL));
}

static int check_resolved(const json_t *side, const char *spec, struct error *error) {
    const char *why = jsonline_text(side, "unresolved", NULL);

    return why ? error_set(error, -EINVAL,
                           "hosts.address cannot be resolved on %s: %s; write the number", spec,
                           why)
               : 0;
}

static int check_own(const struct sides *sides, struct error *error) {
    CLEANUP_FREE char *others = NULL;

    if (json_is_true(json_object_get(sides->broker, "own")))
        return 0;
    others = list_addresses(sides->broker, NULL);
    return error_set(error, -EINVAL,
                     "hosts.address %s is no address of the broker's host %s, which has: %s; name "
                     "the one that the data shall take",
                     jsonline_text(sides->broker, "address", "?"), sides->broker_spec, others);
}

/* A name may mean another address elsewhere: Debian gives a host's own name to 127.0.1.1. */
static int check_same_address(const struct sides *sides, struct error *error) {
    const char *broker = jsonline_text(sides->broker, "address", "?");
    const char *publisher = jsonline_text(sides->publisher, "address", "?");

    /* Behind a '%' stands the name of an interface, which is each host's own. */
    if (strcspn(broker, "%") == strcspn(publisher, "%") &&
        strncmp(broker, publisher, strcspn(broker, "%")) == 0)
        return 0;
    return error_set(error, -EINVAL,
                     "hosts.address means %s on %s but %s on %s; write the number in place of the "
                     "name",
                     broker, sides->broker_spec, publisher, sides->publisher_spec);
}

static int check_way_there(const struct sides *sides, struct error *error) {
    const char *address = jsonline_text(sides->broker, "address", "?");
    const char *no_route = jsonline_text(sides->publisher, "no_route", NULL);
    CLEANUP_FREE char *others = NULL;

    if (no_route)
        return error_set(error, -EINVAL, "%s has no way to hosts.address %s: %s",
                         sides->publisher_spec, address, no_route);
    if (!json_is_true(json_object_get(sides->publisher, "own")) &&
        !text_equal(jsonline_text(sides->publisher, "interface", "lo"), "lo"))
        return 0;
    others = list_addresses(sides->broker, NULL);
    return error_set(error, -EINVAL,
                     "hosts.address %s stays within %s: the probes would not cross the network; "
                     "name one of the addresses of %s: %s",
                     address, sides->publisher_spec, sides->broker_spec, others);
}

/* Two interfaces in one subnet, as a Raspberry Pi's Ethernet and Wi-Fi: the kernel answers through
 * whichever route it likes better, not through the interface that was addressed. */
static int check_way_back(const struct sides *sides, struct error *error) {
    const char *address = jsonline_text(sides->broker, "address", "?");
    const char *interface = jsonline_text(sides->broker, "interface", "?");
    const json_t *back = json_object_get(sides->broker, "way_back");
    const char *peer = jsonline_text(back, "address", "?");
    const char *no_route = jsonline_text(back, "no_route", NULL);
    const char *taken = jsonline_text(back, "interface", NULL);
    CLEANUP_FREE char *others = NULL;

    if (text_equal(taken, interface))
        return 0;
    if (!taken)
        return error_set(error, -EINVAL, "%s has no way back from hosts.address %s to %s of %s: %s",
                         sides->broker_spec, address, peer, sides->publisher_spec,
                         no_route ? no_route : "it was not looked up");
    others = list_addresses(sides->broker, taken);
    return error_set(error, -EINVAL,
                     "hosts.address %s belongs to %s of %s, but what it answers %s (%s) leaves "
                     "through %s: the data would take two links, as when Ethernet and Wi-Fi are in "
                     "one subnet; take the address of %s instead (%s), or take %s down there",
                     address, interface, sides->broker_spec, sides->publisher_spec, peer, taken,
                     taken, others, taken);
}

int network_check(const json_t *broker_side, const json_t *publisher_side, const char *broker_spec,
                  const char *publisher_spec, struct error *error) {
    static int (*const between[])(const struct sides *, struct error *) = {
        check_same_address, check_way_there, check_way_back};
    struct sides sides = {broker_side, publisher_side, broker_spec, publisher_spec};
    int r = check_resolved(broker_side, broker_spec, error);

    if (r < 0)
        return r;
    r = check_own(&sides, error);
    if (r < 0 || is_one_host(&sides))
        return r;
    r = check_resolved(publisher_side, publisher_spec, error);
    for (size_t i = 0; i < ARRAY_SIZE(between) && r == 0; i++)
        r = between[i](&sides, error);
    return r;
}
