/*
 * list - what there is to choose from, and what a scenario would do: printed from the tables in the
 * code, for `bench list` and `bench check`; and which certificates there are.
 */
#ifndef BENCH_RUN_LIST_H
#define BENCH_RUN_LIST_H

#include "model/scenario.h"

/* Prints all of one kind; or (NULL) of each the names, with a line at most. part: of the settings
 * and metrics those alone whose path is that or begins with it, "": all. folder: scenarios/.
 * -EINVAL for an unknown kind or part. */
int list_print(const char *kind, const char *part, const struct registry *registry,
               const char *folder, struct error *error);

/* The kinds, one after the other; NULL behind the last. */
const char *list_kind(size_t i);

/* The settings that are no row of a table, one after the other, as --set calls them, and what each
 * is; NULL behind the last. */
const char *list_other_setting(size_t i, const char **ret_help);

/* Prints a scenario's channels, probes and plan, and how long it will take. */
void list_plan(const struct scenario *scenario);

/* Prints the certificates of every store below the folder. */
int list_certificates(const char *certs, struct error *error);

#endif
