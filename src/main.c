/*
 * bench - the program behind the launcher: reads the command line and calls the layer that does
 * the work. Only this file and run/ talk to the terminal.
 */
#include "broker/mosquitto.h"
#include "hosts/agent.h"
#include "hosts/worker.h"
#include "probes/probe.h"
#include "probes/telemetry.h"
#include "report/report.h"
#include "run/list.h"
#include "run/runner.h"
#include "run/show.h"
#include "security/mechanism.h"
#include "security/pki.h"

#include <argp.h>
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

enum { EXIT_OK = 0, EXIT_TRIALS = 1, EXIT_USAGE = 2, EXIT_SETUP = 3, EXIT_INTERRUPTED = 130 };

#define MAX_GROUPS    32
#define MAX_OVERRIDES 64
#define MAX_WORDS     64

/* What the command line says; the texts are argv's. */
struct arguments {
    const struct command *command;
    const char *words[MAX_WORDS];
    size_t n_words;
    struct scenario_override overrides[MAX_OVERRIDES];
    size_t n_overrides;
    const char *output, *certs;
    enum verbosity verbosity;
};

/* What all commands share. */
struct context {
    struct arguments arguments;
    struct registry registry;
    const struct setting_group *groups[MAX_GROUPS];
    char *root, *scenarios, *certs, *results, *scripts;
};

struct command {
    const char *name, *words, *help;
    size_t max_words;
    bool runs; /* takes the options of a run */
    int (*run)(struct context *context);
};

/* ---- saying ---- */

static int complain(int status, const struct error *error) {
    bool colour = isatty(STDERR_FILENO) && !getenv("NO_COLOR");

    fprintf(stderr, "%sbench: error:%s %s\n", colour ? "\033[31m" : "", colour ? "\033[0m" : "",
            error->text);
    return status;
}

/* ---- tables and places ---- */

static void add_group(struct context *context, const struct setting_group *group) {
    if (context->registry.n_groups == MAX_GROUPS)
        abort();
    context->groups[context->registry.n_groups++] = group;
}

static void fill_registry(struct context *context) {
    context->registry =
        (struct registry){.groups = context->groups, .check_channel = mechanism_check_channel};
    add_group(context, &scenario_group);
    add_group(context, &hosts_group);
    add_group(context, &broker_group);
    add_group(context, &certificates_group);
    add_group(context, &telemetry_group);
    for (size_t i = 0; i < n_probes; i++)
        add_group(context, probes[i]->group);
    add_group(context, &channel_group);
    for (size_t i = 0; i < n_mechanisms; i++)
        add_group(context, mechanisms[i]->group);
}

/* The folder of the sources: where the launcher says, else the one that holds the build folder. */
static int find_root(struct context *context, struct error *error) {
    const char *given = getenv("BENCH_ROOT");
    char self[PATH_MAX] = "";

    if (given && *given) {
        context->root = text_copy(given);
    } else {
        if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
            return error_errno(error, -errno, "/proc/self/exe");
        context->root = text_copy(dirname(dirname(self)));
    }
    context->scenarios = text_format("%s/scenarios", context->root);
    context->certs = context->arguments.certs ? text_copy(context->arguments.certs)
                                              : text_format("%s/certs", context->root);
    context->results = context->arguments.output ? text_copy(context->arguments.output)
                                                 : text_format("%s/results", context->root);
    context->scripts = text_format("%s/scripts", context->root);
    return access(context->scenarios, F_OK) == 0
               ? 0
               : error_set(error, -ENOENT, "%s: no such folder; start through ./bench",
                           context->scenarios);
}

/* ---- commands ---- */

static int load(struct context *context, struct scenario **ret) {
    const struct arguments *arguments = &context->arguments;
    const char *name = arguments->n_words ? arguments->words[0] : "paper";
    struct error error;

    if (scenario_load(ret, &context->registry, context->scenarios, name, arguments->overrides,
                      arguments->n_overrides, &error) < 0)
        return complain(EXIT_USAGE, &error);
    return EXIT_OK;
}

/* Figures of a run in results/ go to plots/; those of a run elsewhere stay with it. */
static char *plots_of(const struct context *context, const char *run) {
    CLEANUP_FREE char *real = realpath(run, NULL);
    CLEANUP_FREE char *usual = text_format("%s/results/", context->root);
    CLEANUP_FREE char *usual_real = realpath(usual, NULL);
    size_t length = usual_real ? strlen(usual_real) : 0;

    if (real && length && strncmp(real, usual_real, length) == 0 && real[length] == '/') {
        CLEANUP_FREE char *plots = text_format("%s/plots", context->root);

        (void)mkdir(plots, 0755);
        return text_format("%s/%s", plots, real + length + 1);
    }
    return text_format("%s/plots", run);
}

static int report(const struct context *context, const char *run) {
    CLEANUP_FREE char *plots = plots_of(context, run), *words = NULL;
    struct report_result result = {NULL, NULL};
    struct error error;
    int r = report_write(run, &result, &error);

    if (r < 0) /* what the run's files say is wrong, or they cannot be written */
        return complain(r == -EBADMSG || r == -EINVAL || r == -ENOENT || r == -ENOTDIR ? EXIT_USAGE
                                                                                      : EXIT_SETUP,
                        &error);
    fputs(result.warnings, stderr);
    fputs(result.table, stdout);
    report_result_clear(&result);
    r = report_figures(run, plots, context->scripts, &words, &error);
    if (r < 0)
        return complain(EXIT_SETUP, &error);
    if (words && *words)
        fprintf(stderr, "%s\n", words);
    printf("\ntables   %s/table.{txt,md,tex}\nfigures  %s/throughput.{svg,png,pdf}\n", run, plots);
    return EXIT_OK;
}

static int command_report(struct context *context) {
    const struct arguments *arguments = &context->arguments;
    struct error error;
    int status = EXIT_OK;

    if (!arguments->n_words) {
        (void)error_set(&error, -EINVAL, "report of which run? Name its folder in results/");
        return complain(EXIT_USAGE, &error);
    }
    for (size_t i = 0; i < arguments->n_words; i++) {
        int one = report(context, arguments->words[i]);

        status = status ? status : one;
    }
    return status;
}

static int summarise(const struct run_outcome *outcome) {
    if (outcome->trials[TRIAL_FAILED] || outcome->trials[TRIAL_VOID])
        fprintf(stderr, "bench: %zu trials failed and %zu are void; the reasons are in %s/trials.csv\n",
                outcome->trials[TRIAL_FAILED], outcome->trials[TRIAL_VOID], outcome->folder);
    if (outcome->interrupted)
        fprintf(stderr, "bench: interrupted; what was measured is in %s\n",
                outcome->folder ? outcome->folder : "no folder: nothing was");
    if (outcome->interrupted)
        return EXIT_INTERRUPTED;
    return outcome->trials[TRIAL_FAILED] || outcome->trials[TRIAL_VOID] ? EXIT_TRIALS : EXIT_OK;
}

/* Measures, with the signals that end a run as a readable descriptor instead of a sudden end. */
static int measure(struct context *context, const struct scenario *scenario,
                   struct run_outcome *outcome) {
    struct run_options options = {.scenario = scenario,
                                  .results = context->results,
                                  .certs = context->certs,
                                  .root = context->root,
                                  .verbosity = context->arguments.verbosity};
    struct sigaction hangup = {0};
    struct error error;
    sigset_t signals, before;
    int r;

    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGINT);
    (void)sigaddset(&signals, SIGTERM);
    (void)sigaction(SIGHUP, NULL, &hangup);
    if (hangup.sa_handler != SIG_IGN) /* else by nohup */
        (void)sigaddset(&signals, SIGHUP);
    (void)sigprocmask(SIG_BLOCK, &signals, &before);
    (void)signal(SIGPIPE, SIG_IGN);
    options.cancel_fd = signalfd(-1, &signals, SFD_CLOEXEC);
    r = run_scenario(&options, outcome, &error);
    if (options.cancel_fd >= 0) {
        struct signalfd_siginfo taken;

        if (outcome->interrupted)
            (void)!read(options.cancel_fd, &taken, sizeof(taken));
        (void)close(options.cancel_fd);
    }
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
    if (r < 0 && outcome->folder)
        fprintf(stderr, "bench: the run broke off; what was measured is in %s\n", outcome->folder);
    return r < 0 ? complain(EXIT_SETUP, &error) : summarise(outcome);
}

static int run(struct context *context, bool with_report) {
    CLEANUP(scenario_freep) struct scenario *scenario = NULL;
    struct run_outcome outcome;
    int status = load(context, &scenario), reported;

    if (status != EXIT_OK)
        return status;
    status = measure(context, scenario, &outcome);
    if (with_report && outcome.folder && outcome.trials[TRIAL_OK] + outcome.trials[TRIAL_VOID] +
                                             outcome.trials[TRIAL_FAILED]) {
        printf("\n");
        reported = report(context, outcome.folder);
        status = status ? status : reported;
    }
    run_outcome_clear(&outcome);
    return status;
}

static int command_all(struct context *context) {
    return run(context, true);
}

static int command_run(struct context *context) {
    return run(context, false);
}

static int command_check(struct context *context) {
    CLEANUP(scenario_freep) struct scenario *scenario = NULL;
    int status = load(context, &scenario);

    if (status == EXIT_OK)
        list_plan(scenario);
    return status;
}

static int command_list(struct context *context) {
    const struct arguments *arguments = &context->arguments;
    struct error error;

    if (list_print(arguments->n_words ? arguments->words[0] : NULL, &context->registry,
                   context->scenarios, &error) < 0)
        return complain(EXIT_USAGE, &error);
    return EXIT_OK;
}

static int ensure_certificates(struct context *context, bool renew, struct error *error) {
    CLEANUP(scenario_freep) struct scenario *scenario = NULL;
    struct pki_passphrase_source source = {context->certs, isatty(STDIN_FILENO)};
    const struct certificates_settings *certificates;
    const struct hosts_settings *hosts;
    struct pki_outcome outcome;
    int r = scenario_load(&scenario, &context->registry, context->scenarios, "paper",
                          context->arguments.overrides, context->arguments.n_overrides, error);

    if (r < 0)
        return r;
    hosts = settings_get(&scenario->settings, &hosts_group);
    certificates = settings_get(&scenario->settings, &certificates_group);
    {
        struct pki_options options = {.folder = context->certs,
                                      .key_type = PKI_DEFAULT_KEY_TYPE,
                                      .validity_ns = certificates->validity_ns,
                                      .renew_before_ns = certificates->renew_before_ns,
                                      .addresses = hosts->address,
                                      .passphrase = pki_passphrase,
                                      .context = &source,
                                      .force = renew};

        r = pki_ensure(&options, &outcome, error);
    }
    if (r == 0 && outcome.issued)
        printf("%u certificates were issued\n", outcome.issued);
    return r;
}

static int command_certs(struct context *context) {
    const char *what = context->arguments.n_words ? context->arguments.words[0] : "make";
    struct error error;
    int r = 0;

    if (!text_has_word("make show renew", what)) {
        (void)error_set(&error, -EINVAL, "certs: '%s' is none of: make show renew", what);
        return complain(EXIT_USAGE, &error);
    }
    if (!text_equal(what, "show"))
        r = ensure_certificates(context, text_equal(what, "renew"), &error);
    if (r == 0)
        r = show_certificates(context->certs, &error);
    return r < 0 ? complain(EXIT_SETUP, &error) : EXIT_OK;
}

static int command_doctor(struct context *context) {
    (void)context;
    return show_host("127.0.0.1") ? EXIT_SETUP : EXIT_OK;
}

static int command_agent(struct context *context) {
    return agent_main(context->certs, &context->registry);
}

static int command_worker(struct context *context) {
    if (!context->arguments.n_words)
        return EXIT_USAGE;
    return worker_main(context->arguments.words[0], &context->registry);
}

/* Those without help are between our own processes. */
static const struct command commands[] = {
    {"all", "[SCENARIO]", "PKI, run and report: everything (default: paper)", 1, true, command_all},
    {"run", "[SCENARIO]", "measure only", 1, true, command_run},
    {"report", "RUN...", "summary, tables and figures from the files of runs", MAX_WORDS, false,
     command_report},
    {"list", "[KIND]", "scenarios, channels, mechanisms, probes, settings, metrics", 1, false,
     command_list},
    {"check", "[SCENARIO]", "validate a scenario; print its plan and how long it takes", 1, true,
     command_check},
    {"certs", "[make|show|renew]", "make what is missing of the PKI and show it; renew all", 1, true,
     command_certs},
    {"doctor", "", "what this host has and lacks", 0, false, command_doctor},
    {"test", "[--full]", "build and run the tests (done by the launcher)", 0, false, NULL},
    {"agent", "", NULL, 0, false, command_agent},
    {"worker", "ROLE", NULL, 1, false, command_worker},
};

/* ---- the command line ---- */

enum { OPTION_CERTS = 256, OPTION_SET };

/* Options that are short for a setting. */
static const struct {
    const char *option, *path, *argument, *help;
} shorthands[] = {
    {"--channels", "scenario.channels", "LIST", "measure these, separated by blanks"},
    {"--probes", "scenario.probes", "LIST", "with these probes"},
    {"--repetitions", "scenario.repetitions", "N", "this many blocks"},
    {"--seed", "scenario.seed", "N", "of the shuffled order"},
    {"--broker-host", "hosts.broker", "HOST", "where broker and subscriber run"},
    {"--publisher-host", "hosts.publisher", "HOST", "where the publisher runs"},
};
#define FIRST_SHORTHAND 512

static int add_override(struct argp_state *state, const char *origin, const char *path,
                        const char *value) {
    struct arguments *arguments = state->input;

    if (!arguments->command->runs)
        argp_error(state, "%s goes with all, run and check only", origin);
    if (arguments->n_overrides == MAX_OVERRIDES)
        argp_error(state, "too many settings; write them into a scenario file");
    arguments->overrides[arguments->n_overrides++] =
        (struct scenario_override){origin, path, value};
    return 0;
}

static int add_set(struct argp_state *state, char *argument) {
    char *equals = strchr(argument, '=');

    if (!equals || equals == argument)
        argp_error(state, "--set takes PATH=VALUE, as in --set probe.path.duration=5s");
    *equals = '\0';
    return add_override(state, "--set", argument, equals + 1);
}

static error_t parse(int key, char *argument, struct argp_state *state) {
    struct arguments *arguments = state->input;

    if (key >= FIRST_SHORTHAND && key < FIRST_SHORTHAND + (int)ARRAY_SIZE(shorthands))
        return add_override(state, shorthands[key - FIRST_SHORTHAND].option,
                            shorthands[key - FIRST_SHORTHAND].path, argument);
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
    case OPTION_SET:
        return add_set(state, argument);
    case ARGP_KEY_ARG:
        if (arguments->n_words == arguments->command->max_words)
            argp_error(state, "%s: one word too many: '%s'", arguments->command->name, argument);
        arguments->words[arguments->n_words++] = argument;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static void fill_options(struct argp_option *options) {
    static const struct argp_option fixed[] = {
        {"set", OPTION_SET, "PATH=VALUE", 0, "any setting; `bench list settings` shows them", 0},
        {"output", 'o', "DIR", 0, "the folder for the run's folder (default: results)", 0},
        {"certs", OPTION_CERTS, "DIR", 0, "the folder of the PKI (default: certs)", 0},
        {"verbose", 'v', NULL, 0, "show proofs, and each telemetry message as it arrives", 0},
        {"quiet", 'q', NULL, 0, "show no progress", 0},
    };
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_SIZE(shorthands); i++)
        options[n++] = (struct argp_option){shorthands[i].option + 2, FIRST_SHORTHAND + (int)i,
                                            shorthands[i].argument, 0, shorthands[i].help, 0};
    memcpy(&options[n], fixed, sizeof(fixed));
}

static void print_help(FILE *out) {
    fprintf(out, "usage: bench COMMAND [OPTION...]\n\n");
    for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
        CLEANUP_FREE char *call = text_format("%s %s", commands[i].name, commands[i].words);

        if (commands[i].help)
            fprintf(out, "  %-26s %s\n", call, commands[i].help);
    }
    fprintf(out, "\n`bench COMMAND --help` shows a command's options. Exit status: 0 all well; 1 a trial\n"
                 "failed or is void; 2 usage or scenario error; 3 the set-up cannot work; 130\n"
                 "interrupted.\n");
}

static int read_command(struct context *context, int argc, char **argv, struct error *error) {
    struct arguments *arguments = &context->arguments;
    struct argp_option options[ARRAY_SIZE(shorthands) + 8] = {{0}};
    CLEANUP_FREE char *name = NULL;

    for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
        if (argc > 1 && text_equal(commands[i].name, argv[1]) && commands[i].run)
            arguments->command = &commands[i];
    if (!arguments->command)
        return error_set(error, -EINVAL, "no command '%s'; `bench --help` shows all",
                         argc > 1 ? argv[1] : "");
    arguments->verbosity = NORMAL;
    fill_options(options);
    {
        struct argp argp = {.options = options,
                            .parser = parse,
                            .args_doc = arguments->command->words,
                            .doc = arguments->command->help};

        name = text_format("bench %s", arguments->command->name);
        argv[1] = name;
        argp_err_exit_status = EXIT_USAGE;
        (void)argp_parse(&argp, argc - 1, argv + 1, 0, NULL, arguments);
    }
    return 0;
}

static void context_clear(struct context *context) {
    free(context->root);
    free(context->scenarios);
    free(context->certs);
    free(context->results);
    free(context->scripts);
}

int main(int argc, char **argv) {
    struct context context = {.root = NULL};
    struct error error;
    int status;

    if (argc > 1 && text_has_word("--help -h help", argv[1])) {
        print_help(stdout);
        return EXIT_OK;
    }
    if (argc > 1 && text_equal(argv[1], "--version")) {
        printf("mqtt-security-bench %s\n", BENCH_VERSION);
        return EXIT_OK;
    }
    if (argc < 2) {
        print_help(stderr);
        return EXIT_USAGE;
    }
    if (read_command(&context, argc, argv, &error) < 0)
        return complain(EXIT_USAGE, &error);
    fill_registry(&context);
    status = find_root(&context, &error) < 0 ? complain(EXIT_SETUP, &error)
                                             : context.arguments.command->run(&context);
    context_clear(&context);
    return status;
}
