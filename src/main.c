/*
 * bench - the program behind the launcher: reads the command line and calls the command.
 */
#include "base/place.h"
#include "base/suggestion.h"
#include "base/terminal.h"
#include "broker/broker.h"
#include "broker/mosquitto.h"
#include "cli/options.h"
#include "hosts/facts.h"
#include "hosts/kind.h"
#include "hosts/lab.h"
#include "model/fleet.h"
#include "probes/probe.h"
#include "probes/telemetry.h"
#include "security/mechanism.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- tables and places ---- */

static void add_group(struct context *context, const struct setting_group *group) {
    context->groups =
        memory_room(context->groups, context->registry.n_groups, sizeof(*context->groups));
    context->groups[context->registry.n_groups++] = group;
    context->registry.groups = context->groups;
}

static void fill_registry(struct context *context) {
    context->registry = (struct registry){.settle_channel = broker_settle_channel,
                                          .check_channel = broker_check_channel,
                                          .check_host = host_kind_check,
                                          .begins_host = host_kind_begins,
                                          .metrics = probe_metrics};
    add_group(context, &scenario_group);
    add_group(context, &hosts_group);
    add_group(context, &lab_group);
    add_group(context, &broker_group);
    add_group(context, &certificates_group);
    add_group(context, &fleet_group);
    add_group(context, &telemetry_group);
    for (size_t i = 0; i < n_probes; i++)
        add_group(context, probes[i]->group);
    add_group(context, &channel_group);
    for (size_t i = 0; i < n_mechanisms; i++)
        add_group(context, mechanisms[i]->group);
    for (size_t i = 0; i < n_broker_kinds; i++)
        if (broker_kinds[i]->group)
            add_group(context, broker_kinds[i]->group);
}

/* Whether nobody else has put what is in this folder there, nor an archive of a run. */
static bool is_users_own(const char *scenarios) {
    CLEANUP_FREE char *trials = text_format("%s/../trials.csv", scenarios);
    struct stat status;

    if (stat(scenarios, &status) < 0)
        return true;
    return (status.st_uid == geteuid() || status.st_uid == 0) && access(trials, F_OK) < 0;
}

/* The scenarios that came with an installed program are behind those of the current folder. */
static void find_scenarios(struct context *context) {
    char *shared = text_format("%s/scenarios", context->root);

    if (!place_is_installed()) {
        context->scenarios = shared;
        return;
    }
    context->shared_scenarios = shared;
    context->registry.shared_scenarios = shared;
    context->scenarios = text_copy("scenarios");
    if (is_users_own(context->scenarios))
        return;
    if (context->arguments.command->help)
        fprintf(stderr, "bench: scenarios/ is left out: it is another user's, or a run's\n");
    free(context->scenarios);
    context->scenarios = text_copy(shared);
}

/* The folders, of a clone or of an installed program. */
static int find_folders(struct context *context, struct error *error) {
    const struct arguments *arguments = &context->arguments;
    CLEANUP_FREE char *home = place_home();

    if (!home)
        return error_errno(error, -errno, "the current folder");
    context->root = place_root();
    context->certs = arguments->certs ? text_copy(arguments->certs) : place_certs();
    context->results =
        arguments->output ? text_copy(arguments->output) : text_format("%s/results", home);
    context->scripts = text_format("%s/scripts", context->root);
    find_scenarios(context);
    if (context->shared_scenarios || access(context->scenarios, F_OK) == 0)
        return 0;
    return error_set(error, -ENOENT, "%s: no such folder; start through ./bench",
                     context->scenarios);
}

/* ---- the command line ---- */

const char cli_exit_statuses[] =
    "0 all well; 1 a trial failed or is void; 2 usage or scenario error;\n"
    "3 the set-up cannot work; 130 interrupted; go on with --resume RUN.\n"
    "Of gate also: 4 slower; 5 undecided.";

#define CALL_WIDTH 31

/* A line of the help, wrapped beside what it is about. */
static void print_term(FILE *out, const char *term, const char *words) {
    CLEANUP_FREE char *line = text_format("  %-*s%s", CALL_WIDTH, term, words);
    CLEANUP_FREE char *wrapped = terminal_wrap(line, 79, CALL_WIDTH + 2);

    fprintf(out, "%s\n", wrapped);
}

static void print_help(FILE *out) {
    fprintf(out, "usage: %s COMMAND [OPTION...]\n\n", place_call());
    for (size_t i = 0; i < n_commands; i++) {
        CLEANUP_FREE char *call = text_format("%s %s", commands[i].name, commands[i].words);

        if (command_is_offered(&commands[i], place_is_installed()))
            print_term(out, call, commands[i].help);
    }
    print_term(out, "--help", "show this help");
    print_term(out, "--version", "show the version");
    fprintf(out, "\n`%s COMMAND --help` shows a command's options.\n", place_call());
    fprintf(out, "Exit status: %s\n", cli_exit_statuses);
}

static int refuse_command(const char *name, struct error *error) {
    CLEANUP_FREE char *known = text_copy("--help --version"), *meant = NULL;

    for (size_t i = 0; i < n_commands; i++) {
        if (!command_is_offered(&commands[i], place_is_installed()))
            continue;
        if (text_equal(commands[i].name, name))
            return error_set(error, -EINVAL, "the launcher does that: `bench %s`", name);
        text_append(&known, " ", commands[i].name);
    }
    meant = suggestion(name, known);
    return error_set(error, -EINVAL, "no command '%s'%s; `bench --help` shows all", name, meant);
}

/* Fills context->arguments; *ret_asks_help: that is all that is to be done. */
static int read_command(struct context *context, char **argv, bool *ret_asks_help,
                        struct error *error) {
    struct arguments *arguments = &context->arguments;

    for (size_t i = 0; i < n_commands; i++)
        if (text_equal(commands[i].name, argv[1]) && commands[i].run)
            arguments->command = &commands[i];
    if (!arguments->command)
        return refuse_command(argv[1], error);
    arguments->verbosity = NORMAL;
    return options_read(context, argv + 2, ret_asks_help, error);
}

/* A checkout can change behind a program that was built: what it is is looked up. */
static void print_version(void) {
    CLEANUP_FREE char *root = place_root(), *commit = facts_commit(root);

    text_print(stdout, "mqtt-security-bench %s%s%s%s\n", BENCH_VERSION, commit ? " (commit " : "",
               commit ? commit : "", commit ? ")" : "");
}

static void context_clear(struct context *context) {
    free(context->arguments.publishers);
    free(context->options);
    free(context->groups);
    free(context->root);
    free(context->scenarios);
    free(context->shared_scenarios);
    free(context->certs);
    free(context->results);
    free(context->scripts);
}

int main(int argc, char **argv) {
    struct context context = {.groups = NULL};
    struct error error;
    bool asks_help = false;
    int status = EXIT_OK;

    if (argc > 1 && text_has_word("--help -h help", argv[1])) {
        print_help(stdout);
        return EXIT_OK;
    }
    if (argc > 1 && text_equal(argv[1], "--version")) {
        print_version();
        return EXIT_OK;
    }
    if (argc < 2) {
        print_help(stderr);
        return EXIT_USAGE;
    }
    context.options = options_new(&context.n_options);
    if (read_command(&context, argv, &asks_help, &error) < 0) {
        status = complain(EXIT_USAGE, &error);
    } else if (asks_help) {
        options_print_help(&context, context.arguments.command);
    } else {
        fill_registry(&context);
        status = find_folders(&context, &error) < 0 ? complain(EXIT_SETUP, &error)
                                                    : context.arguments.command->run(&context);
    }
    context_clear(&context);
    return status;
}
