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
#include "security/mechanism.h"

#include <stdint.h>

struct broker_settings {
    int64_t port, max_inflight, connection_messages;
};
extern const struct setting_group broker_group;

struct broker;

/* Starts a broker for the channel of bringup (whose folder is filled in here) and returns when it
 * accepts connections on address, under this process's own congestion control where the kernel lets
 * it be imposed (transport/congestion.h). -EADDRINUSE when a fixed port is taken. */
int broker_start(struct broker **ret, struct bringup *bringup, const char *address,
                 const struct broker_settings *settings, struct error *error);
/* Kills and reaps it; the log is complete afterwards. */
void broker_end(struct broker *broker);
/* The same, and removes its folder and frees it. */
void broker_stop(struct broker *broker);
DEFINE_CLEANUP(struct broker *, broker_stop)

int64_t broker_port(const struct broker *broker);
int64_t broker_pid(const struct broker *broker);
const char *broker_version(const struct broker *broker); /* "2.0.11", or "" */
/* All that it has logged so far; "" when nothing. */
const char *broker_log(const struct broker *broker);

/* Who has come and is none of ours, by all of the log until now (guests.h); the caller's. NULL:
 * nobody. */
char *broker_uninvited(struct broker *broker);

/* Becomes readable when there is more log, or when the broker has ended. */
int broker_fd(const struct broker *broker);
/* Takes in what is there: 0, or -ECHILD with the reason when the broker has ended by itself. */
int broker_read_log(struct broker *broker, struct error *error);

/* CPU time since its start and its peak of resident memory. -ESRCH when it is gone. */
int broker_usage(const struct broker *broker, double *ret_cpu_s, int64_t *ret_peak_bytes);

#endif
