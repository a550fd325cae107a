#include "cli/parts.h"

#include <errno.h>
#include <string.h>

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

int cli_obey_refusals(const struct scenario *scenario) {
    CLEANUP_FREE char *words = cli_repeat(scenario, true);
    struct error error;

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
