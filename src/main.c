/*
 * bench - the program behind the launcher: reads the command line and calls the command.
 */
#include "analysis/estimate.h"
#include "base/place.h"
#include "base/suggestion.h"
#include "broker/broker.h"
#include "broker/mosquitto.h"
#include "cli/commands.h"
#include "hosts/facts.h"
#include "hosts/kind.h"
#include "hosts/lab.h"
#include "model/fleet.h"
#include "probes/probe.h"
#include "probes/telemetry.h"
#include "security/mechanism.h"

#include <argp.h>
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

enum {
    OPTION_AGAINST = 256,
    OPTION_CERTS,
    OPTION_FRESH,
    OPTION_JSON,
    OPTION_LEGEND,
    OPTION_MARGIN,
    OPTION_METRIC,
    OPTION_RATIOS_ONLY,
    OPTION_REDACT,
    OPTION_RESUME,
    OPTION_SET
};

#define PUBLISHER_OPTION "--publisher-host"

/* Options that are short for a setting. */
static const struct {
    const char *option, *path, *argument, *help;
} shorthands[] = {
    {"--channels", "scenario.channels", "LIST", "measure these, separated by blanks"},
    {"--probes", "scenario.probes", "LIST", "with these probes"},
    {"--repetitions", "scenario.repetitions", "N", "this many blocks; or 'until 1%'"},
    {"--seed", "scenario.seed", "N", "of the shuffled order"},
    {"--broker-host", "hosts.broker", "HOST", "where broker and subscriber run"},
    {PUBLISHER_OPTION, "hosts.publisher", "HOST", "where the publisher runs; may be repeated"},
};
#define FIRST_SHORTHAND 512
#define FIRST_ESTIMATE  768 /* a row of its settings each */

static int add_override(struct argp_state *state, const char *origin, const char *path,
                        const char *value) {
    struct arguments *arguments = state->input;

    if (!arguments->command->runs)
        argp_error(state, "%s goes with all, run, check, certs, speed and doctor only", origin);
    if (arguments->n_overrides == MAX_OVERRIDES)
        argp_error(state, "too many settings; write them into a scenario file");
    arguments->overrides[arguments->n_overrides++] =
        (struct scenario_override){origin, path, value};
    return 0;
}

/* Given once it is hosts.publisher, from the second on hosts.publishers. */
static int add_shorthand(struct argp_state *state, size_t i, const char *value) {
    struct arguments *arguments = state->input;

    if (!text_equal(shorthands[i].option, PUBLISHER_OPTION))
        return add_override(state, shorthands[i].option, shorthands[i].path, value);
    for (size_t k = 0; k < arguments->n_overrides; k++) {
        struct scenario_override *one = &arguments->overrides[k];

        if (!text_equal(one->origin, PUBLISHER_OPTION))
            continue;
        if (!arguments->publishers)
            arguments->publishers = text_copy(one->value);
        text_append(&arguments->publishers, " ", value);
        one->path = "hosts.publishers";
        one->value = arguments->publishers;
        return 0;
    }
    return add_override(state, PUBLISHER_OPTION, shorthands[i].path, value);
}

static int add_set(struct argp_state *state, char *argument) {
    char *equals = strchr(argument, '=');

    if (!equals || equals == argument)
        argp_error(state, "--set takes PATH=VALUE, as in --set probe.path.duration=5s");
    *equals = '\0';
    return add_override(state, "--set", argument, equals + 1);
}

static int set_resume(struct argp_state *state, const char *folder) {
    struct arguments *arguments = state->input;

    if (!arguments->command->resumes)
        argp_error(state, "--resume goes with all and run only");
    if (!*folder)
        argp_error(state, "--resume takes a run's folder, as in --resume results/NAME-TIME");
    arguments->resume = folder;
    return 0;
}

static int set_report(struct argp_state *state, const char *option, bool *flag) {
    struct arguments *arguments = state->input;

    if (!arguments->command->reports)
        argp_error(state, "%s goes with all and report only", option);
    *flag = true;
    return 0;
}

static int set_estimate(struct argp_state *state, size_t row, const char *argument) {
    struct arguments *arguments = state->input;

    if (!text_equal(arguments->command->name, "estimate"))
        argp_error(state, "--%s goes with estimate only", estimate_group.rows[row].key);
    arguments->estimate[row] = argument;
    return 0;
}

static bool is_gate(const struct arguments *arguments) {
    return text_equal(arguments->command->name, "gate");
}

/* One more of a list of gate's. */
static int add_of_gate(struct argp_state *state, const char *option, const char **list, size_t *n,
                       const char *word) {
    if (!is_gate(state->input))
        argp_error(state, "%s goes with gate only", option);
    if (*n == MAX_WORDS)
        argp_error(state, "%s: more than %d", option, MAX_WORDS);
    list[(*n)++] = word;
    return 0;
}

/* For gate what stands behind --against is a baseline. */
static int add_word(struct argp_state *state, const char *word) {
    struct arguments *arguments = state->input;

    if (arguments->n_against)
        return add_of_gate(state, "--against", arguments->against, &arguments->n_against, word);
    if (arguments->n_words == (is_gate(arguments) ? 1 : arguments->command->max_words))
        argp_error(state, "one word too many: '%s'%s", word,
                   is_gate(arguments) ? "; baselines stand behind --against" : "");
    arguments->words[arguments->n_words++] = word;
    return 0;
}

static int set_json(struct argp_state *state) {
    struct arguments *arguments = state->input;

    if (!is_gate(arguments) && !text_equal(arguments->command->name, "report"))
        argp_error(state, "--json goes with report and gate only");
    arguments->json = true;
    return 0;
}

static int set_of_gate(struct argp_state *state, int key, const char *argument) {
    struct arguments *arguments = state->input;

    switch (key) {
    case OPTION_AGAINST:
        return add_of_gate(state, "--against", arguments->against, &arguments->n_against, argument);
    case OPTION_METRIC:
        return add_of_gate(state, "--metric", arguments->metrics, &arguments->n_metrics, argument);
    default:
        if (!is_gate(arguments))
            argp_error(state, "%s goes with gate only",
                       key == OPTION_MARGIN ? "--margin" : "--ratios-only");
        if (key == OPTION_MARGIN)
            arguments->margin = argument;
        else
            arguments->ratios_only = true;
        return 0;
    }
}

static error_t parse(int key, char *argument, struct argp_state *state) {
    struct arguments *arguments = state->input;

    if (key >= FIRST_SHORTHAND && key < FIRST_SHORTHAND + (int)ARRAY_SIZE(shorthands))
        return add_shorthand(state, (size_t)(key - FIRST_SHORTHAND), argument);
    if (key >= FIRST_ESTIMATE && key < FIRST_ESTIMATE + (int)estimate_group.n_rows)
        return set_estimate(state, (size_t)(key - FIRST_ESTIMATE), argument);
    switch (key) {
    case 'o':
        arguments->output = argument;
        return 0;
    case 'q':
        arguments->verbosity = QUIET;
        return 0;
    case 'v':
        arguments->verbosity = VERBOSE;
        return 0;
    case OPTION_CERTS:
        arguments->certs = argument;
        return 0;
    case OPTION_FRESH:
        if (!text_equal(arguments->command->name, "speed"))
            argp_error(state, "--fresh goes with speed only");
        arguments->fresh = true;
        return 0;
    case OPTION_LEGEND:
        return set_report(state, "--legend", &arguments->legend);
    case OPTION_REDACT:
        return set_report(state, "--redact", &arguments->redact);
    case OPTION_RESUME:
        return set_resume(state, argument);
    case OPTION_SET:
        return add_set(state, argument);
    case OPTION_JSON:
        return set_json(state);
    case OPTION_AGAINST:
    case OPTION_MARGIN:
    case OPTION_METRIC:
    case OPTION_RATIOS_ONLY:
        return set_of_gate(state, key, argument);
    case ARGP_KEY_ARG:
        return add_word(state, argument);
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option other_options[] = {
    {"set", OPTION_SET, "PATH=VALUE", 0, "any setting; `bench list settings` shows them", 0},
    {"resume", OPTION_RESUME, "RUN", 0, "all, run: go on with this run's folder", 0},
    {"output", 'o', "DIR", 0, "the folder for the run's folder (default: results)", 0},
    {"certs", OPTION_CERTS, "DIR", 0, "the folder of the certificates (default: certs)", 0},
    {"fresh", OPTION_FRESH, NULL, 0, "speed: measure anew what is kept from an earlier time", 0},
    {"legend", OPTION_LEGEND, NULL, 0, "all, report: say what columns and channels mean", 0},
    {"redact", OPTION_REDACT, NULL, 0,
     "all, report: of a copy without names and addresses of hosts", 0},
    {"json", OPTION_JSON, NULL, 0, "report, gate: one JSON document on stdout, and nothing else",
     0},
    {"against", OPTION_AGAINST, "BASELINE...", 0, "gate: earlier runs of the same, three or more",
     0},
    {"metric", OPTION_METRIC, "PROBE[.METRIC]", 0,
     "gate: judge this alone (may be repeated; default: the headline metric of every probe)", 0},
    {"margin", OPTION_MARGIN, "PERCENT", 0, "gate: a smaller change is none (default: 5%)", 0},
    {"ratios-only", OPTION_RATIOS_ONLY, NULL, 0,
     "gate: judge ratios to the baseline channel, no absolute values", 0},
    {"verbose", 'v', NULL, 0, "show proofs, and each telemetry message as it arrives", 0},
    {"quiet", 'q', NULL, 0, "show only failures and the last lines", 0},
};
/* argp's list ends with one of zeros. */
#define OF_ARGP   "--help --usage"
#define N_OPTIONS (ARRAY_SIZE(shorthands) + MAX_ESTIMATE + ARRAY_SIZE(other_options) + 1)

/* `help`: of the rows of estimate's settings, kept as long as the options are. */
static void fill_options(struct argp_option options[N_OPTIONS], struct words *help) {
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_SIZE(shorthands); i++)
        options[n++] = (struct argp_option){shorthands[i].option + 2, FIRST_SHORTHAND + (int)i,
                                            shorthands[i].argument,   0,
                                            shorthands[i].help,       0};
    for (size_t i = 0; i < estimate_group.n_rows; i++) {
        const struct setting *row = &estimate_group.rows[i];

        words_add(help, "estimate: %s", row->help);
        options[n++] =
            (struct argp_option){row->key, FIRST_ESTIMATE + (int)i, "VALUE", 0, help->list[i], 0};
    }
    memcpy(&options[n], other_options, sizeof(other_options));
}

static bool is_command(const char *name, size_t length) {
    for (size_t i = 0; i < n_commands; i++)
        if (strlen(commands[i].name) == length && strncmp(commands[i].name, name, length) == 0)
            return true;
    return false;
}

/* What is said of an option begins with the commands that alone take it, where that is not clear
 * from what it is: "all, report: ...". */
static bool takes(const struct command *command, const struct argp_option *option) {
    size_t length = strcspn(option->doc, ":"), first = strcspn(option->doc, ",:");
    CLEANUP_FREE char *names = strndup(option->doc, length);

    if (option->doc[length] && is_command(option->doc, first)) {
        for (char *c = names; *c; c++)
            *c = *c == ',' ? ' ' : *c;
        return text_has_word(names, command->name);
    }
    if (option->key == OPTION_SET ||
        (option->key >= FIRST_SHORTHAND && option->key < FIRST_ESTIMATE))
        return command->runs;
    if (option->key == 'v')
        return command->resumes || command->reports;
    if (option->key == 'q')
        return command->resumes || command->reports || text_equal(command->name, "speed");
    return command->runs || command->reports;
}

const char cli_exit_statuses[] =
    "Exit status: 0 all well; 1 a trial\n"
    "failed or is void; 2 usage or scenario error; 3 the set-up cannot work; 130\n"
    "interrupted; go on with --resume RUN. Of gate also: 4 slower; 5 undecided.";

static void print_help(FILE *out) {
    fprintf(out, "usage: bench COMMAND [OPTION...]\n\n");
    for (size_t i = 0; i < n_commands; i++) {
        CLEANUP_FREE char *call = text_format("%s %s", commands[i].name, commands[i].words);

        if (commands[i].help)
            fprintf(out, "  %-26s %s\n", call, commands[i].help);
    }
    fprintf(out, "\n`bench COMMAND --help` shows a command's options. %s\n", cli_exit_statuses);
}

static int refuse_command(const char *name, struct error *error) {
    CLEANUP_FREE char *known = text_copy(""), *meant = NULL;

    for (size_t i = 0; i < n_commands; i++)
        if (commands[i].help)
            text_append(&known, " ", commands[i].name);
    meant = suggestion(name, known);
    return error_set(error, -EINVAL, "no command '%s'%s; `bench --help` shows all", name, meant);
}

/* The option that a word names, whole or by its beginning, as in "--chan=LIST"; NULL: none. */
static const struct argp_option *option_of(const struct argp_option *options, const char *word) {
    size_t length = strcspn(word, "=");

    for (const struct argp_option *one = options; one->name; one++)
        if (strncmp(one->name, word, length) == 0)
            return one;
    return NULL;
}

/* argp would say no more than that it does not know it. */
static int check_options(const struct context *context, char **argv, struct error *error) {
    const struct command *command = context->arguments.command;
    CLEANUP_FREE char *known = text_copy("--help"), *meant = NULL, *wrong = NULL;

    for (argv += 2; command->help && *argv && !text_equal(*argv, "--"); argv++) {
        const struct argp_option *option =
            strncmp(*argv, "--", 2) == 0 ? option_of(context->options, *argv + 2) : NULL;

        if (text_equal(*argv, "-o") || (option && option->arg && !strchr(*argv, '='))) {
            if (!argv[1])
                return 0;
            argv++; /* it is a value */
        } else if (strncmp(*argv, "--", 2) == 0 && !option && !text_has_word(OF_ARGP, *argv)) {
            wrong = strndup(*argv, strcspn(*argv, "="));
            break;
        }
    }
    if (!wrong)
        return 0;
    for (const struct argp_option *one = context->options; one->name; one++)
        if (context->takes(command, one))
            text_append(&known, " --", one->name);
    meant = suggestion(wrong, known);
    return error_set(error, -EINVAL, "unrecognized option '%s'%s; `bench %s --help` shows all",
                     wrong, meant, command->name);
}

/* For argp: of an option without the commands that take it; behind all of them the examples. */
static char *filter_help(int key, const char *text, void *input) {
    const struct arguments *arguments = input;
    CLEANUP_FREE char *lines = NULL;
    char *line;
    size_t names = text ? strcspn(text, ":") : 0;

    if (key == ARGP_KEY_HELP_POST_DOC && arguments->command->examples) {
        lines = text_copy("Examples:");
        for (const char *cursor = arguments->command->examples; (line = text_next_line(&cursor));
             free(line))
            text_append(&lines, "\n  bench ", line);
        return text_copy(lines);
    }
    if (key > 0 && key < ARGP_KEY_HELP_PRE_DOC && text && text[names] &&
        is_command(text, strcspn(text, ",:")))
        return text_copy(text + names + 2);
    return (char *)(uintptr_t)text;
}

/* Fills context->arguments. */
static int read_command(struct context *context, int argc, char **argv, struct error *error) {
    struct arguments *arguments = &context->arguments;
    struct argp_option options[N_OPTIONS]; /* those of other commands are not shown */
    CLEANUP_FREE char *name = NULL;

    for (size_t i = 0; i < n_commands; i++)
        if (argc > 1 && text_equal(commands[i].name, argv[1]) && commands[i].run)
            arguments->command = &commands[i];
    if (!arguments->command)
        return refuse_command(argc > 1 ? argv[1] : "", error);
    if (check_options(context, argv, error) < 0)
        return -EINVAL;
    arguments->verbosity = NORMAL;
    memcpy(options, context->options, sizeof(options));
    for (struct argp_option *one = options; one->name; one++)
        if (!takes(arguments->command, one))
            one->flags |= OPTION_HIDDEN;
    {
        struct argp argp = {.options = options,
                            .parser = parse,
                            .help_filter = filter_help,
                            .args_doc = arguments->command->words,
                            .doc = arguments->command->help};

        name = text_format("bench %s", arguments->command->name);
        argv[1] = name;
        argp_err_exit_status = EXIT_USAGE;
        (void)argp_parse(&argp, argc - 1, argv + 1, is_gate(arguments) ? ARGP_IN_ORDER : 0, NULL,
                         arguments);
    }
    return 0;
}

/* A checkout can change behind a program that was built: what it is is looked up. */
static void print_version(void) {
    CLEANUP_FREE char *root = place_root(), *commit = facts_commit(root);

    text_print(stdout, "mqtt-security-bench %s%s%s%s\n", BENCH_VERSION, commit ? " (commit " : "",
               commit ? commit : "", commit ? ")" : "");
}

static void context_clear(struct context *context) {
    free(context->arguments.publishers);
    free(context->groups);
    free(context->root);
    free(context->scenarios);
    free(context->shared_scenarios);
    free(context->certs);
    free(context->results);
    free(context->scripts);
}

int main(int argc, char **argv) {
    struct argp_option options[N_OPTIONS] = {{0}};
    CLEANUP(words_clear) struct words help = {NULL, 0};
    struct context context = {.options = options, .takes = takes};
    struct error error;
    int status;

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
    fill_options(options, &help);
    if (read_command(&context, argc, argv, &error) < 0)
        return complain(EXIT_USAGE, &error);
    fill_registry(&context);
    status = find_folders(&context, &error) < 0 ? complain(EXIT_SETUP, &error)
                                                : context.arguments.command->run(&context);
    context_clear(&context);
    return status;
}
