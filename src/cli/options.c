#include "cli/options.h"

#include "analysis/estimate.h"
#include "analysis/gate_runs.h"
#include "base/place.h"
#include "base/suggestion.h"
#include "hosts/kind.h"

#include <argp.h>
#include <errno.h>
#include <string.h>

/* ---- what an option does ---- */

static void *field_of(struct arguments *arguments, const struct command_option *option) {
    return (char *)arguments + option->field;
}

static int take_text(struct arguments *arguments, const struct command_option *option, char *value,
                     struct error *error) {
    (void)error;
    *(const char **)field_of(arguments, option) = value;
    return 0;
}

static int take_flag(struct arguments *arguments, const struct command_option *option, char *value,
                     struct error *error) {
    (void)value;
    (void)error;
    *(bool *)field_of(arguments, option) = true;
    return 0;
}

static int take_verbosity(struct arguments *arguments, const struct command_option *option,
                          char *value, struct error *error) {
    (void)value;
    (void)error;
    arguments->verbosity = option->letter == 'q' ? QUIET : VERBOSE;
    return 0;
}

static int take_run(struct arguments *arguments, const struct command_option *option, char *value,
                    struct error *error) {
    if (*value)
        return take_text(arguments, option, value, error);
    return error_set(error, -EINVAL, "%s takes a run's folder, as in %s results/NAME-TIME",
                     option->name, option->name);
}

static int add_to_list(const char **list, size_t *n, const char *name, const char *word,
                       struct error *error) {
    if (*n == MAX_WORDS)
        return error_set(error, -EINVAL, "%s: more than %d", name, MAX_WORDS);
    list[(*n)++] = word;
    return 0;
}

static int take_baseline(struct arguments *arguments, const struct command_option *option,
                         char *value, struct error *error) {
    return add_to_list(arguments->against, &arguments->n_against, option->name, value, error);
}

static int take_metric(struct arguments *arguments, const struct command_option *option,
                       char *value, struct error *error) {
    return add_to_list(arguments->metrics, &arguments->n_metrics, option->name, value, error);
}

static int add_override(struct arguments *arguments, const char *origin, const char *path,
                        const char *value, struct error *error) {
    if (arguments->n_overrides == MAX_OVERRIDES)
        return error_set(error, -EINVAL, "too many settings; write them into a scenario file");
    arguments->overrides[arguments->n_overrides++] =
        (struct scenario_override){origin, path, value};
    return 0;
}

static int take_assignment(struct arguments *arguments, const struct command_option *option,
                           char *value, struct error *error) {
    char *equals = strchr(value, '=');

    if (!equals || equals == value)
        return error_set(error, -EINVAL, "%s takes PATH=VALUE, as in %s probe.path.duration=5s",
                         option->name, option->name);
    *equals = '\0';
    return add_override(arguments, option->name, value, equals + 1, error);
}

static int take_setting(struct arguments *arguments, const struct command_option *option,
                        char *value, struct error *error) {
    return add_override(arguments, option->name, option->path, value, error);
}

/* Given once it is hosts.publisher, from the second on hosts.publishers. */
static int take_publisher(struct arguments *arguments, const struct command_option *option,
                          char *value, struct error *error) {
    for (size_t i = 0; i < arguments->n_overrides; i++) {
        struct scenario_override *one = &arguments->overrides[i];

        if (!text_equal(one->origin, option->name))
            continue;
        if (!arguments->publishers)
            arguments->publishers = text_copy(one->value);
        text_append(&arguments->publishers, " ", value);
        one->path = "hosts.publishers";
        one->value = arguments->publishers;
        return 0;
    }
    return take_setting(arguments, option, value, error);
}

/* ---- the table ---- */

#define OF_RUNS    "all run"
#define OF_PLANS   "all run check"
#define OF_PARTS   "all run check doctor"
#define OF_HOSTS   "all run check speed doctor"
#define OF_SETTING "all run check certs speed doctor deploy"
#define OF_KEYS    "all run certs speed doctor agent"

#define FIELD(name) .field = offsetof(struct arguments, name)

static const struct command_option rows[] = {
    {"--channels", '\0', "LIST", OF_PARTS, "measure these, separated by blanks",
     .take = take_setting, .path = "scenario.channels"},
    {"--probes", '\0', "LIST", OF_PARTS, "with these probes", .take = take_setting,
     .path = "scenario.probes"},
    {"--repetitions", '\0', "N", OF_PLANS, "this many blocks; or 'until 1%'", .take = take_setting,
     .path = "scenario.repetitions"},
    {"--seed", '\0', "N", OF_PLANS, "the seed of the shuffled order", .take = take_setting,
     .path = "scenario.seed"},
    {"--broker-host", '\0', "HOST", OF_HOSTS, "where broker and subscriber run",
     .take = take_setting, .path = "hosts.broker"},
    {"--publisher-host", '\0', "HOST", OF_HOSTS, "where the publisher runs; may be repeated",
     .take = take_publisher, .path = "hosts.publisher"},
    {"--set", '\0', "PATH=VALUE", OF_SETTING, "any setting; `bench list settings` shows them",
     .take = take_assignment},
    {"--resume", '\0', "RUN", OF_RUNS, "go on with this run's folder", .take = take_run,
     FIELD(resume)},
    {"--output", 'o', "DIR", "all run report", "the folder for runs", .take = take_text,
     .fallback = "results", FIELD(output)},
    {"--certs", '\0', "DIR", OF_KEYS, "the folder of the certificates", .take = take_text,
     .fallback = "certs", .installed = "~/.local/share/mqtt-security-bench/certs", FIELD(certs)},
    {"--fresh", '\0', NULL, "speed", "measure anew what is kept from an earlier time",
     .take = take_flag, FIELD(fresh)},
    {"--legend", '\0', NULL, "all report", "say what columns and channels mean", .take = take_flag,
     FIELD(legend)},
    {"--redact", '\0', NULL, "all report", "report a copy without hosts' names and addresses",
     .take = take_flag, FIELD(redact)},
    {"--json", '\0', NULL, "report gate", "one JSON document on stdout, and nothing else",
     .take = take_flag, FIELD(json)},
    {"--against", '\0', "BASELINE...", "gate", "earlier runs, three or more", .take = take_baseline,
     .required = true},
    {"--metric", '\0', "PROBE[.METRIC]", "gate", "judge this alone; may be repeated",
     .take = take_metric, .fallback = "the headline metric of every probe"},
    {"--margin", '\0', "PERCENT", "gate", "a smaller change is none", .take = take_text,
     .fallback = GATE_MARGIN, FIELD(margin)},
    {"--ratios-only", '\0', NULL, "gate",
     "judge ratios to the baseline channel, no absolute values", .take = take_flag,
     FIELD(ratios_only)},
    {"--verbose", 'v', NULL, OF_RUNS, "show proofs, and each telemetry message as it arrives",
     .take = take_verbosity},
    {"--quiet", 'q', NULL, "all run report speed", "show only failures and the last lines",
     .take = take_verbosity},
    {"--help", 'h', NULL, NULL, "show this help", .take = NULL},
};

/* Those of an estimate are its settings. */
static struct command_option estimate_option(size_t i) {
    const struct setting *row = &estimate_group.rows[i];
    bool required = i < ESTIMATE_ASKED;
    struct command_option option = {.argument = "VALUE",
                                    .commands = "estimate",
                                    .help = row->help,
                                    .take = take_text,
                                    .fallback = required ? NULL : row->fallback,
                                    .required = required,
                                    .field = offsetof(struct arguments, estimate) +
                                             i * sizeof(const char *)};

    (void)snprintf(option.name, sizeof(option.name), "--%s", row->key);
    return option;
}

struct command_option *options_new(size_t *ret_n) {
    size_t n = ARRAY_SIZE(rows);
    struct command_option *options = memory_new(n + estimate_group.n_rows, sizeof(*options));

    memcpy(options, rows, sizeof(rows));
    for (size_t i = 0; i < estimate_group.n_rows; i++)
        options[n++] = estimate_option(i);
    *ret_n = n;
    return options;
}

/* ---- what is said of it ---- */

bool option_goes_with(const struct command_option *option, const struct command *command) {
    return !option->commands || text_has_word(option->commands, command->name);
}

char *option_commands(const struct command_option *option) {
    char *names = text_copy("");
    const char *last = NULL;

    for (size_t i = 0; i < n_commands; i++) {
        if (!commands[i].help || !option_goes_with(option, &commands[i]))
            continue;
        if (last)
            text_append(&names, ", ", last);
        last = commands[i].name;
    }
    if (last)
        text_append(&names, " and ", last);
    return names;
}

char *option_help(const struct command_option *option, bool installed) {
    const char *fallback = installed && option->installed ? option->installed : option->fallback;

    if (option->required)
        return text_format("%s (required)", option->help);
    return fallback ? text_format("%s (default: %s)", option->help, fallback)
                    : text_copy(option->help);
}

/* argp lays it out. */
void options_print_help(const struct context *context, const struct command *command) {
    CLEANUP_FREE struct argp_option *lines = memory_new(context->n_options + 1, sizeof(*lines));
    CLEANUP_FREE char *call = text_format("%s %s", place_call(), command->name);
    CLEANUP_FREE char *text = text_format("%s\v%s", command->help ? command->help : "",
                                          command->examples ? "Examples:" : "");
    CLEANUP(words_clear) struct words help = {NULL, 0};
    const char *cursor = command->examples;
    size_t n = 0;

    for (size_t i = 0; i < context->n_options; i++) {
        const struct command_option *option = &context->options[i];
        CLEANUP_FREE char *words = NULL, *typed = NULL;

        if (!option_goes_with(option, command))
            continue;
        words = option_help(option, place_is_installed());
        typed = cli_typed(words, place_call());
        words_add(&help, "%s", typed);
        lines[n++] = (struct argp_option){
            option->name + 2,          option->letter ? option->letter : 256 + (int)i,
            option->argument,          0,
            help.list[help.count - 1], 0};
    }
    for (char *line; cursor && (line = text_next_line(&cursor)); free(line)) {
        CLEANUP_FREE char *example = text_format("\n  %s %s", place_call(), line);

        text_append(&text, "", example);
    }
    argp_help(&(struct argp){.options = lines, .args_doc = command->words, .doc = text}, stdout,
              ARGP_HELP_STD_HELP, call);
}

/* ---- the command line ---- */

/* Where reading has come to. */
struct reader {
    struct context *context;
    char **next;
    struct error *error;
    bool asks_help;
};

static int refuse_option(const struct reader *reader, const char *name) {
    const struct context *context = reader->context;
    const struct command *command = context->arguments.command;
    CLEANUP_FREE char *known = text_copy(""), *meant = NULL;

    for (size_t i = 0; i < context->n_options; i++) {
        const struct command_option *option = &context->options[i];
        CLEANUP_FREE char *takers = option_commands(option);

        if (option_goes_with(option, command))
            text_append(&known, " ", option->name);
        else if (text_equal(option->name, name) ||
                 (option->letter && option->letter == name[1] && !name[2]))
            return error_set(reader->error, -EINVAL, "%s goes with %s only", option->name, takers);
    }
    meant = suggestion(name, known);
    return error_set(reader->error, -EINVAL,
                     "unrecognized option '%s'%s; `bench %s --help` shows all", name, meant,
                     command->name);
}

/* Of the command's own, by its whole name or by a beginning that no other has. */
static int find_option(const struct reader *reader, const char *name,
                       const struct command_option **ret) {
    const struct context *context = reader->context;
    CLEANUP_FREE char *names = text_copy("");

    *ret = NULL;
    for (size_t i = 0; i < context->n_options; i++) {
        const struct command_option *option = &context->options[i];

        if (!option_goes_with(option, context->arguments.command) ||
            strncmp(option->name, name, strlen(name)) != 0)
            continue;
        *ret = option;
        if (text_equal(option->name, name))
            return 0;
        text_append(&names, ", ", option->name);
    }
    if (strchr(names, ','))
        return error_set(reader->error, -EINVAL, "'%s' may be any of %s", name, names);
    return *ret ? 0 : refuse_option(reader, name);
}

/* The value is what stands behind it in the same word, or the next one. */
static int take_option(struct reader *reader, const struct command_option *option, char *value) {
    if (!option->take) {
        reader->asks_help = true;
        return 0;
    }
    if (!option->argument && value)
        return error_set(reader->error, -EINVAL, "%s takes no value", option->name);
    if (option->argument && !value)
        value = *reader->next ? *reader->next++ : NULL;
    if (option->argument && !value)
        return error_set(reader->error, -EINVAL, "%s takes a value: %s=%s", option->name,
                         option->name, option->argument);
    return option->take(&reader->context->arguments, option, value, reader->error);
}

/* "--set=PATH=VALUE" */
static int read_long(struct reader *reader, char *word) {
    char *equals = strchr(word, '=');
    CLEANUP_FREE char *name = strndup(word, strcspn(word, "="));
    const struct command_option *option;
    int r = find_option(reader, name, &option);

    return r < 0 ? r : take_option(reader, option, equals ? equals + 1 : NULL);
}

/* "-qo DIR", "-qoDIR" */
static int read_letters(struct reader *reader, char *word) {
    const struct context *context = reader->context;
    int r = 0;

    for (char *letter = word + 1; *letter && r == 0 && !reader->asks_help; letter++) {
        const struct command_option *option = NULL;

        for (size_t i = 0; i < context->n_options; i++)
            if (context->options[i].letter == *letter &&
                option_goes_with(&context->options[i], context->arguments.command))
                option = &context->options[i];
        if (!option)
            return refuse_option(reader, (const char[]){'-', *letter, '\0'});
        if (option->argument)
            return take_option(reader, option, letter[1] ? letter + 1 : NULL);
        r = take_option(reader, option, NULL);
    }
    return r;
}

/* For gate what stands behind --against is a baseline. */
static int read_word(struct reader *reader, const char *word) {
    struct arguments *arguments = &reader->context->arguments;
    bool is_gate = text_equal(arguments->command->name, "gate");

    if (arguments->n_against)
        return add_to_list(arguments->against, &arguments->n_against, "--against", word,
                           reader->error);
    if (arguments->n_words == arguments->command->max_words)
        return error_set(reader->error, -EINVAL, "one word too many: '%s'%s", word,
                         is_gate ? "; baselines stand behind --against" : "");
    arguments->words[arguments->n_words++] = word;
    return 0;
}

int options_read(struct context *context, char **argv, bool *ret_asks_help, struct error *error) {
    struct reader reader = {context, argv, error, false};
    bool words_only = false;
    int r = 0;

    while (*reader.next && r == 0 && !reader.asks_help) {
        char *word = *reader.next++;

        if (words_only || word[0] != '-' || !word[1])
            r = read_word(&reader, word);
        else if (text_equal(word, "--"))
            words_only = true;
        else
            r = word[1] == '-' ? read_long(&reader, word) : read_letters(&reader, word);
    }
    *ret_asks_help = reader.asks_help;
    return r;
}
