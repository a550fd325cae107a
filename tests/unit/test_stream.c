/* probes/stream: what its server makes of the driver's words while it waits for its streams, and of
 * a sender that is late, or has stopped. */
#include "tested_role.h"

#include "probes/stream.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

static const struct probe *const path = &stream_kinds[STREAM_PATH].probe;

static json_t *make_params(void) {
    struct client_config *client = setting_block_new(&client_config_group);
    void *settings = setting_block_new(path->group);
    struct error error = {""};
    json_t *params;

    if (setting_assign(setting_find(path->group, "duration"), settings, "100ms", &error) < 0 ||
        setting_assign(setting_find(path->group, "warmup"), settings, "0s", &error) < 0)
        fail_msg("%s", error.text);
    text_replace(&client->outer_address, "127.0.0.1");
    params = tested_params(path->group, settings, client);
    setting_block_free(path->group, settings);
    client_config_free(client);
    return params;
}

/* A path-server; returns the port on which it listens. */
static uint16_t begin(struct tested_role *server) {
    json_auto_t *ready = NULL;

    tested_begin(server, &path->roles[0], make_params(), "");
    ready = tested_hear(server, "ready");
    return (uint16_t)jsonline_integer(ready, "port", 0);
}

/* It has measured, and is told what it was sent: its result, for the caller to free. */
static json_t *finish(struct tested_role *server, int fd, int sent) {
    CLEANUP_FREE char *stop = text_format("{\"do\": \"stop\", \"sent\": %d}\n", sent);
    json_t *result;

    json_decref(tested_hear(server, "begin"));
    json_decref(tested_hear(server, "done"));
    (void)close(fd);
    tested_tell(server, stop);
    result = tested_hear(server, "result");
    tested_end(server);
    assert_string_equal(server->error.text, "");
    assert_int_equal(server->code, 0);
    return result;
}

static int connect_to(uint16_t port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

/* For as long as a window, its warm-up and a delay take; how many bytes that was. */
static int send_for_long(int fd) {
    static const char bytes[100];
    int sent = 0;

    for (int i = 0; i < 350; i++) {
        sent += (int)write(fd, bytes, sizeof(bytes));
        (void)usleep(2000);
    }
    return sent;
}

/* The sender is connected as soon as the server's host has answered it; where the last packet of
 * that handshake is slow, in a tunnel say, the driver's `go` is at the server before it. */
static void test_go_before_the_stream(void **state) {
    struct tested_role server;
    uint16_t port = begin(&server);
    json_t *result;
    int fd, sent;

    (void)state;
    tested_tell(&server, "{\"do\": \"go\"}\n");
    (void)usleep(50000);
    fd = connect_to(port);
    sent = send_for_long(fd);
    result = finish(&server, fd, sent);
    assert_int_equal(jsonline_integer(result, "received", -1), sent);
    json_decref(result);
}

/* The sender hears `go` later than the receiver, on a busy host or over a slow ssh: until then
 * there is nothing to be measured. */
static void test_a_late_sender(void **state) {
    struct tested_role server;
    uint16_t port = begin(&server);
    int fd = connect_to(port), sent;
    json_t *result;

    (void)state;
    tested_tell(&server, "{\"do\": \"go\"}\n");
    (void)usleep(900000);
    sent = send_for_long(fd);
    result = finish(&server, fd, sent);
    assert_int_equal(jsonline_integer(result, "received", -1), sent);
    assert_true(jsonline_integer(result, "bytes", -1) > 0);
    json_decref(result);
}

static int stop_early(size_t unused) {
    static const char bytes[1000];
    struct tested_role server;
    int fd = connect_to(begin(&server));

    (void)unused;
    if (write(fd, bytes, sizeof(bytes)) != sizeof(bytes))
        return EXIT_FAILURE;
    tested_tell(&server, "{\"do\": \"go\"}\n");
    tested_lead_to_end(&server, "{\"do\": \"stop\", \"sent\": 1000}\n");
    tested_end(&server);
    if (server.code < 0 && strstr(server.error.text, "nothing has arrived for "))
        return EXIT_SUCCESS;
    (void)fprintf(stderr, "%d, %s\n", server.code, server.error.text);
    return EXIT_FAILURE;
}

/* What has stopped before the measured time has no rate: not 0. */
static void test_nothing_in_the_window(void **state) {
    (void)state;
    tested_apart(stop_early, 0);
}

static void test_the_driver_ends_first(void **state) {
    struct tested_role server;

    (void)state;
    (void)begin(&server);
    tested_end(&server);
    assert_int_equal(server.code, -EPIPE);
    assert_string_equal(server.error.text, "the driver broke off");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_go_before_the_stream),
        cmocka_unit_test(test_a_late_sender),
        cmocka_unit_test(test_nothing_in_the_window),
        cmocka_unit_test(test_the_driver_ends_first),
    };

    return cmocka_run_group_tests_name("stream", tests, NULL, NULL);
}
