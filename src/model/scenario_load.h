/*
 * scenario_load - what the files that read a scenario share (scenario_load.c, scenario_variants.c,
 * scenario_references.c): all its sources as one list of assignments, each knowing its place for
 * messages. Included by these alone.
 */
#ifndef BENCH_MODEL_SCENARIO_LOAD_H
#define BENCH_MODEL_SCENARIO_LOAD_H

#include "model/scenario.h"

struct assignment {
    char *place; /* "file:line: [section] key", "--set PATH", "--channels" */
    char *path, *value;
    bool of_run; /* from a scenario that may be somebody else's */
};

struct assignments {
    struct assignment *list; /* owned, texts and all */
    size_t count;
};

struct loader {
    const struct registry *registry;
    const char *folder; /* scenarios/; NULL: the scenario's file stands alone */
    char *beside;       /* the scenario file's own folder */
    bool of_run;        /* the scenario file is a run's */
    struct assignments given;
    struct assignments origins; /* what made the channel that is being built, in order */
    struct scenario *scenario;
    struct error *error; /* never NULL */
};

/* The last one with this path, or NULL. */
const struct assignment *assignments_find(const struct assignments *assignments, const char *path);

/* Whether it was given on the command line, which overrides what files say. */
bool is_of_command_line(const struct assignment *assignment);

/* Whether the command line's list of channels or of probes ("scenario.channels") leaves out a name
 * that the file's has: what the file says of it, as in this assignment, is of no account then. */
bool is_left_out(const struct loader *loader, const struct assignment *said, const char *path,
                 const char *name);

/* A setting of a mechanism that the channel does not use would silently mean nothing: refuses it,
 * with its place in front. */
int check_in_use(struct loader *loader, const struct channel *channel, const char *place,
                 const char *key);

/* A channel's name: letters, digits, '-' and '_'. Returns 0 or -EINVAL. */
int check_name(const char *name, struct error *error);

/* "PLACE: unknown probe; known are ...": of a path that begins with it, or is it. */
int unknown_probe(struct loader *loader, const char *place, const char *path);

/* [reference]: takes where the published values stand, or one of them. */
int take_reference(struct loader *loader, const struct assignment *assignment);

/* Once channels and probes are there: reads the varied settings ([vary]: PATH = VALUE VALUE ...),
 * puts the variants of each channel, one for each combination, in its place, and makes the
 * measurements of each probe. */
int build_variants(struct loader *loader);

#endif
