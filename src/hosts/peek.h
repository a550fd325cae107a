/*
 * peek - what a file or a program of this host tells, or nothing at all: what cannot be read is
 * absent, never an error and never invented. Texts that are handed out are the caller's.
 */
#ifndef BENCH_HOSTS_PEEK_H
#define BENCH_HOSTS_PEEK_H

#include <stdbool.h>
#include <stdint.h>

/* The first line of a file, or what of it a zero byte leaves (a device tree's); NULL when it cannot
 * be read or is empty. */
char *peek_line(const char *path);
/* The value of the first line "key<blanks><separator> value"; quotes around it are taken off. */
char *peek_key(const char *path, const char *key, char separator);
/* The number at the beginning of a file. */
bool peek_number(const char *path, double *ret);

/* The time that the programs have which are asked for one answer of an agent. */
struct peek {
    int64_t deadline_ns; /* of all of them */
    char hung[256];      /* those that did not end in time, separated by blanks */
};

/* From now on: 8 s for all. */
struct peek peek_begin(void);

/* What a program (argv[0], found wherever process_find() looks) says on stdout and stderr. Returns
 * its exit status, or a negative errno when it cannot be executed, or does not end within 3 s: it
 * is killed then, and -ETIMEDOUT whenever it is asked again for the same answer. */
int peek_program(struct peek *peek, char **ret, const char *const *argv);

#endif
