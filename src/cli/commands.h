/*
 * commands - what each command of the program does, once its command line is read. Together with
 * main.c the only code outside run/ that talks to the terminal.
 */
#ifndef BENCH_CLI_COMMANDS_H
#define BENCH_CLI_COMMANDS_H

#include "model/scenario.h"
#include "run/run.h"

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
/* Of an estimate's settings the first ones must be given: one of no fleet in particular would be of
 * no use. */
#define ESTIMATE_ASKED 2

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
    struct command_option *options; /* cli/options.h; owned */
    size_t n_options;
    char *shared_scenarios; /* that came with an installed program; NULL in a clone */
};

struct command {
    const char *name, *words, *help;
    size_t max_words;
    int (*run)(struct context *context); /* NULL: the launcher does it */
    const char *examples; /* of its help, a line each, that a test executes; NULL: none */
};

extern const struct command commands[];
extern const size_t n_commands;

/* Whether it can be called here: there are no tests where the program is installed. */
bool command_is_offered(const struct command *command, bool installed);

/* Texts in this program call it `bench`: the same as the user types it. The caller's. */
char *cli_typed(const char *text, const char *call);

/* Tells the error on stderr, as cli_typed() has it, and returns the exit status given. */
int complain(int status, const struct error *error);

#endif
