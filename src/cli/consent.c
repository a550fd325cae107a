#include "cli/parts.h"

#include "base/inifile.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

char *cli_quote(const char *word) {
    CLEANUP_FREE char *quoted = text_copy("");
    const char *end;

    if (*word && !word[strcspn(word, " \t\n\"'\\$`&;|<>()*?[]{}!#~")])
        return text_copy(word);
    for (; (end = strchr(word, '\'')); word = end + 1) {
        CLEANUP_FREE char *part = text_format("%.*s'\\''", (int)(end - word), word);

        text_append(&quoted, "", part);
    }
    return text_format("'%s%s'", quoted, word);
}

char *cli_repeat(const struct scenario *scenario, bool refused_only) {
    char *words = text_copy("");

    for (size_t i = 0; i < scenario->n_effects; i++) {
        const struct scenario_effect *effect = &scenario->effects[i];
        CLEANUP_FREE char *assignment = text_format("%s=%s", effect->path, effect->value);
        CLEANUP_FREE char *word = cli_quote(assignment);

        if (refused_only ? !effect->refused : !scenario_effect_is_asked(effect))
            continue;
        text_append(&words, "", " --set ");
        text_append(&words, "", word);
    }
    return words;
}

/* The hosts in scenarios/hosts.ini are the user's own. */
static void allow_own_hosts(const char *scenarios, struct scenario *scenario) {
    CLEANUP_FREE char *path = text_format("%s/hosts.ini", scenarios);
    CLEANUP(inifile_freep) struct inifile *file = NULL;

    if (access(path, F_OK) < 0 || inifile_read(&file, path, NULL) < 0)
        return;
    for (size_t i = 0; i < file->n_entries; i++) {
        const struct inifile_entry *entry = &file->entries[i];
        CLEANUP_FREE char *setting = text_format("%s.%s", entry->section, entry->key);

        (void)scenario_repeat(scenario, setting, entry->value);
    }
}

int cli_obey_refusals(const struct context *context, struct scenario *scenario) {
    CLEANUP_FREE char *words = NULL;
    struct error error;

    allow_own_hosts(context->scenarios, scenario);
    words = cli_repeat(scenario, true);
    if (!*words)
        return EXIT_OK;
    (void)error_set(&error, -EPERM,
                    "this scenario is a run's, so somebody else may have written it, and it");
    (void)complain(EXIT_USAGE, &error);
    for (size_t i = 0; i < scenario->n_effects; i++) {
        const struct scenario_effect *effect = &scenario->effects[i];

        if (effect->refused)
            text_print(stderr, "  %s '%s' (%s)\n", setting_effect_word(effect->effect),
                       effect->value, effect->place);
    }
    text_print(stderr, "bench: if you want that, repeat it on the command line:%s\n", words);
    return EXIT_USAGE;
}
