/* What a shell offers for the word that is being typed, from the tables: `bench complete --
 * WORD...`, for scripts/completion.bash. The words are those behind the program's name; the last is
 * begun. */
#include "cli/parts.h"

#include "probes/probe.h"
#include "run/list.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

struct request {
    struct context *context;
    const char *begun;
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

/* As seen from here: what a user would type. */
static void offer_runs(const struct request *request) {
    const char *results = cli_shorten(request->context->results);
    struct dirent **entries = NULL;
    int count = scandir(request->context->results, &entries, NULL, alphasort);

    for (int i = 0; i < count; i++) {
        if (entries[i]->d_name[0] != '.')
            offer(request, "%s/%s", results, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
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

/* What an option or a command takes: the option's name, or the word in the table. */
static const struct {
    const char *option, *word;
    void (*offer)(const struct request *request);
} kinds[] = {
    {"channels", "", offer_channels}, {"probes", "", offer_probes},
    {"", "BASELINE", offer_runs},     {"", "HOST", offer_hosts},
    {"", "KIND", offer_kinds},        {"", "PATH=VALUE", offer_settings},
    {"", "RUN", offer_runs},          {"", "SCENARIO", offer_scenarios},
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

static void offer_kind(const struct request *request, const char *option, const char *text) {
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
        if (*kinds[i].option ? text_equal(kinds[i].option, option)
                             : names_word(text, kinds[i].word))
            kinds[i].offer(request);
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
        if (commands[i].help)
            offer(request, "%s", commands[i].name);
    offer(request, "--help");
    offer(request, "--version");
}

static const struct argp_option *find_option(const struct request *request, const char *word) {
    for (const struct argp_option *one = request->context->options; one->name; one++)
        if (strncmp(word, "--", 2) == 0 ? text_equal(word + 2, one->name)
                                        : word[0] == '-' && word[1] == one->key && !word[2])
            return one;
    return NULL;
}

static void offer_options(const struct request *request) {
    for (const struct argp_option *one = request->context->options; one->name; one++)
        if (request->context->takes(request->command, one))
            offer(request, "--%s", one->name);
    offer(request, "--help");
}

/* Bash takes "--set a=b" and "--channels=a" apart at the '=': of words[0..n) the last is begun. */
static void offer_word(struct request *request, const char *const words[], size_t n) {
    bool is_sign = text_equal(words[n - 1], "=");
    bool assigned = is_sign || text_equal(words[n - 2], "=");
    size_t place = n - 2 - (assigned && !is_sign && n > 2);
    const struct argp_option *option = find_option(request, words[place]);

    if (is_sign)
        request->begun = "";
    if (option && option->arg) {
        offer_kind(request, option->name, option->arg);
    } else if (assigned) {
        return;
    } else if (request->begun[0] == '-') {
        offer_options(request);
    } else {
        offer_alternatives(request, request->command->words);
        offer_kind(request, "", request->command->words);
    }
}

int command_complete(struct context *context) {
    const struct arguments *arguments = &context->arguments;
    size_t n = arguments->n_words;
    struct request request = {context, n ? arguments->words[n - 1] : "", NULL};

    if (n <= 1) {
        offer_commands(&request);
        return EXIT_OK;
    }
    for (size_t i = 0; i < n_commands; i++)
        if (text_equal(commands[i].name, arguments->words[0]) && commands[i].help)
            request.command = &commands[i];
    if (request.command)
        offer_word(&request, arguments->words, n);
    return EXIT_OK;
}
