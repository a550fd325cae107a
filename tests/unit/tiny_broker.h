/*
 * tiny_broker - for the unit tests: lets one client in, whoever it is, and says no more than it
 * must. Its thread asserts nothing: what it cannot do the client misses.
 */
#ifndef BENCH_TESTS_TINY_BROKER_H
#define BENCH_TESTS_TINY_BROKER_H

#include "workshop.h"

#include "transport/transport.h"

#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>

struct tiny_broker {
    int listener, port;
    _Atomic int fd; /* of its client */
    int granted;    /* the QoS of every subscription; messages come at QoS 0 all the same */
    int pause_ms;   /* after which who subscribes gets a message of telemetry; 0: none comes */
    /* What else who subscribes gets, before it is heard again; NULL: nothing. */
    void (*publish)(struct tiny_broker *broker, int fd);
    pthread_t thread;
};

static inline void tiny_broker_publish(int fd, int pause_ms) {
    static const char message[] = "\x30\x0d\0\1t0000000001";

    (void)poll(NULL, 0, pause_ms);
    (void)!send(fd, message, sizeof(message) - 1, MSG_NOSIGNAL);
}

/* Packets here are shorter than 128 bytes, and subscribe to one topic. */
static inline void *tiny_broker_serve(void *argument) {
    struct tiny_broker *broker = argument;
    unsigned char packet[130], connack[] = {0x20, 2, 0, 0}, suback[] = {0x90, 3, 0, 0, 0};
    int fd = accept(broker->listener, NULL, NULL);

    broker->fd = fd;
    while (recv(fd, packet, 2, MSG_WAITALL) == 2 && packet[1] < 128 &&
           recv(fd, packet + 2, packet[1], MSG_WAITALL) == packet[1]) {
        memcpy(suback + 2, packet + 2, 2);
        suback[4] = (unsigned char)broker->granted;
        if (packet[0] >> 4 == 1)
            (void)!send(fd, connack, sizeof(connack), MSG_NOSIGNAL);
        if (packet[0] >> 4 == 8)
            (void)!send(fd, suback, sizeof(suback), MSG_NOSIGNAL);
        if (packet[0] >> 4 == 8 && broker->pause_ms)
            tiny_broker_publish(fd, broker->pause_ms);
        if (packet[0] >> 4 == 8 && broker->publish)
            broker->publish(broker, fd);
    }
    return NULL;
}

/* One that is all zero but for what it publishes. */
static inline void tiny_broker_start(struct tiny_broker *broker) {
    const struct transport_options options = {.timeout_ns = 0};

    assert_int_equal(tcp_listen(&broker->listener, "127.0.0.1", &options, &broker->port, NULL), 0);
    assert_int_equal(pthread_create(&broker->thread, NULL, tiny_broker_serve, broker), 0);
}

static inline void tiny_broker_open(struct tiny_broker *broker, int granted, int pause_ms) {
    *broker = (struct tiny_broker){.granted = granted, .pause_ms = pause_ms};
    tiny_broker_start(broker);
}

/* A client that has failed may still be connected. */
static inline void tiny_broker_close(struct tiny_broker *broker) {
    (void)shutdown(broker->fd, SHUT_RDWR);
    (void)pthread_join(broker->thread, NULL);
    (void)close(broker->fd);
    (void)close(broker->listener);
}

#endif
