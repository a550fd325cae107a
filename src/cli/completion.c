/* What a shell offers for the word that is being typed, from the tables: `bench complete --
 * WORD...`, for scripts/completion.bash. The words are those behind the program's name; the last is
 * begun. */
#include "cli/options.h"
#include "cli/parts.h"

#include "base/place.h"
#include "hosts/kind.h"
#include "probes/probe.h"
#include "run/list.h"

#include <dirent.h>
#include <string.h>
#include <sys/stat.h>

struct request {
    struct context *context;
    const char *const *words;
    size_t n;
    const char *begun;             /* the last word */
    const struct command *command; /* NULL: it is the command that is typed */
};

static void offer(const struct request *request, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void offer(const struct request *request, const char *format, ...) {
    CLEANUP_FREE char *word = NULL;
    va_list arguments;

    va_start(arguments, format);
    word = text_vformat(format, arguments);
    va_end(arguments);
    if (strncmp(word, request->begun, strlen(request->begun)) == 0)
        text_print(stdout, "%s\n", word);
}

/* ---- kinds of words, by what stands for them in the tables ---- */

static void offer_name(void *context, const char *name, const char *path) {
    (void)path;
    offer(context, "%s", name);
}

static void offer_files(const struct request *request, const char *subfolder) {
    scenario_each_file(&request->context->registry, request->context->scenarios, subfolder,
                       offer_name, (void *)request);
}

static void offer_scenarios(const struct request *request) {
    offer_files(request, ".");
}

static void offer_channels(const struct request *request) {
    offer_files(request, "channels");
}

static void offer_probes(const struct request *request) {
    for (size_t i = 0; i < n_probes; i++)
        offer(request, "%s", probe_name(probes[i]));
}

static void offer_kinds(const struct request *request) {
    const char *kind;

    for (size_t i = 0; (kind = list_kind(i)); i++)
        offer(request, "%s", kind);
}

static void offer_hosts(const struct request *request) {
    static const char *const hosts[] = {"local", "lab:a", "lab:b", "ssh://", "exec:"};

    for (size_t i = 0; i < ARRAY_SIZE(hosts); i++)
        offer(request, "%s", hosts[i]);
}

static void offer_targets(const struct request *request) {
    offer(request, "%s", host_kind_ssh.prefix);
}

/* As seen from here: what a user would type. */
static void offer_results(const struct request *request, bool archives) {
    const char *results = cli_shorten(request->context->results);
    struct dirent **entries = NULL;
    int count = scandir(request->context->results, &entries, NULL, alphasort);

    for (int i = 0; i < count; i++) {
        CLEANUP_FREE char *path = text_format("%s/%s", results, entries[i]->d_name);
        struct stat status;

        if (entries[i]->d_name[0] != '.' &&
            (archives || (stat(path, &status) == 0 && S_ISDIR(status.st_mode))))
            offer(request, "%s", path);
        free(entries[i]);
    }
    free(entries);
}

static void offer_runs(const struct request *request) {
    offer_results(request, false);
}

static void offer_runs_and_archives(const struct request *request) {
    offer_results(request, true);
}

struct in_channel {
    const struct request *request;
    const struct setting_group *group;
};

static void offer_of_channel(void *context, const char *name, const char *path) {
    const struct in_channel *in = context;
    const char *group = text_equal(in->group->name, "channel") ? "" : in->group->name;

    (void)path;
    for (size_t i = 0; i < in->group->n_rows; i++)
        offer(in->request, "channel.%s.%s%s%s=", name, group, *group ? "." : "",
              in->group->rows[i].key);
}

static void offer_channel(void *context, const char *name, const char *path) {
    (void)path;
    offer(context, "channel.%s.", name);
}

/* Those of channels once it is said of which. */
static void offer_settings(const struct request *request) {
    const struct registry *registry = &request->context->registry;
    const char *dot = strchr(request->begun, '.');
    bool in_channel = dot && strchr(dot + 1, '.');

    if (!in_channel)
        scenario_each_file(registry, request->context->scenarios, "channels", offer_channel,
                           (void *)request);
    for (size_t i = 0; i < registry->n_groups; i++) {
        const struct setting_group *group = registry->groups[i];

        for (size_t k = 0; group->scope != SETTING_CHANNEL && k < group->n_rows; k++)
            offer(request, "%s.%s=", group->name, group->rows[k].key);
        if (group->scope == SETTING_CHANNEL && in_channel)
            scenario_each_file(registry, request->context->scenarios, "channels", offer_of_channel,
                               &(struct in_channel){request, group});
    }
}

/* What is said of the settings and metrics in parts. */
static void offer_list(const struct request *request) {
    const struct registry *registry = &request->context->registry;
    const char *kind = request->n > 2 ? request->words[1] : NULL;

    if (!kind)
        offer_kinds(request);
    else if (text_equal(kind, "metrics"))
        offer_probes(request);
    for (size_t i = 0; kind && text_equal(kind, "settings") && i < registry->n_groups; i++)
        offer(request, "%s", registry->groups[i]->name);
}

/* Of a probe once it is said of which; those that the gate can judge. */
static void offer_metrics(const struct request *request) {
    if (!strchr(request->begun, '.')) {
        offer_probes(request);
        return;
    }
    for (size_t i = 0; i < n_probes; i++)
        for (size_t k = 0; k < probes[i]->n_metrics; k++)
            if (probes[i]->metrics[k].better != METRIC_NONE)
                offer(request, "%s.%s", probe_name(probes[i]), probes[i]->metrics[k].name);
}

/* What stands for a word that a command or an option takes: of that one alone, or ("") of any. */
static const struct {
    const char *of, *word;
    void (*offer)(const struct request *request);
} kinds[] = {
    {"--channels", "LIST", offer_channels}, {"--probes", "LIST", offer_probes},
    {"--metric", "PROBE", offer_metrics},   {"deploy", "HOST", offer_targets},
    {"list", "KIND", offer_list},           {"report", "RUN", offer_runs_and_archives},
    {"", "BASELINE", offer_runs},           {"", "HOST", offer_hosts},
    {"", "PATH=VALUE", offer_settings},     {"", "RUN", offer_runs},
    {"", "SCENARIO", offer_scenarios},
};

static bool is_letter(char c) {
    return (c >= 'A' && c <= 'Z') || c == '=';
}

/* Whether the word is in a text such as "[SCENARIO]" or "RUN...". */
static bool names_word(const char *text, const char *word) {
    const char *found = strstr(text, word);

    return *word && found && (found == text || !is_letter(found[-1])) &&
           !is_letter(found[strlen(word)]);
}

static void offer_kind(const struct request *request, const char *of, const char *text) {
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
        if ((!*kinds[i].of || text_equal(kinds[i].of, of)) && names_word(text, kinds[i].word)) {
            kinds[i].offer(request);
            return;
        }
}

/* The row of a setting as --set calls it, those of channels included. */
static const struct setting *find_setting(const struct registry *registry, const char *path) {
    const char *name = strncmp(path, "channel.", 8) == 0 ? path + 8 : NULL;
    const char *in_channel = name ? strchr(name, '.') : NULL;
    const struct setting_group *group;
    const struct setting *row;

    if (!in_channel)
        return registry_find(registry, 1 << SETTING_SCENARIO | 1 << SETTING_PROBE, path, &group);
    row = registry_find(registry, 1 << SETTING_CHANNEL, in_channel + 1, &group);
    return row ? row : setting_find(&channel_group, in_channel + 1);
}

/* Of a choice its words; else what an option takes that is short for the setting. */
static void offer_values(const struct request *request, const char *path) {
    const struct setting *row = find_setting(&request->context->registry, path);
    const char *cursor = row && row->type == SETTING_CHOICE ? row->choices : "", *word;
    size_t length;

    while ((word = text_next_word(&cursor, &length)))
        offer(request, "%.*s", (int)length, word);
    for (size_t i = 0; i < request->context->n_options; i++) {
        const struct command_option *option = &request->context->options[i];

        if (option->path && text_equal(option->path, path))
            offer_kind(request, option->name, option->argument);
    }
}

/* Of "[make|show|renew]" each of the three. */
static void offer_alternatives(const struct request *request, const char *text) {
    const char *word = text + 1;

    if (*text != '[' || !strchr(text, '|'))
        return;
    for (size_t length; *word && *word != ']'; word += length + (word[length] == '|')) {
        length = strcspn(word, "|]");
        offer(request, "%.*s", (int)length, word);
    }
}

/* ---- where in the line ---- */

static void offer_commands(const struct request *request) {
    for (size_t i = 0; i < n_commands; i++)
        if (command_is_offered(&commands[i], place_is_installed()))
            offer(request, "%s", commands[i].name);
    offer(request, "--help");
    offer(request, "--version");
}

static const struct command_option *find_option(const struct request *request, const char *word) {
    for (size_t i = 0; i < request->context->n_options; i++) {
        const struct command_option *one = &request->context->options[i];

        if (option_goes_with(one, request->command) &&
            (text_equal(word, one->name) ||
             (word[0] == '-' && one->letter && word[1] == one->letter && !word[2])))
            return one;
    }
    return NULL;
}

static void offer_options(const struct request *request) {
    for (size_t i = 0; i < request->context->n_options; i++)
        if (option_goes_with(&request->context->options[i], request->command))
            offer(request, "%s", request->context->options[i].name);
}

/* Bash takes "--set a=b" and "--channels=a" apart at each '='. What is in front of the word that is
 * begun: the option whose value it is, and in *ret_path the setting whose. */
static const struct command_option *find_place(const struct request *request,
                                               const char **ret_path) {
    const char *const *words = request->words;
    size_t n = request->n - (text_equal(words[request->n - 1], "=") ? 0 : 1);
    const struct command_option *option;

    *ret_path = NULL;
    if (n < 2 || !text_equal(words[n - 1], "="))
        return find_option(request, words[n - 1]);
    option = find_option(request, words[n - 2]);
    if (option || n < 4)
        return option;
    *ret_path = words[n - 2];
    return find_option(request, words[n - 3 - (text_equal(words[n - 3], "=") ? 1 : 0)]);
}

static void offer_word(struct request *request) {
    const char *path, *last = request->words[request->n - 1];
    const struct command_option *option = find_place(request, &path);

    if (text_equal(last, "="))
        request->begun = "";
    if (path && option && text_equal(option->argument, "PATH=VALUE")) {
        offer_values(request, path);
    } else if (path) {
        return;
    } else if (option && option->argument) {
        offer_kind(request, option->name, option->argument);
    } else if (request->begun[0] == '-') {
        offer_options(request);
    } else {
        offer_alternatives(request, request->command->words);
        offer_kind(request, request->command->name, request->command->words);
    }
}

int command_complete(struct context *context) {
    const struct arguments *arguments = &context->arguments;
    size_t n = arguments->n_words;
    struct request request = {.context = context,
                              .words = arguments->words,
                              .n = n,
                              .begun = n ? arguments->words[n - 1] : ""};

    if (n <= 1) {
        offer_commands(&request);
        return EXIT_OK;
    }
    for (size_t i = 0; i < n_commands; i++)
        if (text_equal(commands[i].name, arguments->words[0]) && commands[i].help)
            request.command = &commands[i];
    if (request.command)
        offer_word(&request);
    return EXIT_OK;
}
