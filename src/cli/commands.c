#include "cli/parts.h"

#include "base/place.h"
#include "base/process.h"
#include "base/suggestion.h"
#include "base/terminal.h"
#include "hosts/agent.h"
#include "hosts/kind.h"
#include "hosts/relay.h"
#include "hosts/worker.h"
#include "run/doctor.h"
#include "run/list.h"
#include "run/speed.h"
#include "security/key_token.h"
#include "security/mechanism.h"
#include "security/pki.h"

#include <errno.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

bool command_is_offered(const struct command *command, bool installed) {
    return command->help && (command->run || !installed);
}

char *cli_typed(const char *text, const char *call) {
    static const char name[] = "`bench ";
    char *typed = text_copy("");

    for (const char *found; (found = strstr(text, name)); text = found + strlen(name)) {
        CLEANUP_FREE char *piece = text_format("%.*s`%s ", (int)(found - text), text, call);

        text_append(&typed, "", piece);
    }
    text_append(&typed, "", text);
    return typed;
}

int complain(int status, const struct error *error) {
    CLEANUP_FREE char *text = cli_typed(error->text, place_call());

    terminal_print(stderr, STYLE_BAD, "bench: error:");
    text_print(stderr, " %s\n", text);
    return status;
}

static int load(struct context *context, struct scenario **ret) {
    const struct arguments *arguments = &context->arguments;
    const char *name = arguments->n_words ? arguments->words[0] : "paper";
    struct error error;

    if (scenario_load(ret, &context->registry, context->scenarios, name, arguments->overrides,
                      arguments->n_overrides, &error) < 0 ||
        issue_check_fleet(*ret, &error) < 0)
        return complain(EXIT_USAGE, &error);
    return EXIT_OK;
}

int cli_load(struct context *context, struct scenario **ret) {
    CLEANUP(scenario_freep) struct scenario *scenario = NULL;
    int status = load(context, &scenario);

    if (status == EXIT_OK)
        status = cli_obey_refusals(context, scenario);
    if (status == EXIT_OK) {
        *ret = scenario;
        scenario = NULL;
    }
    return status;
}

/* ---- commands ---- */

static int command_check(struct context *context) {
    CLEANUP(scenario_freep) struct scenario *scenario = NULL;
    int status = load(context, &scenario);
    struct error error;

    if (status != EXIT_OK)
        return status;
    list_plan(scenario);
    status = cli_obey_refusals(context, scenario);
    if (status != EXIT_OK)
        return status;
    if (site_check_hosts(scenario, &error) < 0)
        return complain(EXIT_USAGE, &error);
    return issue_check_files(scenario, &error) < 0 ? complain(EXIT_SETUP, &error) : EXIT_OK;
}

static int command_list(struct context *context) {
    const struct arguments *arguments = &context->arguments;
    struct error error;

    if (list_print(arguments->n_words ? arguments->words[0] : NULL,
                   arguments->n_words > 1 ? arguments->words[1] : "", &context->registry,
                   context->scenarios, &error) < 0)
        return complain(EXIT_USAGE, &error);
    return EXIT_OK;
}

/* One store; any but that of the default type of key only when it is there already. */
static int ensure_store(struct context *context, const struct scenario *scenario,
                        const struct pki_chain *chain, bool renew, unsigned *issued,
                        struct error *error) {
    const struct hosts_settings *hosts = settings_get(&scenario->settings, &hosts_group);
    const struct certificates_settings *certificates =
        settings_get(&scenario->settings, &certificates_group);
    struct pki_passphrase_source source = {context->certs, isatty(STDIN_FILENO)};
    struct pki_options options = {.folder = context->certs,
                                  .chain = *chain,
                                  .validity_ns = certificates->validity_ns,
                                  .renew_before_ns = certificates->renew_before_ns,
                                  .addresses = hosts->address,
                                  .passphrase = pki_passphrase,
                                  .context = &source,
                                  .force = renew};
    CLEANUP_FREE char *store = pki_store(context->certs, chain);
    unsigned n = 0;
    int r = 0;

    if (text_equal(store, context->certs) || access(store, F_OK) == 0)
        r = pki_ensure(&options, &n, error);
    *issued += n;
    if (r != -EOPNOTSUPP || text_equal(store, context->certs))
        return r;
    text_print(stderr, "%s: left as it is: %s\n", store, error->text); /* of another machine */
    return 0;
}

static int ensure_certificates(struct context *context, bool renew, struct error *error) {
    CLEANUP(scenario_freep) struct scenario *scenario = NULL;
    struct pki_chain chain;
    unsigned issued = 0;
    size_t cursor = 0;
    int r = scenario_load(&scenario, &context->registry, context->scenarios, "paper",
                          context->arguments.overrides, context->arguments.n_overrides, error);

    while (r == 0 && pki_next_chain(&cursor, &chain))
        r = ensure_store(context, scenario, &chain, renew, &issued, error);
    if (issued)
        printf("%u certificates were issued\n", issued);
    return r;
}

static int command_certs(struct context *context) {
    const char *what = context->arguments.n_words ? context->arguments.words[0] : "make";
    struct error error;
    int r = 0;

    if (!text_has_word("make show renew", what)) {
        CLEANUP_FREE char *meant = suggestion(what, "make show renew");

        (void)error_set(&error, -EINVAL, "certs: '%s' is none of: make show renew%s", what, meant);
        return complain(EXIT_USAGE, &error);
    }
    place_make_data();
    if (!text_equal(what, "show"))
        r = ensure_certificates(context, text_equal(what, "renew"), &error);
    if (r == 0)
        r = list_certificates(context->certs, &error);
    return r < 0 ? complain(EXIT_SETUP, &error) : EXIT_OK;
}

static int command_doctor(struct context *context) {
    CLEANUP(scenario_freep) struct scenario *scenario = NULL;
    int status = cli_load(context, &scenario); /* without a word the usual one: for its hosts */

    if (status != EXIT_OK)
        return status;
    return doctor_examine(scenario, context->certs, context->scripts) ? EXIT_SETUP : EXIT_OK;
}

static int command_speed(struct context *context) {
    CLEANUP(scenario_freep) struct scenario *scenario = NULL;
    const struct arguments *arguments = &context->arguments;
    int status = cli_load(context, &scenario);
    struct error error;

    if (status != EXIT_OK)
        return status;
    return speed_show(scenario, context->certs, arguments->fresh, arguments->verbosity != QUIET,
                      &error) < 0
               ? complain(EXIT_SETUP, &error)
               : EXIT_OK;
}

/* A host to deploy to is one that ssh reaches. */
static int check_target(const char *spec, struct error *error) {
    CLEANUP_FREE char *whole = text_format("%s%s", host_kind_ssh.prefix, spec);
    CLEANUP_FREE char *meant = NULL;

    if (strncmp(spec, host_kind_ssh.prefix, strlen(host_kind_ssh.prefix)) == 0)
        return host_kind_check(spec, error);
    if (host_kind_refuse_password(spec, error) < 0)
        return -EINVAL;
    if (!host_kind_find(spec, NULL) && host_kind_check(whole, NULL) == 0)
        return error_set(error, -EINVAL, "'%s' is no host; over ssh it is %s", spec, whole);
    meant = suggestion_of_list(spec, "ssh");
    return error_set(error, -EINVAL,
                     "%s is not reached over ssh%s; right would be, say, ssh://pi@pi-a", spec,
                     meant);
}

/* What scripts/deploy is told of a host, and how ssh reaches it. */
static int deploy_words(const char *spec, const char *folder, struct words *ret,
                        struct error *error) {
    CLEANUP_FREE char *program = process_own_path();

    words_add_all(ret, "deploy");
    words_add(ret, "%s", spec);
    words_add(ret, "%s", folder);
    words_add(ret, "%s", program);
    if (check_target(spec, error) == 0 && ssh_options(spec, ret, error) == 0)
        return 0;
    return error_prefix(error, -EINVAL, "deploy");
}

/* A script's work: it is done with git, tar and ssh. Of several hosts each takes a process, one
 * after the other; the last takes the place of this one. Returns an exit status. */
static int deploy_to(const struct context *context, const struct words *words, bool is_last) {
    CLEANUP_FREE char *script = text_format("%s/deploy", context->scripts);
    pid_t child = is_last ? 0 : fork();
    struct error error;
    int status = 0;

    if (child > 0) {
        while (waitpid(child, &status, 0) < 0 && errno == EINTR)
            continue;
        return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_INTERRUPTED;
    }
    if (child == 0)
        (void)execv(script, words->list);
    (void)error_errno(&error, -errno, "%s", script);
    status = complain(EXIT_SETUP, &error);
    if (child == 0 && !is_last)
        _exit(status);
    return status;
}

static int command_deploy(struct context *context) {
    const struct arguments *arguments = &context->arguments;
    const char *const *specs = arguments->words;
    size_t n = arguments->n_words;
    CLEANUP(scenario_freep) struct scenario *scenario = NULL;
    const struct hosts_settings *hosts;
    struct error error;
    int status = EXIT_OK;

    if (!n) {
        (void)error_set(&error, -EINVAL,
                        "deploy to which host? As in `bench deploy ssh://pi@pi-a`");
        return complain(EXIT_USAGE, &error);
    }
    if (scenario_load(&scenario, &context->registry, context->scenarios, "paper",
                      arguments->overrides, arguments->n_overrides, &error) < 0)
        return complain(EXIT_USAGE, &error);
    hosts = settings_get(&scenario->settings, &hosts_group);
    /* First all are looked at. */
    for (size_t i = 0; i < n; i++) {
        CLEANUP(words_clear) struct words words = {NULL, 0};

        if (deploy_words(specs[i], hosts->folder, &words, &error) < 0)
            return complain(EXIT_USAGE, &error);
    }
    for (size_t i = 0; i < n && status == EXIT_OK; i++) {
        CLEANUP(words_clear) struct words words = {NULL, 0};

        (void)deploy_words(specs[i], hosts->folder, &words, &error);
        status = deploy_to(context, &words, i + 1 == n);
    }
    return status;
}

/* For that script: the last words of ssh and of the host come on stdin; they are shown, and what
 * helps goes to stdout. */
static int command_explain(struct context *context) {
    const struct arguments *arguments = &context->arguments;
    struct launch launch = {.spec = arguments->words[0], .folder = "folder"};
    CLEANUP_FREE char *advice = NULL;
    char words[4096];

    if (arguments->n_words < 2 || host_kind_find(launch.spec, NULL) != &host_kind_ssh)
        return EXIT_USAGE;
    words[fread(words, 1, sizeof(words) - 1, stdin)] = '\0';
    advice = host_kind_ssh.advise(&launch, atoi(arguments->words[1]), words);
    text_print(stderr, "%s\n", words);
    text_print(stdout, "%s\n", advice ? advice : "see above");
    return EXIT_OK;
}

static int command_agent(struct context *context) {
    place_make_data();
    return agent_main(context->certs, context->scripts, &context->registry);
}

static int command_relay(struct context *context) {
    (void)context;
    return relay_main();
}

static int command_worker(struct context *context) {
    if (!context->arguments.n_words)
        return EXIT_USAGE;
    return worker_main(context->arguments.words[0], &context->registry);
}

static int command_token(struct context *context) {
    return key_token_main(context->arguments.words, context->arguments.n_words);
}

/* Those without help are between our own processes. */
const struct command commands[] = {
    {"all", "[SCENARIO]", "certificates, run and report: everything (default: paper)", 1,
     command_all,
     "all quick\n"
     "all quick --repetitions 8 --channels 'plain password tls'\n"
     "all quick --broker-host lab:a --publisher-host lab:b"},
    {"run", "[SCENARIO]", "measure only", 1, command_run,
     "run quick --repetitions 'until 20%'\n"
     "run quick --probes 'connect latency' --seed 7\n"
     "run quick --set probe.delivery.payload=1KiB --quiet"},
    {"report", "RUN...",
     "tables, figures and page of runs (folders or archives); several side by side", MAX_WORDS,
     command_report,
     "report results/example\n"
     "report results/example --legend\n"
     "report results/example --json"},
    {"estimate", "RUN", "what many devices would take of a broker, from a run's measured costs", 1,
     command_estimate,
     "estimate results/costs --devices 1000000 --interval 3s\n"
     "estimate results/costs --devices 5000 --interval 1min\n"
     "estimate results/costs --devices 900 --interval 1s --reconnects 4/h"},
    {"gate", "RUN --against BASELINE...",
     "is a run slower than at least three earlier ones? 0 no, 4 slower, 5 undecided", 1,
     command_gate,
     "gate results/new --against results/old-*\n"
     "gate results/new --against results/old-* --metric delivery\n"
     "gate results/new --against results/old-* --margin 10%"},
    {"list", "[KIND [PART]]", "scenarios, channels, mechanisms, probes, settings, metrics", 2,
     command_list,
     "list\n"
     "list channels\n"
     "list settings probe.connect"},
    {"check", "[SCENARIO]", "validate a scenario; print its plan and how long it takes", 1,
     command_check,
     "check\n"
     "check quick --repetitions 20\n"
     "check quick --set channel.mine.use=tls --channels 'plain mine'"},
    {"certs", "[make|show|renew]",
     "make what certificates are missing, and show them; or renew all", 1, command_certs,
     "certs\n"
     "certs show\n"
     "certs renew --certs results/certs"},
    {"speed", "[SCENARIO]", "what each host's processor does: ciphers, key agreements, signatures",
     1, command_speed,
     "speed\n"
     "speed --fresh\n"
     "speed quick --quiet"},
    {"doctor", "[SCENARIO]", "what each host has and lacks (default: paper)", 1, command_doctor,
     "doctor\n"
     "doctor quick\n"
     "doctor --broker-host lab:a --publisher-host lab:b"},
    {"deploy", "HOST...", "copy the sources there (ssh://[USER@]NAME[:PORT]), install, build",
     MAX_WORDS, command_deploy,
     "deploy ssh://pi@pi-a\n"
     "deploy ssh://pi@pi-a ssh://pi@pi-b\n"
     "deploy ssh://pi-c:2222 --set hosts.folder=bench"},
    {"test", "[--full] [NAME...]", "build and run the tests (done by the launcher)", 0, NULL, NULL},
    {"analyse", "RUN", NULL, 1, command_analyse, NULL},
    {"complete", "WORD...", NULL, MAX_WORDS, command_complete, NULL},
    {"manual", "", NULL, 0, command_manual, NULL},
    {"explain", "HOST STATUS", NULL, 2, command_explain, NULL},
    {"agent", "", NULL, 0, command_agent, NULL},
    {"relay", "", NULL, 0, command_relay, NULL},
    {"token", "ACT KEY [TYPE NAME]", NULL, 4, command_token, NULL},
    {"worker", "ROLE", NULL, 1, command_worker, NULL},
};
const size_t n_commands = ARRAY_SIZE(commands);
