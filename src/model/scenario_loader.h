/*
 * scenario_loader - what those who read a scenario share (scenario_load.c, scenario_channels.c,
 * scenario_variants.c): all its sources as one list of assignments, each knowing its place for
 * messages. Included by these alone.
 */
#ifndef BENCH_MODEL_SCENARIO_LOADER_H
#define BENCH_MODEL_SCENARIO_LOADER_H

#include "base/inifile.h"
#include "model/scenario.h"

struct assignment {
    char *place; /* "file:line: [section] key", "--set PATH", "--channels" */
    char *path, *value;
};

struct assignments {
    struct assignment *list; /* owned, texts and all */
    size_t count;
};

struct loader {
    const struct registry *registry;
    const char *folder; /* scenarios/; NULL: the scenario's file stands alone */
    char *beside;       /* the scenario file's own folder */
    struct assignments given;
    struct assignments origins; /* what made the channel that is being built, in order */
    struct scenario *scenario;
    struct error *error;
};

/* Takes place and path, copies value. */
void assignments_add(struct assignments *assignments, char *place, char *path, const char *value);
void assignments_clear(struct assignments *assignments);

/* The last one with this path, or NULL. */
const struct assignment *assignments_find(const struct assignments *assignments, const char *path);

/* "a, b, c": the names of the *.ini files of a folder, hosts.ini left out. */
char *ini_names(const char *folder);

/* Whether the command line's list of channels or of probes ("scenario.channels") leaves out a name
 * that the file's has: what the file says of it, as in this assignment, is of no account then. */
bool is_left_out(const struct loader *loader, const struct assignment *said, const char *path,
                 const char *name);

/* Letters, digits, '-' and '_': returns 0 or -EINVAL. */
int check_name(const char *name, struct error *error);

/* Puts the place where a key of the whole scenario was set in front of the message; returns code.
 */
int blame_setting(struct loader *loader, const char *path, int code);

/* "file:line: [section] key"; the caller's. */
char *place_of_entry(const struct inifile *file, const struct inifile_entry *entry);

/* "PLACE: unknown probe; known are ..." */
int unknown_probe(struct loader *loader, const char *place);

#endif
