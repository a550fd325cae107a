/*
 * parts - what the files of the commands share. Included by cli/ alone.
 */
#ifndef BENCH_CLI_PARTS_H
#define BENCH_CLI_PARTS_H

#include "cli/commands.h"

/* The scenario that the command line names, or the usual one; EXIT_OK, or it has complained. */
int cli_load(struct context *context, struct scenario **ret);

/* A path as the user would write it: without the current folder in front; a part of path. */
const char *cli_shorten(const char *path);

/* Tables and figures of one run. */
int cli_report(const struct context *context, const char *run);

/* all, run: measuring.c; report: reporting.c. */
int command_all(struct context *context);
int command_run(struct context *context);
int command_report(struct context *context);

#endif
