/* The manual page, in the macros of man(7), from the tables that the help is made of: of the
 * program as it is installed. */
#include "cli/options.h"
#include "cli/parts.h"

#include "base/place.h"
#include "run/list.h"

#include <string.h>

/* Text that roff takes as it is. */
static void print_text(const char *text) {
    for (const char *c = text; *c; c++)
        switch (*c) {
        case '\\':
            fputs("\\e", stdout);
            break;
        case '-':
            fputs("\\-", stdout);
            break;
        case '\'':
            fputs("\\(aq", stdout);
            break;
        case '.':
            fputs(c == text ? "\\&." : ".", stdout);
            break;
        default:
            fputc(*c, stdout);
        }
}

static void print_term(const char *term, const char *words) {
    printf(".TP\n.B ");
    print_text(term);
    printf("\n");
    print_text(words);
    printf("\n");
}

static void print_commands(void) {
    printf(".SH COMMANDS\n");
    for (size_t i = 0; i < n_commands; i++) {
        CLEANUP_FREE char *call = text_format("%s %s", commands[i].name, commands[i].words);

        if (command_is_offered(&commands[i], true))
            print_term(call, commands[i].help);
    }
}

/* Of those commands that have some, as their help has them. */
static void print_examples(void) {
    printf(".SH EXAMPLES\n.nf\n");
    for (size_t i = 0; i < n_commands; i++) {
        const char *cursor = commands[i].help ? commands[i].examples : NULL;

        for (char *line; cursor && (line = text_next_line(&cursor)); free(line)) {
            print_text(PLACE_NAME " ");
            print_text(line);
            printf("\n");
        }
    }
    printf(".fi\n");
}

static void print_option(const struct command_option *option) {
    const char *assigned = option->argument ? "=" : "";
    const char *argument = option->argument ? option->argument : "";
    CLEANUP_FREE char *letter =
        option->letter ? text_format("-%c, ", option->letter) : text_copy("");
    CLEANUP_FREE char *term = text_format("%s%s%s%s", letter, option->name, assigned, argument);
    CLEANUP_FREE char *help = option_help(option, true), *takers = option_commands(option);
    CLEANUP_FREE char *typed = cli_typed(help, PLACE_NAME);
    CLEANUP_FREE char *words =
        option->commands ? text_format("%s: %s", takers, typed) : text_copy(typed);

    print_term(term, words);
}

static void print_options(const struct context *context) {
    printf(".SH OPTIONS\nIn front of the colon are the commands that take it.\n");
    for (size_t i = 0; i < context->n_options; i++)
        print_option(&context->options[i]);
    print_term("--version", "in place of a command: show the version");
}

static void print_setting(const struct setting_group *group, const struct setting *row) {
    CLEANUP_FREE char *path = setting_path(group, row), *what = setting_describe(row);
    CLEANUP_FREE char *words = text_format("%s: %s; default %s", row->help, what,
                                           *row->fallback ? row->fallback : "empty");

    print_term(path, words);
}

static void print_settings(const struct registry *registry) {
    const char *path, *help;

    printf(".SH SETTINGS\nOf scenario files and of \\-\\-set.\n");
    for (size_t i = 0; i < registry->n_groups; i++)
        for (size_t k = 0; k < registry->groups[i]->n_rows; k++)
            print_setting(registry->groups[i], &registry->groups[i]->rows[k]);
    for (size_t i = 0; (path = list_other_setting(i, &help)); i++)
        print_term(path, help);
}

static const struct {
    const char *name, *words;
} files[] =
    {
        {"results/, plots/",
         "The runs and their figures: in the current folder; in a clone, there."},
        {"scenarios/",
         "Scenarios and channels (channels/) of your own, and hosts.ini: in the current "
         "folder. They come before those that were installed."},
        {"$XDG_DATA_HOME/mqtt-security-bench/certs (~/.local/share/mqtt-security-bench/certs)",
         "The PKI of your runs; in a clone, certs/ there."},
        {"$XDG_CACHE_HOME/mqtt-security-bench (~/.cache/mqtt-security-bench)",
         "What the processor does, as speed has measured it."},
},
  variables[] = {
      {"BENCH_CA_PASSPHRASE", "The passphrase of the CA's private key."},
      {"NO_COLOR", "When it is set and not empty: no colours."},
};

#define PRINT_TERMS(title, rows)                                                                   \
    do {                                                                                           \
        printf(".SH " title "\n");                                                                 \
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++)                                              \
            print_term((rows)[i].name, (rows)[i].words);                                           \
    } while (0)

int command_manual(struct context *context) {
    printf(".TH MQTT\\-SECURITY\\-BENCH 1 \"\" \"mqtt\\-security\\-bench " BENCH_VERSION "\" "
           "\"User Commands\"\n"
           ".SH NAME\nmqtt\\-security\\-bench, bench \\- benchmark of MQTT\\(aqs security "
           "mechanisms\n"
           ".SH SYNOPSIS\n.B mqtt\\-security\\-bench\n.I COMMAND\n[\\fIOPTION\\fR...]\n"
           ".SH DESCRIPTION\n"
           "Measures what each security mechanism of MQTT costs on a real Mosquitto broker, and "
           "proves\nfor every connection that its security was in force. In a clone of the "
           "sources it is called\n.BR ./bench .\n");
    print_commands();
    print_options(context);
    printf(".SH EXIT STATUS\n");
    print_text(cli_exit_statuses);
    printf("\n");
    print_examples();
    PRINT_TERMS("FILES", files);
    PRINT_TERMS("ENVIRONMENT", variables);
    print_settings(&context->registry);
    printf(".SH SEE ALSO\n.BR mosquitto (8)\n.PP\nThe pages in\n.I ");
    print_text(place_documents());
    printf("\n");
    return EXIT_OK;
}
