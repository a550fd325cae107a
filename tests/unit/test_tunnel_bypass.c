/* security/tunnel_bypass: a link that loses a packet keeps nobody in, and nobody out. */
#include "workshop.h"

#include "base/clock.h"
#include "security/tunnel_bypass.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>

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
    r = tunnel_prove_bypass(&setup, &seen, &error);
    crowded_stop(&crowded);
    assert_string_equal(error.text, "");
    assert_int_equal(r, 0);
    assert_string_equal(seen.observed, "connected by lo");
    assert_false(seen.held);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_lost_packet_is_no_protection),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
