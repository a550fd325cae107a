/*
 * mosquitto - the broker under test: a Mosquitto child with a configuration generated for one
 * channel, in a private folder, listening on one address only.
 *
 * It dies with the thread that started it. Its log is kept here, bounded, until it is stopped.
 */
#ifndef BENCH_BROKER_MOSQUITTO_H
#define BENCH_BROKER_MOSQUITTO_H

#include "base/error.h"
#include "base/memory.h"
#include "broker/broker.h"

#include <stdint.h>

struct broker_settings {
    int64_t port, max_inflight, connection_messages;
};
extern const struct setting_group broker_group;

extern const struct broker_kind broker_mosquitto;

/* Starts a broker for the channel of bringup (whose folder is filled in here) and returns when it
 * accepts connections on address, under this process's own congestion control where the kernel lets
 * it be imposed (transport/congestion.h). -EADDRINUSE when a fixed port is taken. */
int broker_start(struct broker **ret, struct bringup *bringup, const char *address,
                 const struct broker_settings *settings, struct error *error);
/* Kills it as a power cut would, and starts it again at once, on the same port with the files that
 * it had: it has forgotten its clients, and its tickets are of no use. When it was killed, and when
 * it listened again (clock_monotonic_ns()); the log goes on, and of a long one the newer half is
 * left out. After a failure no broker runs. */
int broker_restart(struct broker *broker, int64_t *ret_down_ns, int64_t *ret_up_ns,
                   struct error *error);
/* Kills and reaps it; the log is complete afterwards. */
void broker_end(struct broker *broker);
/* The same, and removes its folder and frees it. */
void broker_stop(struct broker *broker);
DEFINE_CLEANUP(struct broker *, broker_stop)

pid_t broker_pid(const struct broker *broker);
int64_t broker_port(const struct broker *broker);
/* All that it has logged so far; "" when nothing. */
const char *broker_log(const struct broker *broker);

/* Becomes readable when there is more log, or when the broker has ended. */
int broker_fd(const struct broker *broker);
/* Takes in what is there: 0, or -ECHILD with the reason when the broker has ended by itself. */
int broker_read_log(struct broker *broker, struct error *error);

#endif
