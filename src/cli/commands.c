#include "cli/commands.h"

#include "base/process.h"
#include "hosts/agent.h"
#include "hosts/worker.h"
#include "report/report.h"
#include "run/doctor.h"
#include "run/list.h"
#include "run/show.h"
#include "security/mechanism.h"
#include "security/pki.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

int complain(int status, const struct error *error) {
    bool colour = isatty(STDERR_FILENO) && !getenv("NO_COLOR");

    fprintf(stderr, "%sbench: error:%s %s\n", colour ? "\033[31m" : "", colour ? "\033[0m" : "",
            error->text);
    return status;
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

/* A path as the user would write it: without the current folder in front. */
static const char *shorten(const char *path) {
    CLEANUP_FREE char *here = getcwd(NULL, 0);
    size_t length = here ? strlen(here) : 0;

    return length && strncmp(path, here, length) == 0 && path[length] == '/' ? path + length + 1
                                                                             : path;
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
    printf("\ntables   %s/table.{txt,md,tex}\nfigures  %s/throughput.{svg,png,pdf}\n", shorten(run),
           shorten(plots));
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

/* ---- measuring ---- */

/* Trials of the run with this status, those from before it was resumed included. */
static size_t count(const struct run_outcome *outcome, enum trial_status status) {
    return outcome->before[status] + outcome->trials[status];
}

static bool has_trials(const struct run_outcome *outcome) {
    size_t sum = 0;

    for (size_t i = 0; i < ARRAY_SIZE(outcome->trials); i++)
        sum += count(outcome, (enum trial_status)i);
    return sum > 0;
}

/* A path as a word that a shell takes for one; belongs to the caller. */
static char *quote(const char *path) {
    return path[strcspn(path, " \t\n\"'\\$`&;|<>()*?[]{}!#~")] ? text_format("'%s'", path)
                                                               : text_copy(path);
}

/* What to type to go on with the run. */
static void tell_how_to_go_on(const struct context *context, const char *folder) {
    const struct arguments *arguments = &context->arguments;
    CLEANUP_FREE char *launcher = text_format("%s/bench", context->root);
    CLEANUP_FREE char *run = quote(shorten(folder)), *program = quote(shorten(launcher));
    CLEANUP_FREE char *certs = arguments->certs ? quote(arguments->certs) : NULL;

    fprintf(stderr, "bench: to go on with it: %s%s %s --resume %s%s%s\n",
            strchr(program, '/') ? "" : "./", program, arguments->command->name, run,
            certs ? " --certs " : "", certs ? certs : "");
}

static int summarise(const struct context *context, const struct run_outcome *outcome,
                     const char *folder) {
    size_t failed = count(outcome, TRIAL_FAILED), broken = count(outcome, TRIAL_VOID);

    if (failed || broken)
        fprintf(stderr,
                "bench: %zu trials failed and %zu are void; the reasons are in %s/trials.csv\n",
                failed, broken, folder);
    if (!outcome->interrupted)
        return failed || broken ? EXIT_TRIALS : EXIT_OK;
    fprintf(stderr, "bench: interrupted; what was measured is in %s\n",
            folder ? folder : "no folder: nothing was");
    if (folder)
        tell_how_to_go_on(context, folder);
    return EXIT_INTERRUPTED;
}

static int tell_broken_off(const struct context *context, const struct run_outcome *outcome,
                           const char *folder, const struct error *error) {
    if (folder)
        fprintf(stderr, "bench: the run broke off; %s is in %s\n",
                has_trials(outcome) ? "what was measured" : "nothing was measured; its record",
                folder);
    (void)complain(EXIT_SETUP, error);
    if (folder)
        tell_how_to_go_on(context, folder);
    return EXIT_SETUP;
}

/* Measures, with the signals that end a run as a readable descriptor instead of a sudden end. */
static int measure(struct context *context, const struct scenario *scenario,
                   struct resumption *resumption, struct run_outcome *outcome) {
    struct run_options options = {.scenario = scenario,
                                  .resumption = resumption,
                                  .results = context->results,
                                  .certs = context->certs,
                                  .root = context->root,
                                  .verbosity = context->arguments.verbosity};
    struct sigaction hangup = {0};
    const char *folder;
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
    options.cancel_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
    r = run_scenario(&options, outcome, &error);
    if (options.cancel_fd >= 0)
        (void)close(options.cancel_fd);
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
    folder = resumption ? resumption->folder : outcome->folder;
    return r < 0 ? tell_broken_off(context, outcome, folder, &error)
                 : summarise(context, outcome, folder);
}

/* A run that goes on is the experiment that it was. */
static int check_resume(const struct arguments *arguments, struct error *error) {
    const char *origin = arguments->n_overrides ? arguments->overrides[0].origin
                         : arguments->output    ? "--output"
                                                : NULL;

    if (arguments->n_words)
        return error_set(error, -EINVAL,
                         "--resume takes no SCENARIO ('%s'): a run goes on with its own",
                         arguments->words[0]);
    if (origin)
        return error_set(error, -EINVAL,
                         "--resume does not go with %s: a run goes on as it began; start a new one "
                         "to change it",
                         origin);
    return 0;
}

static int open_run(struct context *context, struct resumption **ret) {
    struct error error;
    int r = check_resume(&context->arguments, &error);

    if (r == 0)
        r = resumption_open(ret, context->arguments.resume, &context->registry, &error);
    return r < 0 ? complain(EXIT_USAGE, &error) : EXIT_OK;
}

static int run(struct context *context, bool with_report) {
    CLEANUP(scenario_freep) struct scenario *scenario = NULL;
    CLEANUP(resumption_closep) struct resumption *resumption = NULL;
    struct run_outcome outcome;
    int status, reported;

    status = context->arguments.resume ? open_run(context, &resumption) : load(context, &scenario);
    if (status != EXIT_OK)
        return status;
    status = measure(context, resumption ? resumption->scenario : scenario, resumption, &outcome);
    if (with_report && outcome.folder &&
        count(&outcome, TRIAL_OK) + count(&outcome, TRIAL_VOID) + count(&outcome, TRIAL_FAILED)) {
        printf("\n");
        reported = report(context, outcome.folder);
        status = status ? status : reported;
    }
    run_outcome_clear(&outcome);
    return status;
}

static int command_all(struct context *context) {
    CLEANUP_FREE char *gnuplot = NULL;

    if (process_find(&gnuplot, "gnuplot", NULL) < 0) /* hours before it is needed */
        fprintf(stderr, "bench: gnuplot is not installed, so there will be no figures; "
                        "apt-get install gnuplot-nox, or run `bench report` elsewhere\n");
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

/* One store; those of other types of key than the default only when they are there already. */
static int ensure_store(struct context *context, const struct scenario *scenario,
                        const char *key_type, bool renew, unsigned *issued, struct error *error) {
    const struct hosts_settings *hosts = settings_get(&scenario->settings, &hosts_group);
    const struct certificates_settings *certificates =
        settings_get(&scenario->settings, &certificates_group);
    struct pki_passphrase_source source = {context->certs, isatty(STDIN_FILENO)};
    struct pki_options options = {.folder = context->certs,
                                  .key_type = key_type,
                                  .validity_ns = certificates->validity_ns,
                                  .renew_before_ns = certificates->renew_before_ns,
                                  .addresses = hosts->address,
                                  .passphrase = pki_passphrase,
                                  .context = &source,
                                  .force = renew};
    CLEANUP_FREE char *store = pki_store(context->certs, key_type);
    struct pki_outcome outcome = {0};
    int r = 0;

    if (text_equal(key_type, PKI_DEFAULT_KEY_TYPE) || access(store, F_OK) == 0)
        r = pki_ensure(&options, &outcome, error);
    *issued += outcome.issued;
    return r;
}

static int ensure_certificates(struct context *context, bool renew, struct error *error) {
    CLEANUP(scenario_freep) struct scenario *scenario = NULL;
    const char *cursor = PKI_KEY_TYPES, *word;
    unsigned issued = 0;
    size_t length;
    int r = scenario_load(&scenario, &context->registry, context->scenarios, "paper",
                          context->arguments.overrides, context->arguments.n_overrides, error);

    while (r == 0 && (word = text_next_word(&cursor, &length))) {
        CLEANUP_FREE char *key_type = strndup(word, length);

        r = ensure_store(context, scenario, key_type, renew, &issued, error);
    }
    if (issued)
        printf("%u certificates were issued\n", issued);
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
    CLEANUP(scenario_freep) struct scenario *scenario = NULL;
    int status = load(context, &scenario); /* the usual one: for its hosts */

    if (status != EXIT_OK)
        return status;
    return doctor_examine(scenario, context->certs) ? EXIT_SETUP : EXIT_OK;
}

/* A script's work: it is done with git, tar and ssh. */
static int command_deploy(struct context *context) {
    const struct arguments *arguments = &context->arguments;
    CLEANUP(scenario_freep) struct scenario *scenario = NULL;
    CLEANUP_FREE char *script = text_format("%s/deploy", context->scripts);
    const struct hosts_settings *hosts;
    struct error error;

    if (!arguments->n_words) {
        (void)error_set(&error, -EINVAL, "deploy to which host? ssh://[USER@]NAME[:PORT]");
        return complain(EXIT_USAGE, &error);
    }
    if (scenario_load(&scenario, &context->registry, context->scenarios, "paper",
                      arguments->overrides, arguments->n_overrides, &error) < 0)
        return complain(EXIT_USAGE, &error);
    hosts = settings_get(&scenario->settings, &hosts_group);
    (void)execl(script, "deploy", arguments->words[0], hosts->folder, (char *)NULL);
    (void)error_errno(&error, -errno, "%s", script);
    return complain(EXIT_SETUP, &error);
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
const struct command commands[] = {
    {"all", "[SCENARIO]", "certificates, run and report: everything (default: paper)", 1, true,
     true, command_all},
    {"run", "[SCENARIO]", "measure only", 1, true, true, command_run},
    {"report", "RUN...", "summary, tables and figures from the files of runs", MAX_WORDS, false,
     false, command_report},
    {"list", "[KIND]", "scenarios, channels, mechanisms, probes, settings, metrics", 1, false,
     false, command_list},
    {"check", "[SCENARIO]", "validate a scenario; print its plan and how long it takes", 1, true,
     false, command_check},
    {"certs", "[make|show|renew]",
     "make what certificates are missing, and show them; or renew all", 1, true, false,
     command_certs},
    {"doctor", "", "what each host has and lacks", 0, true, false, command_doctor},
    {"deploy", "HOST", "copy the sources there (ssh://[USER@]NAME[:PORT]), install, build", 1, true,
     false, command_deploy},
    {"test", "[--full]", "build and run the tests (done by the launcher)", 0, false, false, NULL},
    {"agent", "", NULL, 0, false, false, command_agent},
    {"worker", "ROLE", NULL, 1, false, false, command_worker},
};
const size_t n_commands = ARRAY_SIZE(commands);
