/* transport/congestion: what the kernel says of sockets that this program, a client library and a
 * child have opened. */
#include "emulator.h"
#include "tiny_broker.h"

#include "base/clock.h"
#include "mqtt/client.h"
#include "transport/congestion.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/wait.h>

#define NAME_SIZE 16

static void get(int fd, char name[NAME_SIZE]) {
    socklen_t length = NAME_SIZE;

    memset(name, 0, NAME_SIZE);
    assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, &length), 0);
}

static void assert_control(int fd, const char *expected) {
    char name[NAME_SIZE];

    get(fd, name);
    assert_string_equal(name, expected);
}

/* What this system gives by itself. */
static void get_default(char name[NAME_SIZE]) {
    CLEANUP_FD int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP);

    get(fd, name);
}

static int set_up(void **state) {
    (void)state;
    return congestion_impose(CONGESTION_DEFAULT, NULL);
}

static void test_own_sockets(void **state) {
    CLEANUP_FD int fd = -1, other = -1, datagrams = -1;
    char by_itself[NAME_SIZE];

    (void)state;
    get_default(by_itself);
    assert_int_equal(congestion_impose("reno", NULL), 0); /* which every Linux has */
    fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    assert_control(fd, "reno");
    other = socket(AF_INET6, SOCK_STREAM, IPPROTO_TCP);
    assert_control(other, "reno");
    datagrams = socket(AF_INET, SOCK_DGRAM, 0);
    assert_true(datagrams >= 0);
    assert_int_equal(socket(AF_INET, SOCK_STREAM, IPPROTO_UDP), -1);
    assert_int_equal(congestion_impose(CONGESTION_DEFAULT, NULL), 0);
    (void)close(fd);
    fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_control(fd, by_itself);
}

static void test_refused(void **state) {
    static const char *const names[] = {"no-such-control", "reno-reno-reno-reno"};
    struct error error = {""};
    CLEANUP_FD int fd = -1;

    (void)state;
    assert_int_equal(congestion_impose("reno", NULL), 0);
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        CLEANUP_FREE char *words =
            text_format("congestion control '%s' cannot be used; this kernel has: ", names[i]);

        assert_int_equal(congestion_impose(names[i], &error), -EINVAL);
        assert_non_null(strstr(error.text, words));
        assert_non_null(strstr(error.text + strlen(words), "reno"));
    }
    fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_control(fd, "reno"); /* as before */
    assert_string_equal(congestion_imposed(), "reno");
}

/* libmosquitto opens its socket itself. */
static void test_library(void **state) {
    CLEANUP(client_config_freep)
    struct client_config *config = setting_block_new(&client_config_group);
    struct mqtt_client *client = NULL;
    struct tiny_broker broker;

    (void)state;
    assert_int_equal(congestion_impose("reno", NULL), 0);
    tiny_broker_open(&broker, 0, 0);
    text_replace(&config->address, "127.0.0.1");
    text_replace(&config->client_id, "client1");
    config->port = broker.port;
    assert_int_equal(mqtt_client_connect(&client, config, NULL, NULL, NULL), 0);
    assert_control(mqtt_client_socket(client), "reno");
    assert_control(broker.fd, "reno"); /* as its listener */
    mqtt_client_free(client);
    tiny_broker_close(&broker);
}

/* A child that lets everybody in, under this system's own control. Returns its port. */
static int begin_child(pid_t *ret) {
    static const struct transport_options options = {0};
    int ends[2], port = 0;

    assert_int_equal(pipe(ends), 0);
    *ret = fork();
    if (*ret == 0) {
        int listener;

        (void)tcp_listen(&listener, "127.0.0.1", &options, &port, NULL);
        (void)!write(ends[1], &port, sizeof(port));
        for (;;)
            (void)accept(listener, NULL, NULL);
    }
    assert_int_equal(read(ends[0], &port, sizeof(port)), sizeof(port));
    (void)close(ends[0]);
    (void)close(ends[1]);
    assert_in_range(port, 1, 65535);
    return port;
}

static void end_child(pid_t child) {
    (void)kill(child, SIGKILL);
    assert_int_equal(waitpid(child, NULL, 0), child);
}

static void test_child(void **state) {
    static const struct transport_options options = {.timeout_ns = 10 * NS_PER_S};
    CLEANUP_FREE char *none = NULL, *first = NULL, *both = NULL;
    CLEANUP_FD int before = -1, behind = -1;
    char by_itself[NAME_SIZE];
    size_t connections;
    pid_t child;
    int port;

    (void)state;
    get_default(by_itself);
    port = begin_child(&child);
    none = congestion_list(port, NULL);
    assert_string_equal(none, "");
    assert_int_equal(tcp_connect(&before, "127.0.0.1", port, &options, NULL), 0);
    first = congestion_list(port, &connections);
    assert_int_equal(connections, 1);
    assert_string_equal(first, by_itself);
    assert_int_equal(congestion_impose_on_child(child), 0); /* nothing to impose */
    assert_int_equal(congestion_impose("reno", NULL), 0);
    assert_string_equal(congestion_imposed(), "reno");
    assert_int_equal(congestion_impose_on_child(child), 0);
    assert_int_equal(tcp_connect(&behind, "127.0.0.1", port, &options, NULL), 0);
    both = congestion_list(port, &connections);
    assert_int_equal(connections, 2);
    assert_true(text_has_word(both, by_itself) && text_has_word(both, "reno"));
    end_child(child);
    assert_true(congestion_impose_on_child(child) < 0);
}

static void test_nothing(void **state) {
    (void)state;
    skip();
}

int main(void) {
    const struct CMUnitTest none[] = {cmocka_unit_test(test_nothing)};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_own_sockets, set_up),
        cmocka_unit_test_setup(test_refused, set_up),
        cmocka_unit_test_setup(test_library, set_up),
        cmocka_unit_test_setup(test_child, set_up),
    };

    if (under_emulator("qemu-user cannot choose a congestion control"))
        return cmocka_run_group_tests_name("congestion", none, NULL, NULL);
    return cmocka_run_group_tests_name("congestion", tests, set_up, NULL);
}
