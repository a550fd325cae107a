/*
 * parts - what the files of the commands share. Included by cli/ alone.
 */
#ifndef BENCH_CLI_PARTS_H
#define BENCH_CLI_PARTS_H

#include "cli/commands.h"

/* The scenario that the command line names, or the usual one, of which nothing is refused; EXIT_OK,
 * or it has complained. */
int cli_load(struct context *context, struct scenario **ret);

/* A word that a shell takes as it is; the caller's. */
char *cli_quote(const char *word);

/* A path as the user would write it: without the current folder in front; a part of path. */
const char *cli_shorten(const char *path);

/* What the command line must repeat of a run's scenario, as " --set PATH=VALUE ..." in a shell's
 * words: all that it has executed and read, or what of that is refused; the caller's. */
char *cli_repeat(const struct scenario *scenario, bool refused_only);

/* EXIT_OK when nothing of the scenario is refused, but what scenarios/hosts.ini has; otherwise it
 * has complained. */
int cli_obey_refusals(const struct context *context, struct scenario *scenario);

/* Has scripts/report analyse and show these runs (folders or archives): it takes the place of this
 * process, and ends with `status` where that is not EXIT_OK. Returns only when it cannot start. */
int cli_report(const struct context *context, const char *const *runs, size_t n_runs, int status);

/* What the files of a run say is wrong is the user's matter; else they cannot be read or written.
 * Returns the exit status. */
int cli_complain_of_files(int r, const struct error *error);

/* The exit statuses, in words. */
extern const char cli_exit_statuses[];

/* complete: completion.c; manual: manual.c; all, run: measuring.c; report, analyse: reporting.c;
 * estimate: estimating.c; gate: gating.c. */
int command_all(struct context *context);
int command_complete(struct context *context);
int command_estimate(struct context *context);
int command_manual(struct context *context);
int command_run(struct context *context);
int command_gate(struct context *context);
int command_report(struct context *context);
int command_analyse(struct context *context);

#endif
