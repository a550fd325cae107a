/*
 * options - the options of all commands: one table, which the command line is read by, and which
 * help, completion, manual and the words of a refusal are made of.
 */
#ifndef BENCH_CLI_OPTIONS_H
#define BENCH_CLI_OPTIONS_H

#include "cli/commands.h"

struct command_option {
    char name[20];        /* "--set" */
    char letter;          /* of its short form, or '\0' */
    const char *argument; /* how its value is called; NULL: it takes none */
    const char *commands; /* that take it, separated by blanks; NULL: all */
    const char *help;
    /* Adds it to the arguments; NULL: it asks for the help. The value is argv's. */
    int (*take)(struct arguments *arguments, const struct command_option *option, char *value,
                struct error *error);
    const char *fallback;  /* the default; NULL: none that need be told */
    const char *installed; /* that of an installed program, where it is another; or NULL */
    const char *path;      /* of the setting that it is short for; or NULL */
    bool required;
    size_t field; /* of the arguments, that it sets */
};

/* All of them; the caller's. */
struct command_option *options_new(size_t *ret_n);

bool option_goes_with(const struct command_option *option, const struct command *command);
/* The commands that take it, of those that have a help: "all, run and check"; the
 * caller's. */
char *option_commands(const struct command_option *option);
/* What is said of it, with its default; of an installed program or of a clone. The caller's. */
char *option_help(const struct command_option *option, bool installed);

/* Reads the words behind the command's name, which stay in argv, into context->arguments.
 * *ret_asks_help: --help stands among them, and behind it nothing was read. */
int options_read(struct context *context, char **argv, bool *ret_asks_help, struct error *error);

/* The help of a command, on stdout. */
void options_print_help(const struct context *context, const struct command *command);

#endif
