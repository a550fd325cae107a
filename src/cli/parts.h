/*
 * parts - what the files of the commands share. Included by cli/ alone.
 */
#ifndef BENCH_CLI_PARTS_H
#define BENCH_CLI_PARTS_H

#include "cli/commands.h"

/* The scenario that the command line names, or the usual one; EXIT_OK, or it has complained. */
int cli_load(struct context *context, struct scenario **ret);

/* Has scripts/report analyse and show these runs (folders or archives): it takes the place of this
 * process, and ends with `status` where that is not EXIT_OK. Returns only when it cannot start. */
int cli_report(const struct context *context, const char *const *runs, size_t n_runs, int status);

/* all, run: measuring.c; report, analyse: reporting.c. */
int command_all(struct context *context);
int command_run(struct context *context);
int command_report(struct context *context);
int command_analyse(struct context *context);

#endif
