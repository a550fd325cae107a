/*
 * commands - what each command of the program does, once its command line is read. Together with
 * main.c the only code outside run/ that talks to the terminal.
 */
#ifndef BENCH_CLI_COMMANDS_H
#define BENCH_CLI_COMMANDS_H

#include "model/scenario.h"
#include "run/run.h"

#include <argp.h>

enum {
    EXIT_OK = 0,
    EXIT_TRIALS = 1,
    EXIT_USAGE = 2,
    EXIT_SETUP = 3,
    EXIT_SLOWER = 4, /* of gate alone, as the next */
    EXIT_UNDECIDED = 5,
    EXIT_INTERRUPTED = 130
};

#define MAX_OVERRIDES 256
#define MAX_WORDS     64
#define MAX_ESTIMATE  8

/* What the command line says; the texts are argv's, but for one. */
struct arguments {
    const struct command *command;
    const char *words[MAX_WORDS];
    size_t n_words;
    struct scenario_override overrides[MAX_OVERRIDES];
    size_t n_overrides;
    char *publishers; /* of --publisher-host given more than once, else NULL; owned */
    const char *output, *certs;
    const char *resume; /* the folder of the run to go on with; NULL: a new one */
    enum verbosity verbosity;
    bool legend, redact; /* of a report */
    bool json;           /* of report and gate: one document on stdout */
    bool fresh;          /* of speed: whatever is kept */
    /* Of estimate: a value for each row of its settings, as it was written; NULL: not given. */
    const char *estimate[MAX_ESTIMATE];

    /* Of gate. */
    const char *against[MAX_WORDS], *metrics[MAX_WORDS];
    size_t n_against, n_metrics;
    const char *margin; /* NULL: the usual one */
    bool ratios_only;
};

/* What all commands share. */
struct context {
    struct arguments arguments;
    struct registry registry;
    const struct setting_group **groups; /* of the registry; owned */
    char *root, *scenarios, *certs, *results, *scripts;
    /* All options, behind them one of zeros, as argp has them; and whether a command takes one. */
    const struct argp_option *options;
    bool (*takes)(const struct command *command, const struct argp_option *option);
    char *shared_scenarios; /* that came with an installed program; NULL in a clone */
};

struct command {
    const char *name, *words, *help;
    size_t max_words;
    bool runs;    /* takes the options of a run */
    bool resumes; /* can go on with an interrupted one */
    bool reports; /* takes the options of a report */
    int (*run)(struct context *context);
    const char *examples; /* of its help, a line each, that a test executes; NULL: none */
};

extern const struct command commands[];
extern const size_t n_commands;

/* Tells the error on stderr and returns the exit status given. */
int complain(int status, const struct error *error);

#endif
