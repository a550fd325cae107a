/*
 * facts - what this host is: for environment.json and `bench doctor`. What cannot be read is
 * absent, never invented.
 */
#ifndef BENCH_HOSTS_FACTS_H
#define BENCH_HOSTS_FACTS_H

#include <jansson.h>
#include <stddef.h>

/* {"host", "model", "processor", ..., "versions": {...}, "programs": {NAME: path or null},
 * "mechanisms": {NAME: "possible: how" or "not possible: why"} (those that need something of the
 * host), "readings": as readings_collect(), "network": as network_collect()}. scripts: as
 * facts_programs_open() has it; address: where the data goes, "" when that is not known; peer: see
 * network.h. The caller's. */
json_t *facts_collect(const char *scripts, const char *address, const char *peer);

/* Some of these facts, by their names, separated by blanks. The caller's. */
json_t *facts_pick(const char *names);

/* What a host is known by, for client identifiers: {"mac": "b8:27:eb:01:02:03", "serial":
 * "10000000abcdef01"}, the MAC address of the interface that leads to `address`; where that has
 * none (lo), of the first that has one. What cannot be read is absent. The caller's. */
json_t *facts_identity(const char *address);

/* Of which sources the program is: what git says of the clone at root, with "-dirty" behind it when
 * they were changed, else what `bench deploy` wrote down there. NULL when neither is there (root
 * may be NULL); the caller's. */
char *facts_commit(const char *root);

/* Who cannot do without a program. */
enum facts_need {
    NEED_NOBODY,
    NEED_EVERY_HOST,
    NEED_BROKER_HOST,
    NEED_DRIVER,
};

/* A program that is looked for, and what it is for. */
struct facts_program {
    const char *name, *package, *purpose;
    enum facts_need need;
    const char *model;   /* how the model of the only machines begins that have it; NULL: all */
    const char *version; /* the option that makes it tell its version; NULL: it is not asked */
};

/* All of them; owns the rows. */
struct facts_programs {
    struct facts_program *rows;
    size_t n;
    char *text; /* what rows of scripts point into */
};

/* Those that this program executes, then those that the file `programs` in the folder `scripts`
 * names (none when it cannot be read). */
void facts_programs_open(struct facts_programs *ret, const char *scripts);
void facts_programs_close(struct facts_programs *programs);

#endif
