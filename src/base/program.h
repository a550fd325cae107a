/*
 * program - a program of the system (ip, tc, wg) and its words, run to its end; what it complains
 * of becomes the error.
 */
#ifndef BENCH_BASE_PROGRAM_H
#define BENCH_BASE_PROGRAM_H

#include "base/error.h"

/* Runs the line, whose words are separated by blanks and whose first is looked for as
 * process_find() does: 0, -ENOENT when there is no such program, -EIO with its first line of output
 * when it fails, -ETIMEDOUT when it takes longer than 6 s. */
int program_run(struct error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same with a text on its stdin (may be NULL; nothing of it is in a message) and all that it
 * says on stdout and stderr in *ret, which is the caller's. */
int program_ask(char **ret, const char *input, struct error *error, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#endif
