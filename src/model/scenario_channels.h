/*
 * scenario_channels - the channels of a scenario: each from the one it inherits, from nothing when
 * it says what it uses, else from its file, which may inherit as well; then come its own keys in
 * the order in which they were given.
 */
#ifndef BENCH_MODEL_SCENARIO_CHANNELS_H
#define BENCH_MODEL_SCENARIO_CHANNELS_H

#include "model/scenario_loader.h"

/* Whether the path is "channel.NAME.something": that waits for its channel's turn. */
bool is_of_channel(const char *path);

/* Builds the channels that the scenario names, and checks those that it only defines. */
int build_channels(struct loader *loader);

/* Puts the place where a key of a channel of the scenario was set in front of the message; returns
 * code. */
int blame_channel_key(struct loader *loader, const char *channel, const char *key, int code);

#endif
