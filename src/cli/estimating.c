#include "cli/parts.h"

#include "analysis/estimate.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static int read_settings(const struct arguments *arguments, struct estimate_settings *settings,
                         struct error *error) {
    _Static_assert(MAX_ESTIMATE >= 6, "a place for each row");
    for (size_t i = 0; i < estimate_group.n_rows; i++) {
        const struct setting *row = &estimate_group.rows[i];
        const char *value = arguments->estimate[i];
        int r = value ? setting_assign(row, settings, value, error) : 0;

        if (r < 0)
            return error_prefix(error, r, "--%s", row->key);
        if (!value && i < ESTIMATE_ASKED)
            return error_set(error, -EINVAL,
                             "estimate takes --devices and --interval, as in `bench estimate "
                             "RUN --devices 1000000 --interval 3s`");
    }
    return 0;
}

/* The probes that measure one of these metrics, by blanks; the caller's. */
static char *probes_of(const struct registry *registry, const char *metrics) {
    char *names = text_copy("");

    for (size_t i = 0; i < registry->n_groups; i++) {
        const struct setting_group *group = registry->groups[i];
        size_t n = 0;
        const struct metric *list =
            group->scope == SETTING_PROBE ? registry->metrics(group, &n) : NULL;
        bool has = false;

        for (size_t k = 0; k < n; k++)
            has = has || text_has_word(metrics, list[k].name);
        if (has)
            text_append(&names, " ", group->name + strlen("probe."));
    }
    return names;
}

/* scripts/estimate shows what was written: it takes the place of this process. */
static int show(const struct context *context, const char *run) {
    CLEANUP_FREE char *script = text_format("%s/estimate", context->scripts);
    struct error error;

    (void)fflush(stdout);
    (void)execl(script, "estimate", "--", run, (char *)NULL);
    (void)error_errno(&error, -errno, "%s", script);
    return complain(EXIT_SETUP, &error);
}

static int write_estimate(const struct context *context, const struct estimate_settings *settings,
                          const char *run) {
    CLEANUP_FREE char *missing = NULL, *helpful = NULL;
    struct error error;
    int r = estimate_write(run, settings, &missing, &error);

    if (r == 0)
        return EXIT_OK;
    if (r != -ENODATA)
        return cli_complain_of_files(r, &error);
    helpful = probes_of(&context->registry, missing);
    r = error_set(&error, r,
                  "%s: the run has not measured what an estimate takes: %s; measure with --probes "
                  "'%s', or see in its trials.csv why a trial has left one out",
                  run, missing, helpful);
    return complain(EXIT_USAGE, &error);
}

int command_estimate(struct context *context) {
    const struct arguments *arguments = &context->arguments;
    struct estimate_settings *settings = setting_block_new(&estimate_group);
    struct error error;
    int status = EXIT_OK;

    if (!arguments->n_words)
        status =
            error_set(&error, EXIT_USAGE, "estimate of which run? Name its folder in results/");
    else if (read_settings(arguments, settings, &error) < 0)
        status = EXIT_USAGE;
    status = status == EXIT_OK ? write_estimate(context, settings, arguments->words[0])
                               : complain(status, &error);
    setting_block_free(&estimate_group, settings);
    return status == EXIT_OK ? show(context, arguments->words[0]) : status;
}
