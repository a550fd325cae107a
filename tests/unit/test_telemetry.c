/* probes/telemetry: its workers hear the driver whenever it speaks. */
#include "workshop.h"

#include "base/clock.h"
#include "probes/telemetry.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>

/* A broker that lets everybody in, and says no more than it must; a worker in a thread of this
 * process; and the driver's ends of its two pipes. */
struct scene {
    int listener, port;
    int pause_ms; /* after which who subscribes gets a message; 0: none comes */
    pthread_t broker, worker;
    const struct role *role;
    struct stage stage;
    json_t *params;
    int orders[2], said[2]; /* [0] is read, [1] written */
    struct jsonline_reader heard;
    int code;
    struct error error;
};

static void send_late(const struct scene *scene, int fd) {
    static const char message[] = "\x30\x0d\0\1t0000000001";

    (void)poll(NULL, 0, scene->pause_ms);
    (void)!send(fd, message, sizeof(message) - 1, MSG_NOSIGNAL);
}

/* Its packets are shorter than 128 bytes. */
static void *serve(void *argument) {
    const struct scene *scene = argument;
    unsigned char packet[130], connack[] = {0x20, 2, 0, 0}, suback[] = {0x90, 3, 0, 0, 0};
    int fd = accept(scene->listener, NULL, NULL);

    while (recv(fd, packet, 2, MSG_WAITALL) == 2 && packet[1] < 128 &&
           recv(fd, packet + 2, packet[1], MSG_WAITALL) == packet[1]) {
        memcpy(suback + 2, packet + 2, 2);
        if (packet[0] >> 4 == 1)
            (void)!send(fd, connack, sizeof(connack), MSG_NOSIGNAL);
        if (packet[0] >> 4 == 8)
            (void)!send(fd, suback, sizeof(suback), MSG_NOSIGNAL);
        if (packet[0] >> 4 == 8 && scene->pause_ms)
            send_late(scene, fd);
    }
    (void)close(fd);
    return NULL;
}

static void *live(void *argument) {
    struct scene *scene = argument;

    scene->code = scene->role->run(&scene->stage, &scene->error);
    return NULL;
}

static void listen_for(struct scene *scene) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t length = sizeof(address);

    scene->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(scene->listener, (struct sockaddr *)&address, length), 0);
    assert_int_equal(listen(scene->listener, 1), 0);
    assert_int_equal(getsockname(scene->listener, (struct sockaddr *)&address, &length), 0);
    scene->port = ntohs(address.sin_port);
    assert_int_equal(pthread_create(&scene->broker, NULL, serve, scene), 0);
}

static json_t *make_params(const struct scene *scene) {
    struct client_config *client = setting_block_new(&client_config_group);
    void *settings = setting_block_new(&telemetry_group);
    json_t *params;

    text_replace(&client->address, "127.0.0.1");
    text_replace(&client->client_id, "reporter");
    client->port = scene->port;
    params = json_pack("{s:o,s:o}", "settings", setting_block_to_json(&telemetry_group, settings),
                       "client", setting_block_to_json(&client_config_group, client));
    setting_block_free(&telemetry_group, settings);
    setting_block_free(&client_config_group, client);
    return params;
}

static void begin(struct scene *scene, const struct role *role, int pause_ms) {
    struct jsonline_reader orders;

    *scene = (struct scene){.role = role, .pause_ms = pause_ms};
    listen_for(scene);
    scene->params = make_params(scene);
    assert_int_equal(pipe(scene->orders), 0);
    assert_int_equal(pipe(scene->said), 0);
    jsonline_init(&orders, scene->orders[0]);
    jsonline_init(&scene->heard, scene->said[0]);
    stage_open(&scene->stage, &orders, scene->said[1], scene->params, NULL);
}

static json_t *hear(struct scene *scene, const char *word) {
    struct error error = {""};
    json_t *line = NULL;

    if (jsonline_wait(&scene->heard, -1, clock_monotonic_ns() + 20 * NS_PER_S, &line, &error) < 0)
        fail_msg("%s where '%s' was due", error.text, word);
    assert_string_equal(jsonline_text(line, "say", "?"), word);
    return line;
}

static void end(struct scene *scene) {
    (void)pthread_join(scene->worker, NULL);
    (void)pthread_join(scene->broker, NULL);
    stage_close(&scene->stage);
    jsonline_clear(&scene->heard);
    json_decref(scene->params);
    (void)close(scene->listener);
    for (int i = 0; i < 2; i++) {
        (void)close(scene->orders[i]);
        (void)close(scene->said[i]);
    }
}

/* A worker that was kept waiting for a processor finds both words at once. */
static void stop_with_go(const struct role *role) {
    static const char words[] = "{\"do\": \"go\"}\n{\"do\": \"stop\", \"sent\": 0}\n";
    struct scene scene;

    begin(&scene, role, 0);
    assert_int_equal(write(scene.orders[1], words, strlen(words)), strlen(words));
    assert_int_equal(pthread_create(&scene.worker, NULL, live, &scene), 0);
    json_decref(hear(&scene, "ready"));
    json_decref(hear(&scene, "result"));
    end(&scene);
    assert_string_equal(scene.error.text, "");
    assert_int_equal(scene.code, 0);
}

static void test_publisher(void **state) {
    (void)state;
    stop_with_go(&role_telemetry_publisher);
}

static void test_subscriber(void **state) {
    (void)state;
    stop_with_go(&role_telemetry_subscriber);
}

/* A link by radio may be silent for seconds, and lose nothing by that. */
static void test_late_message(void **state) {
    static const char words[] = "{\"do\": \"go\"}\n{\"do\": \"stop\", \"sent\": 1}\n";
    struct scene scene;

    (void)state;
    begin(&scene, &role_telemetry_subscriber, 3000);
    assert_int_equal(write(scene.orders[1], words, strlen(words)), strlen(words));
    assert_int_equal(pthread_create(&scene.worker, NULL, live, &scene), 0);
    json_decref(hear(&scene, "ready"));
    json_decref(hear(&scene, "arrived"));
    json_decref(hear(&scene, "result"));
    end(&scene);
    assert_string_equal(scene.error.text, "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_publisher),
        cmocka_unit_test(test_subscriber),
        cmocka_unit_test(test_late_message),
    };

    return cmocka_run_group_tests_name("telemetry", tests, NULL, NULL);
}
