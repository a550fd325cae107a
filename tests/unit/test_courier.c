/* probes/delivery: a subscriber beside a broker that is broken on purpose: it loses messages, sends
 * them twice, and out of order. What it sends is all there is: no real broker does such things. */
#include "emulator.h"
#include "workshop.h"

#include "base/clock.h"
#include "probes/delivery.h"
#include "transport/transport.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#define PAYLOAD 16
#define END     (-1)
#define MAX     64

/* Its thread asserts nothing: what it cannot do the subscriber misses. */
struct faulty {
    int listener, port, qos;
    int lowered_by;         /* the quality of service of what it sends, below what it has granted */
    const int64_t *numbers; /* of the messages, in the order in which they are sent; then END */
    int pause_ms;           /* before the last of them */
    int piece_ms;           /* of which a piece of 4 bytes takes that long */
    pthread_t thread;
};

/* ---- the broker ---- */

static void send_all(int fd, const void *bytes, size_t length) {
    (void)!send(fd, bytes, length, MSG_NOSIGNAL);
}

/* Takes packets until one of that type has come; those of this test are shorter than 128 bytes. */
static void await_packet(int fd, unsigned char type, unsigned char *packet) {
    while (recv(fd, packet, 2, MSG_WAITALL) == 2 && packet[1] < 128 &&
           recv(fd, packet + 2, packet[1], MSG_WAITALL) == packet[1] && packet[0] >> 4 != type)
        ;
}

static void send_message(int fd, int qos, uint16_t id, int64_t number, int piece_ms) {
    static const char topic[] = "t/data";
    unsigned char packet[64] = {(unsigned char)(0x30 | qos << 1), 0, 0, sizeof(topic) - 1};
    size_t length = 4;

    memcpy(packet + length, topic, sizeof(topic) - 1);
    length += sizeof(topic) - 1;
    if (qos) {
        packet[length++] = (unsigned char)(id >> 8);
        packet[length++] = (unsigned char)id;
    }
    memcpy(packet + length, &number, sizeof(number));
    length += PAYLOAD;
    packet[1] = (unsigned char)(length - 2);
    for (; piece_ms && length > 4; length -= 4) {
        send_all(fd, packet, 4);
        memmove(packet, packet + 4, length - 4);
        (void)poll(NULL, 0, piece_ms);
    }
    send_all(fd, packet, length);
}

/* The second half of QoS 2: PUBREC, PUBREL, PUBCOMP. */
static void release(int fd, uint16_t id) {
    unsigned char packet[130], pubrel[] = {0x62, 2, (unsigned char)(id >> 8), (unsigned char)id};

    await_packet(fd, 5, packet);
    send_all(fd, pubrel, sizeof(pubrel));
    await_packet(fd, 7, packet);
}

static void *serve(void *argument) {
    static const unsigned char connack[] = {0x20, 2, 0, 0};
    const struct faulty *broker = argument;
    int sent_qos = broker->qos - broker->lowered_by;
    int fd = accept(broker->listener, NULL, NULL);
    unsigned char packet[130], suback[] = {0x90, 3, 0, 0, 0};

    await_packet(fd, 1, packet);
    send_all(fd, connack, sizeof(connack));
    await_packet(fd, 8, packet);
    memcpy(suback + 2, packet + 2, 2);
    suback[4] = (unsigned char)broker->qos;
    send_all(fd, suback, sizeof(suback));
    for (uint16_t i = 0; broker->numbers[i] != END; i++) {
        bool last = broker->numbers[i + 1] == END;

        (void)poll(NULL, 0, last ? broker->pause_ms : 0);
        send_message(fd, sent_qos, (uint16_t)(i + 1), broker->numbers[i],
                     last ? broker->piece_ms : 0);
        if (sent_qos == 2)
            release(fd, (uint16_t)(i + 1));
    }
    while (recv(fd, packet, sizeof(packet), 0) > 0)
        ;
    (void)close(fd);
    return NULL;
}

static void faulty_start(struct faulty *broker) {
    const struct transport_options options = {.timeout_ns = 0};

    assert_int_equal(tcp_listen(&broker->listener, "127.0.0.1", &options, &broker->port, NULL), 0);
    assert_int_equal(pthread_create(&broker->thread, NULL, serve, broker), 0);
}

static void faulty_stop(struct faulty *broker) {
    assert_int_equal(pthread_join(broker->thread, NULL), 0);
    (void)close(broker->listener);
}

/* ---- the subscriber, as the probe has it ---- */

/* Receives what the broker sends, `sent` having been published; what became of the promises.
 * silence_ns: after how long the rest is lost; 0: as always. */
static void receive(struct faulty *broker, int64_t sent, int64_t silence_ns,
                    struct courier *courier, struct error *error) {
    struct delivery_settings settings = {.window.duration_ns = NS_PER_S,
                                         .payload_bytes = PAYLOAD,
                                         .qos = broker->qos,
                                         .window_bytes = 1024};
    struct client_config *config = setting_block_new(&client_config_group);
    int r;

    faulty_start(broker);
    text_replace(&config->address, "127.0.0.1");
    text_replace(&config->client_id, "subscriber");
    config->port = broker->port;
    courier_open(courier, "t", &settings);
    if (silence_ns)
        courier->silence_ns = silence_ns;
    if (courier_connect(courier, config, false, error) < 0)
        fail_msg("%s", error->text);
    atomic_store(&courier->expected, sent);
    (void)stream_run(&courier->stream);
    r = courier->stream.code;
    if (r == 0)
        r = sequence_check(&courier->sequence, sent, broker->qos, true, error);
    assert_true((r == 0) == !*error->text);
    courier_close(courier);
    faulty_stop(broker);
    client_config_free(config);
}

static const struct {
    int64_t numbers[MAX];
    int64_t sent;
    int64_t moved, duplicated, reordered, wrong;
    const char *words[3]; /* at each quality of service; "": all is well */
} cases[] = {
    {{0, 1, 2, 3, END}, 4, 4, 0, 0, 0, {"", "", ""}},
    {{0, 1, 3, END},
     4,
     3,
     0,
     0,
     0,
     {"", "QoS 1 was broken: of 4 messages, 1 were lost",
      "QoS 2 was broken: of 4 messages, 1 were lost"}},
    {{0, 1, 1, 2, 1, 3, END},
     4,
     4,
     2,
     0,
     0,
     {"QoS 0 was broken: of 4 messages, 2 arrived twice", "",
      "QoS 2 was broken: of 4 messages, 2 arrived twice"}},
    {{0, 2, 1, 3, END},
     4,
     4,
     0,
     1,
     0,
     {"QoS 0 was broken: of 4 messages, 1 arrived after a later one",
      "QoS 1 was broken: of 4 messages, 1 arrived after a later one",
      "QoS 2 was broken: of 4 messages, 1 arrived after a later one"}},
    {{0, 1, -5, 2, END}, 3, 3, 0, 0, 1, {"", "", ""}}, /* the probe's caller looks at `wrong` */
};

static void test_broken_brokers(void **state) {
    static struct courier courier;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        for (int qos = 0; qos <= 2; qos++) {
            struct faulty broker = {.qos = qos, .numbers = cases[i].numbers};
            struct error error = {""};

            receive(&broker, cases[i].sent, 2 * NS_PER_S, &courier, &error);
            assert_string_equal(error.text, cases[i].words[qos]);
            assert_int_equal(courier.moved, cases[i].moved);
            assert_int_equal(courier.sequence.duplicated, cases[i].duplicated);
            assert_int_equal(courier.sequence.reordered, cases[i].reordered);
            assert_int_equal(courier.wrong, cases[i].wrong);
            /* What is counted as throughput is each message once. */
            assert_int_equal(atomic_load(&courier.stream.counter.bytes), cases[i].moved * PAYLOAD);
        }
}

/* A link by radio may be silent for seconds, and lose nothing by that. */
static void test_late(void **state) {
    static const int64_t numbers[] = {0, 1, END};
    static struct courier courier;
    struct faulty broker = {.numbers = numbers, .pause_ms = 3000};
    struct error error = {""};

    (void)state;
    receive(&broker, 2, 0, &courier, &error);
    assert_string_equal(error.text, "");
    assert_int_equal(courier.moved, 2);
}

/* What was granted is not what comes: a measurement at another quality of service. */
static void test_lowered(void **state) {
    static const int64_t numbers[] = {0, 1, END};
    struct delivery_settings settings = {
        .window.duration_ns = NS_PER_S, .payload_bytes = PAYLOAD, .qos = 2, .window_bytes = 1024};
    CLEANUP(client_config_freep)
    struct client_config *config = setting_block_new(&client_config_group);
    static struct courier courier;
    struct error error = {""};
    struct faulty broker = {.qos = 2, .lowered_by = 1, .numbers = numbers};

    (void)state;
    faulty_start(&broker);
    text_replace(&config->address, "127.0.0.1");
    text_replace(&config->client_id, "subscriber");
    config->port = broker.port;
    courier_open(&courier, "t", &settings);
    assert_int_equal(courier_connect(&courier, config, false, &error), 0);
    atomic_store(&courier.expected, 2);
    (void)stream_run(&courier.stream);
    assert_int_equal(courier.stream.code, -EPROTO);
    assert_non_null(
        strstr(courier.stream.error.text, "a message came at QoS 1, and QoS 2 was granted"));
    courier_close(&courier);
    faulty_stop(&broker);
}

/* A message that takes longer than the silence after which it would be lost, but moves: it is not.
 */
static void test_slow_message(void **state) {
    static const int64_t numbers[] = {0, 1, END};
    static struct courier courier;
    struct faulty broker = {.numbers = numbers, .piece_ms = 500};
    struct error error = {""};

    (void)state;
    if (under_emulator("qemu-user hands on no TCP_INFO"))
        skip();
    receive(&broker, 2, 1500 * NS_PER_MS, &courier, &error);
    assert_string_equal(error.text, "");
    assert_int_equal(courier.moved, 2);
}

/* So many messages may be on their way; of large ones a few, of small ones as many as Paho C can
 * hold. Each counts as 64 bytes more than its payload. */
static void test_window(void **state) {
    static const struct {
        int64_t payload_bytes, window_bytes, messages;
    } windows[] = {
        {936, 64000, 64},     {936, 64999, 64},      {936, 1, 4},
        {936, 4000, 4},       {936, 5000, 5},        {936, 8191000, 8191},
        {936, 8193000, 8193}, {8, 1 << 30, 1 << 20}, {4 << 20, 2 << 20, 4},
    };
    static struct courier courier;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(windows); i++) {
        const struct delivery_settings settings = {.payload_bytes = windows[i].payload_bytes,
                                                   .window_bytes = windows[i].window_bytes};

        courier_open(&courier, "t", &settings);
        assert_int_equal(courier.window, windows[i].messages);
        courier_close(&courier);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_broken_brokers), cmocka_unit_test(test_lowered),
        cmocka_unit_test(test_late),           cmocka_unit_test(test_slow_message),
        cmocka_unit_test(test_window),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
