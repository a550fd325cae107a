#include "cli/parts.h"

#include "analysis/analysis.h"
#include "base/place.h"
#include "base/process.h"
#include "hosts/facts.h"
#include "run/resumption.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

/* Trials of the run with this status, those from before it was resumed included. */
static size_t count(const struct run_outcome *outcome, enum trial_status status) {
    return outcome->before[status] + outcome->trials[status];
}

/* Whether there is a trial among these, by status. */
static bool has_any(const size_t trials[TRIAL_N_STATUSES]) {
    for (size_t i = 0; i < TRIAL_N_STATUSES; i++)
        if (trials[i])
            return true;
    return false;
}

const char *cli_shorten(const char *path) {
    CLEANUP_FREE char *here = getcwd(NULL, 0);
    size_t length = here ? strlen(here) : 0;

    return length && strncmp(path, here, length) == 0 && path[length] == '/' ? path + length + 1
                                                                             : path;
}

/* How the user starts this program, from here; the caller's. */
static char *call_from_here(const struct context *context) {
    CLEANUP_FREE char *launcher = text_format("%s/bench", context->root);
    CLEANUP_FREE char *program = cli_quote(cli_shorten(launcher));

    if (place_is_installed())
        return text_copy(place_call());
    return text_format("%s%s", strchr(program, '/') ? "" : "./", program);
}

/* What to type to see what came of it; `all` shows that by itself. */
static void tell_next(const struct context *context, const struct run_outcome *outcome) {
    CLEANUP_FREE char *run = cli_quote(cli_shorten(outcome->folder));
    CLEANUP_FREE char *program = call_from_here(context);

    if (outcome->interrupted)
        text_print(stderr, "bench: to report what is there: %s report %s\n", program, run);
    else
        text_print(stdout, "next     %s report %s\n", program, run);
}

/* What to type to go on with the run. */
static void tell_how_to_go_on(const struct context *context, const struct scenario *scenario,
                              const char *folder) {
    const struct arguments *arguments = &context->arguments;
    CLEANUP_FREE char *run = cli_quote(cli_shorten(folder)), *program = call_from_here(context);
    CLEANUP_FREE char *certs = arguments->certs ? cli_quote(arguments->certs) : NULL;
    CLEANUP_FREE char *repeated = cli_repeat(scenario, false);

    text_print(stderr, "bench: to go on with it: %s %s --resume %s%s%s%s\n", program,
               arguments->command->name, run, certs ? " --certs " : "", certs ? certs : "",
               repeated);
}

static int summarise(const struct context *context, const struct scenario *scenario,
                     const struct run_outcome *outcome, const char *folder) {
    size_t failed = count(outcome, TRIAL_FAILED), broken = count(outcome, TRIAL_VOID);

    if (failed || broken)
        text_print(stderr,
                   "bench: trials: %zu failed, %zu void; the reasons are in %s/trials.csv\n",
                   failed, broken, folder);
    if (!outcome->interrupted)
        return failed || broken ? EXIT_TRIALS : EXIT_OK;
    text_print(stderr, "bench: interrupted; what was measured is in %s\n",
               folder ? folder : "no folder: nothing was");
    if (folder)
        tell_how_to_go_on(context, scenario, folder);
    return EXIT_INTERRUPTED;
}

static int tell_broken_off(const struct context *context, const struct scenario *scenario,
                           const struct run_outcome *outcome, const char *folder,
                           const struct error *error) {
    if (folder)
        text_print(stderr, "bench: the run broke off; %s is in %s\n",
                   has_any(outcome->before) || has_any(outcome->trials)
                       ? "what was measured"
                       : "nothing was measured; its record",
                   folder);
    (void)complain(EXIT_SETUP, error);
    if (folder)
        tell_how_to_go_on(context, scenario, folder);
    return EXIT_SETUP;
}

/* The driver records; what its record says is the report's to find out. Blocks without a value, of
 * void trials say, are measured, but count for nothing: a few lucky values would be taken for a
 * narrow interval. */
static int is_enough(void *context, const char *folder, bool *ret, double *ret_widest,
                     struct error *error) {
    const struct scenario *scenario = context;
    struct repetitions repetitions = scenario_repetitions(scenario);
    double widest;
    size_t fewest;
    int r = analysis_precision(folder, &widest, &fewest, error);

    if (r < 0)
        return r;
    if ((int64_t)fewest < repetitions.smallest)
        widest = NAN;
    *ret = widest < repetitions.precision; /* never, when it is NaN */
    *ret_widest = widest;
    return 0;
}

/* Measures, with the signals that end a run as a readable descriptor instead of a sudden end. */
static int measure(struct context *context, struct scenario *scenario,
                   struct resumption *resumption, struct run_outcome *outcome) {
    struct run_options options = {.scenario = scenario,
                                  .resumption = resumption,
                                  .results = context->results,
                                  .certs = context->certs,
                                  .root = context->root,
                                  .verbosity = context->arguments.verbosity,
                                  .question = {is_enough, scenario}};
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
    place_make_data();
    options.cancel_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
    r = run_scenario(&options, outcome, &error);
    if (options.cancel_fd >= 0)
        (void)close(options.cancel_fd);
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
    folder = resumption ? resumption->folder : outcome->folder;
    return r < 0 ? tell_broken_off(context, scenario, outcome, folder, &error)
                 : summarise(context, scenario, outcome, folder);
}

/* A run that goes on is the experiment that it was: the command line may repeat what the run has
 * executed and read, and change nothing. */
static int check_resume(const struct arguments *arguments, struct scenario *scenario,
                        struct error *error) {
    const char *origin = arguments->output ? "--output" : NULL;

    for (size_t i = 0; i < arguments->n_overrides; i++) {
        const struct scenario_override *one = &arguments->overrides[i];

        if (!scenario_repeat(scenario, one->path, one->value))
            origin = one->origin;
    }
    if (!origin)
        return 0;
    return error_set(error, -EINVAL,
                     "--resume does not go with %s: a run goes on as it began; start a new one "
                     "to change it",
                     origin);
}

static int open_run(struct context *context, struct resumption **ret) {
    CLEANUP(resumption_closep) struct resumption *resumption = NULL;
    const struct arguments *arguments = &context->arguments;
    struct error error;
    int r = 0, status;

    if (arguments->n_words)
        r = error_set(&error, -EINVAL,
                      "--resume takes no SCENARIO ('%s'): a run goes on with its own",
                      arguments->words[0]);
    if (r == 0)
        r = resumption_open(&resumption, arguments->resume, &context->registry, &error);
    if (r == 0)
        r = check_resume(arguments, resumption->scenario, &error);
    if (r < 0)
        return complain(EXIT_USAGE, &error);
    status = cli_obey_refusals(context, resumption->scenario);
    if (status != EXIT_OK)
        return status;
    *ret = resumption;
    resumption = NULL;
    return EXIT_OK;
}

static int run(struct context *context, bool with_report) {
    CLEANUP(scenario_freep) struct scenario *scenario = NULL;
    CLEANUP(resumption_closep) struct resumption *resumption = NULL;
    struct run_outcome outcome;
    int status;

    status =
        context->arguments.resume ? open_run(context, &resumption) : cli_load(context, &scenario);
    if (status != EXIT_OK)
        return status;
    status = measure(context, resumption ? resumption->scenario : scenario, resumption, &outcome);
    /* Nothing was measured now where a run that is to go on is complete. */
    if (!with_report && status != EXIT_SETUP && has_any(outcome.trials))
        tell_next(context, &outcome);
    if (with_report && outcome.folder &&
        count(&outcome, TRIAL_OK) + count(&outcome, TRIAL_VOID) + count(&outcome, TRIAL_FAILED)) {
        printf("\n");
        status = cli_report(context, (const char *const[]){outcome.folder}, 1, status);
    }
    free(outcome.folder);
    return status;
}

/* What the report would lack here, hours before it is made. */
static void warn_of_report(const char *scripts) {
    CLEANUP(facts_programs_close) struct facts_programs programs;

    facts_programs_open(&programs, scripts);
    for (size_t i = 0; i < programs.n; i++) {
        const struct facts_program *program = &programs.rows[i];
        CLEANUP_FREE char *path = NULL;

        if (program->need == NEED_DRIVER && process_find(&path, program->name, NULL) < 0)
            text_print(stderr,
                       "bench: %s is not installed, so there will be no %s; apt-get install %s, or "
                       "run `%s report` elsewhere\n",
                       program->name, program->purpose, program->package, place_call());
    }
}

int command_all(struct context *context) {
    warn_of_report(context->scripts);
    return run(context, true);
}

int command_run(struct context *context) {
    return run(context, false);
}
