/* probes/stream: what its server makes of the driver's words while it waits for its streams. */
#include "base/clock.h"
#include "probes/path.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

/* A path-server in a thread of this process, and the driver's ends of its two pipes. */
struct scene {
    pthread_t thread;
    struct stage stage;
    json_t *params;
    int orders[2], said[2]; /* [0] is read, [1] written */
    struct jsonline_reader heard;
    int code;
    struct error error;
};

static void *live(void *context) {
    struct scene *scene = context;

    scene->code = probe_path.roles[0].run(&scene->stage, &scene->error);
    return NULL;
}

static json_t *make_params(void) {
    struct client_config *client = setting_block_new(&client_config_group);
    void *settings = setting_block_new(probe_path.group);
    struct error error = {""};
    json_t *params;

    if (setting_assign(setting_find(probe_path.group, "duration"), settings, "500ms", &error) < 0 ||
        setting_assign(setting_find(probe_path.group, "warmup"), settings, "0s", &error) < 0 ||
        setting_assign(setting_find(probe_path.group, "congestion"), settings, "default", &error))
        fail_msg("%s", error.text);
    text_replace(&client->outer_address, "127.0.0.1");
    params = json_pack("{s:o,s:o}", "settings", setting_block_to_json(probe_path.group, settings),
                       "client", setting_block_to_json(&client_config_group, client));
    setting_block_free(probe_path.group, settings);
    setting_block_free(&client_config_group, client);
    return params;
}

static json_t *hear(struct scene *scene, const char *word) {
    struct error error = {""};
    json_t *line = NULL;

    if (jsonline_wait(&scene->heard, -1, clock_monotonic_ns() + 60 * NS_PER_S, &line, &error) < 0)
        fail_msg("%s", error.text);
    assert_string_equal(jsonline_text(line, "say", "?"), word);
    return line;
}

/* Returns the port on which it listens. */
static uint16_t begin(struct scene *scene) {
    struct jsonline_reader orders;
    json_auto_t *ready = NULL;

    *scene = (struct scene){.params = make_params()};
    assert_int_equal(pipe(scene->orders), 0);
    assert_int_equal(pipe(scene->said), 0);
    jsonline_init(&orders, scene->orders[0]);
    jsonline_init(&scene->heard, scene->said[0]);
    stage_open(&scene->stage, &orders, scene->said[1], scene->params, NULL);
    assert_int_equal(pthread_create(&scene->thread, NULL, live, scene), 0);
    ready = hear(scene, "ready");
    return (uint16_t)jsonline_integer(ready, "port", 0);
}

static void end(struct scene *scene) {
    (void)pthread_join(scene->thread, NULL);
    stage_close(&scene->stage);
    jsonline_clear(&scene->heard);
    json_decref(scene->params);
    (void)close(scene->orders[0]);
    (void)close(scene->said[0]);
    (void)close(scene->said[1]);
}

static int connect_to(uint16_t port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

/* The sender is connected as soon as the server's host has answered it; where the last packet of
 * that handshake is slow, in a tunnel say, the driver's `go` is at the server before it. */
static void test_go_before_the_stream(void **state) {
    static const char bytes[1000];
    struct scene scene;
    uint16_t port = begin(&scene);
    json_t *stop, *line;
    int fd;

    (void)state;
    assert_int_equal(jsonline_send(scene.orders[1], json_pack("{s:s}", "do", "go"), NULL), 0);
    (void)usleep(50000);
    fd = connect_to(port);
    assert_int_equal(write(fd, bytes, sizeof(bytes)), sizeof(bytes));
    json_decref(hear(&scene, "begin"));
    json_decref(hear(&scene, "done"));
    (void)close(fd);
    stop = json_pack("{s:s,s:i}", "do", "stop", "sent", (int)sizeof(bytes));
    assert_int_equal(jsonline_send(scene.orders[1], stop, NULL), 0);
    line = hear(&scene, "result");
    (void)close(scene.orders[1]);
    end(&scene);
    assert_string_equal(scene.error.text, "");
    assert_int_equal(scene.code, 0);
    assert_int_equal(jsonline_integer(line, "received", -1), sizeof(bytes));
    json_decref(line);
}

/* The sender hears `go` later than the receiver, on a busy host or over a slow ssh: until then
 * there is nothing to be measured. */
static void test_a_late_sender(void **state) {
    static const char bytes[100];
    struct scene scene;
    uint16_t port = begin(&scene);
    int fd = connect_to(port), sent = 0;
    json_t *stop, *line;

    (void)state;
    assert_int_equal(jsonline_send(scene.orders[1], json_pack("{s:s}", "do", "go"), NULL), 0);
    (void)usleep(900000);
    for (int i = 0; i < 350; i++) {
        sent += (int)write(fd, bytes, sizeof(bytes));
        (void)usleep(2000);
    }
    json_decref(hear(&scene, "begin"));
    json_decref(hear(&scene, "done"));
    (void)close(fd);
    stop = json_pack("{s:s,s:i}", "do", "stop", "sent", sent);
    assert_int_equal(jsonline_send(scene.orders[1], stop, NULL), 0);
    line = hear(&scene, "result");
    (void)close(scene.orders[1]);
    end(&scene);
    assert_string_equal(scene.error.text, "");
    assert_int_equal(jsonline_integer(line, "received", -1), sent);
    assert_true(jsonline_integer(line, "bytes", -1) > 0);
    json_decref(line);
}

static void test_the_driver_ends_first(void **state) {
    struct scene scene;

    (void)state;
    (void)begin(&scene);
    (void)close(scene.orders[1]);
    end(&scene);
    assert_int_equal(scene.code, -EPIPE);
    assert_string_equal(scene.error.text, "the driver broke off");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_go_before_the_stream),
        cmocka_unit_test(test_a_late_sender),
        cmocka_unit_test(test_the_driver_ends_first),
    };

    return cmocka_run_group_tests_name("stream", tests, NULL, NULL);
}
