/*
 * client_group - many MQTT clients of one process, in one thread and under one epoll. Each is
 * libmosquitto's, of which only the functions for sockets are used, and has a client_config of its
 * own: its identity, password or token, certificate, shared key, sealed payloads.
 *
 * Clients are numbered from 0. The group belongs to one thread, and does all its work in
 * client_group_run(), which alone calls back. Callbacks may call the group, but for
 * client_group_run(), _drop(), _leave() and _free(). Times are CLOCK_MONOTONIC, in ns.
 *
 * A client takes one descriptor. Clients whose configs differ in nothing but who they are share a
 * TLS context. What a client shows is read from its files while the group is opened, never when it
 * connects. A client that comes back begins a new session of MQTT, and of TLS as well unless its
 * config has tls.tickets: then it offers the ticket of its connection before.
 *
 * Why a client was refused or lost is said as in transport/attempt.h: "connack 5 ...", "alert 48
 * unknown CA", "verify 20 ...", "tcp 111 Connection refused", "closed"; and "disconnect 142 ..."
 * when the broker has said why it ends a connection (MQTT 5), "no CONNACK within 12 s", "no answer
 * to a ping".
 */
#ifndef BENCH_MQTT_CLIENT_GROUP_H
#define BENCH_MQTT_CLIENT_GROUP_H

#include "base/error.h"
#include "base/memory.h"
#include "model/client_config.h"
#include "model/trial.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct client_group;

enum client_state {
    CLIENT_IDLE,
    CLIENT_WAITING, /* for its turn, or until it tries again */
    CLIENT_CONNECTING,
    CLIENT_UP,
    CLIENT_FAILED, /* was refused or lost, and does not try again */
};

struct client_group_options {
    size_t n;
    int64_t connect_rate; /* connections begun a second, by an absolute schedule; 0: at once */
    size_t at_once;       /* so many may be under way (TCP to CONNACK); 0: CLIENT_GROUP_AT_ONCE */
    int64_t retry_ns;     /* who was refused or lost tries again after so long; 0: never */
    int64_t answer_ns;    /* a connection that takes longer has failed; 0: the config's */
    int keepalive_s;      /* 5 to 65535, as libmosquitto has it; 0: none */
    const char *const *addresses; /* local ones, taken in turn; none: the kernel chooses */
    size_t n_addresses;
    /* Called for each client in turn while the group is opened; *ret becomes the group's. */
    int (*config)(void *context, size_t client, struct client_config **ret, struct error *error);
    /* What follows may be NULL. */
    void (*up)(void *context, size_t client, int64_t at_ns);
    void (*down)(void *context, size_t client, const char *reason); /* refused or lost */
    void (*message)(void *context, size_t client, const char *topic, const void *payload,
                    size_t length);
    /* A publication of QoS 0 was sent, or one of QoS 1 or 2 was answered. Also called inside
     * client_group_publish(). */
    void (*completed)(void *context, size_t client);
    /* The SUBACK: the QoS that is granted, or from 128 on: refused. */
    void (*subscribed)(void *context, size_t client, int granted);
    void *context;
};

/* Mosquitto's listening socket queues 100. */
#define CLIENT_GROUP_AT_ONCE 64

/* Makes the clients, which are idle then. The options' texts are copied. -EMFILE when this process
 * may not have so many descriptors; the soft limit is raised as far as it takes. Meanwhile other
 * threads can open no descriptor and poll() none: better there are none. */
int client_group_open(struct client_group **ret, const struct client_group_options *options,
                      struct error *error);
/* Leaves with DISCONNECT, where connected. */
void client_group_free(struct client_group *group);
DEFINE_CLEANUP(struct client_group *, client_group_free)

/* ---- connecting ---- */

/* These clients, where they are idle or have failed, connect when it is their turn. */
void client_group_connect(struct client_group *group, size_t first, size_t count);
/* Cuts all connections as a cut link does: by a TCP reset, without a word of MQTT or TLS. Nobody is
 * called back, all are idle. */
void client_group_drop(struct client_group *group);
/* Sends all away with DISCONNECT; all are idle. */
void client_group_leave(struct client_group *group);

/* Does what there is to do until then, or until wake_fd is readable (-1: there is none; a
 * descriptor stays the same one from call to call), or client_group_stop() was called. Once at
 * least what is there already is taken in, also when until_ns has passed. A client that is refused
 * or lost is no error. */
int client_group_run(struct client_group *group, int64_t until_ns, int wake_fd,
                     struct error *error);
/* From a callback: client_group_run() returns soon. */
void client_group_stop(struct client_group *group);

/* ---- messages ---- */

/* Both need the client up, else -ENOTCONN; a connection that breaks meanwhile is -ECONNRESET, and
 * `down` is called in the next run. Nothing of ours is allocated. -EPROTO: the broker takes a lower
 * QoS at most. What the kernel, or the broker's limit, does not take yet is queued without limit:
 * `completed` tells the caller how much that is. */
int client_group_subscribe(struct client_group *group, size_t client, const char *filter, int qos,
                           struct error *error);
int client_group_publish(struct client_group *group, size_t client, const char *topic,
                         const void *payload, size_t length, int qos, struct error *error);
/* Whether something that was published waits for the kernel to take it. */
bool client_group_is_blocked(const struct client_group *group, size_t client);

/* ---- what is known of them ---- */

struct client_group_counts {
    int64_t up, connecting, waiting, failed; /* now */
    int64_t attempts;                        /* connections begun */
    int64_t accepted;                        /* of them: came up */
    int64_t refused;                         /* of them: ended before they came up */
    int64_t lost;                            /* ended after that, but by us */
    int64_t resumed;   /* accepted in a TLS session of an earlier connection */
    int64_t other_tls; /* accepted with another version, cipher or group than the first */
    int64_t rejected;  /* messages that could not be opened (security/payload.h) */
};
void client_group_count(const struct client_group *group, struct client_group_counts *ret);

enum client_state client_group_state(const struct client_group *group, size_t client);
/* When its last CONNACK came; 0: none has. */
int64_t client_group_up_ns(const struct client_group *group, size_t client);
/* {"reason": count} of those refused and lost; the caller's. */
json_t *client_group_reasons(const struct client_group *group);

/* What TCP has carried in all connections so far, as the kernel counts it (TCP_INFO): bytes without
 * those sent again, and segments, from which headers may be reckoned. Connections that have ended
 * are counted up to their end, but for what the library itself closes for a broken packet. */
struct client_group_wire {
    int64_t sent_bytes, received_bytes, sent_segments, received_segments;
};
void client_group_wire(const struct client_group *group, struct client_group_wire *ret);

/* What the first one that came up has negotiated; all empty without TLS. */
const struct tls_session *client_group_session(const struct client_group *group);

#endif
