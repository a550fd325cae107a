/*
 * topic - what a user may name as a topic to publish to: any UTF-8 text with or without levels, as
 * MQTT (1.5.4, 4.7) and the broker let it pass.
 */
#ifndef BENCH_MODEL_TOPIC_H
#define BENCH_MODEL_TOPIC_H

#include "base/error.h"

#define TOPIC_MAX_BYTES 65535

/* The check of a setting (struct setting). */
int topic_check(const char *value, struct error *error);

#endif
