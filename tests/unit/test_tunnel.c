/* security/tunnel and what carries it: addresses, routes that stand in the way, what the mechanism
 * tells the rest of the program; hosts/preparation, by which it is asked; and that a link that
 * loses a packet keeps nobody in, and nobody out. */
#include "workshop.h"

#include "base/clock.h"
#include "hosts/preparation.h"
#include "security/mechanism.h"
#include "security/wireguard.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>

/* ---- addresses ---- */

/* What the setting says of the network, in the broker's address or in the error. */
static int assign(const char *network, char **ret_broker, struct error *error) {
    struct channel channel = workshop_channel("t", "tunnel");
    int r = channel_assign(&channel, "tunnel.network", network, error);

    if (r == 0)
        *ret_broker = mechanism_address(&channel);
    channel_clear(&channel);
    return r;
}

static void test_addresses(void **state) {
    static const char *const cases[][2] = {
        {"10.229.77.0/30", "10.229.77.1"},
        {"10.229.77.252/30", "10.229.77.253"},
        {"172.16.0.0/12", "172.16.0.1"},
        {"10.0.0.0/8", "10.0.0.1"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP_FREE char *broker = NULL;
        struct error error = {""};

        assert_int_equal(assign(cases[i][0], &broker, &error), 0);
        assert_string_equal(broker, cases[i][1]);
    }
}

static void test_no_network(void **state) {
    static const char *const cases[] = {
        "10.0.0.0",   "/30",          "10.0.0.0/",   "10.0.0.0/31",    "10.0.0/24",
        "10.0.0.0/7", "10.0.0.0/30x", "10.0.0.1/30", "10.229.77.2/30", "fd00::/126",
        "0/30",       "256.0.0.0/30", "10.0.0.0/-1", "10.0.0.0/30 a",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP_FREE char *broker = NULL;
        struct error error = {""};

        if (assign(cases[i], &broker, &error) != -EINVAL)
            fail_msg("'%s' is taken for a network", cases[i]);
        assert_has(error.text, "right would be ");
    }
}

static void test_default_routes(void **state) {
    (void)state;
    assert_true(wireguard_route_is_default("default via 192.168.1.1 dev eth0"));
    assert_true(wireguard_route_is_default("unreachable default dev lo table unspec"));
    assert_true(wireguard_route_is_default("blackhole default"));
    assert_false(wireguard_route_is_default("10.0.0.0/8 via 10.1.1.1 dev default0"));
    assert_false(wireguard_route_is_default("local 10.229.77.1 dev bench-wg0 table local"));
    assert_false(wireguard_route_is_default("unreachable 10.0.0.0/8"));
}

static void test_keys(void **state) {
    static const char *const bad[] = {
        "",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",   /* 43 */
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",  /* 33 bytes */
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==",  /* 31 bytes */
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", /* 45 */
        "AAAAAAAAAAAAAAAAAAAA endpoint 192.0.2.1:1AA=",
        " AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        "AAAAAAAAAAAAAAAAAAAA=AAAAAAAAAAAAAAAAAAAAAA=",
        "AAAAAAAAAAAAAAAAAAAA*AAAAAAAAAAAAAAAAAAAAAA=",
    };

    (void)state;
    assert_true(wireguard_is_key("xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg="));
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        if (wireguard_is_key(bad[i]))
            fail_msg("'%s' is taken for a key", bad[i]);
}

/* ---- what it says of itself ---- */

static void test_address_of_the_broker(void **state) {
    struct channel plain = workshop_channel("p", ""), tunnel = workshop_channel("t", "tunnel");
    CLEANUP_FREE char *none = mechanism_address(&plain), *own = mechanism_address(&tunnel),
                      *other = NULL;
    struct error error = {""};

    (void)state;
    assert_null(none);
    assert_string_equal(own, "10.229.77.1");
    assert_int_equal(channel_assign(&tunnel, "tunnel.network", "10.9.8.0/24", &error), 0);
    other = mechanism_address(&tunnel);
    assert_string_equal(other, "10.9.8.1");
    assert_false(mechanism_prepares(&plain));
    assert_true(mechanism_prepares(&tunnel));
    channel_clear(&plain);
    channel_clear(&tunnel);
}

/* The client connects to the address in the tunnel; the certificate names that, too. */
static void test_client_config(void **state) {
    struct channel channel = workshop_channel("t", "tunnel");
    struct bringup bringup = {.channel = &channel, .certs = "/certs"};
    CLEANUP(client_config_freep)
    struct client_config *config =
        mechanism_client_config(&bringup, PARTY_CLIENT2, "10.229.77.1", 1883);

    (void)state;
    assert_false(client_config_is_enclosed(config)); /* nothing is known of another address */
    text_replace(&config->outer_address, "192.0.2.1");
    assert_true(client_config_is_enclosed(config));
    mechanism_tunnel.proofs[0].alter(config, &bringup);
    assert_string_equal(config->address, "192.0.2.1");
    assert_string_equal(config->expected_host, "10.229.77.1");
    text_replace(&config->outer_address, "");
    assert_false(client_config_is_enclosed(config));
    channel_clear(&channel);
}

/* ---- preparation ---- */

static int prepare(struct preparation *preparation, const char *use, const char *order,
                   struct error *error) {
    struct channel channel = workshop_channel("c", use);
    struct bringup bringup = {.channel = &channel, .certs = "/certs"};
    json_auto_t *line = json_loads(order, 0, NULL), *told = NULL;
    int r = preparation_make(preparation, &bringup, line, &told, error);

    assert_int_equal(r == 0, told != NULL);
    if (r == 0)
        assert_int_equal(json_object_size(told), 0);
    channel_clear(&channel);
    return r;
}

/* All hosts of a run are one: nothing is made, and the reason says what would help. */
static void test_one_host(void **state) {
    struct preparation preparation = {NULL};
    struct error error = {""};

    (void)state;
    assert_int_equal(prepare(&preparation, "tunnel",
                             "{\"broker\": true, \"alone\": true, \"outer\": \"127.0.0.1\"}",
                             &error),
                     -EOPNOTSUPP);
    assert_has(error.text, "tunnel: broker and publisher are on one host");
    assert_has(error.text, "--broker-host lab:a --publisher-host lab:b");
    preparation_undo(&preparation);
    assert_null(preparation.states);
    preparation_undo(&preparation);
}

static void test_nothing_to_prepare(void **state) {
    struct preparation preparation = {NULL};
    struct error error = {""};

    (void)state;
    assert_int_equal(
        prepare(&preparation, "password", "{\"broker\": true, \"alone\": true}", &error), 0);
    preparation_undo(&preparation);
}

/* ---- beside the tunnel ---- */

/* A listener of which each connection waits for a while, and as long as one waits there is no room
 * for others: their first packets are lost. */
struct crowded {
    int listener, first, port;
    pthread_t thread;
};

/* After the first SYN has been sent again, which is after a second. */
#define WAIT_MS 1300

static void *take_slowly(void *argument) {
    const struct crowded *crowded = argument;
    struct pollfd poller = {.fd = crowded->listener, .events = POLLIN};

    for (int i = 0; i < 2 && poll(&poller, 1, 10000) > 0; i++) {
        (void)poll(NULL, 0, WAIT_MS);
        (void)close(accept(crowded->listener, NULL, NULL));
    }
    return NULL;
}

static void crowded_start(struct crowded *crowded) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t length = sizeof(address);

    crowded->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    crowded->first = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(crowded->listener, (struct sockaddr *)&address, length), 0);
    assert_int_equal(listen(crowded->listener, 0), 0);
    assert_int_equal(getsockname(crowded->listener, (struct sockaddr *)&address, &length), 0);
    assert_int_equal(connect(crowded->first, (struct sockaddr *)&address, length), 0);
    crowded->port = ntohs(address.sin_port);
    assert_int_equal(pthread_create(&crowded->thread, NULL, take_slowly, crowded), 0);
}

static void crowded_stop(struct crowded *crowded) {
    (void)pthread_join(crowded->thread, NULL);
    (void)close(crowded->first);
    (void)close(crowded->listener);
}

/* Who can be connected to beside the tunnel: not at the first try, but in the end. */
static void test_a_lost_packet_is_no_protection(void **state) {
    CLEANUP(client_config_freep)
    struct client_config *right = setting_block_new(&client_config_group);
    const struct proof_setup setup = {.right = right};
    struct proof_seen seen = {.held = true};
    struct error error = {""};
    struct crowded crowded;
    int r;

    (void)state;
    crowded_start(&crowded);
    text_replace(&right->address, "127.0.0.1");
    text_replace(&right->outer_address, "127.0.0.1");
    right->port = crowded.port;
    r = mechanism_tunnel.proofs[1].act(&setup, &seen, &error);
    crowded_stop(&crowded);
    assert_string_equal(error.text, "");
    assert_int_equal(r, 0);
    assert_string_equal(seen.observed, "connected by lo");
    assert_false(seen.held);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_no_network),
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_default_routes),
        cmocka_unit_test(test_address_of_the_broker),
        cmocka_unit_test(test_client_config),
        cmocka_unit_test(test_one_host),
        cmocka_unit_test(test_nothing_to_prepare),
        cmocka_unit_test(test_a_lost_packet_is_no_protection),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
