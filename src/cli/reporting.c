#include "cli/parts.h"

#include "analysis/report.h"
#include "base/process.h"

#include <errno.h>
#include <unistd.h>

int cli_complain_of_files(int r, const struct error *error) {
    static const int wrong[] = {EBADMSG, EINVAL, ENOENT, ENOTDIR, E2BIG};

    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
        if (r == -wrong[i])
            return complain(EXIT_USAGE, error);
    return complain(EXIT_SETUP, error);
}

/* Between our own processes: scripts/report calls it for each run. */
int command_analyse(struct context *context) {
    struct error error;
    int r;

    if (!context->arguments.n_words)
        return EXIT_USAGE;
    r = report_write(context->arguments.words[0], &error);
    return r < 0 ? cli_complain_of_files(r, &error) : EXIT_OK;
}

int cli_report(const struct context *context, const char *const *runs, size_t n_runs, int status) {
    const struct arguments *arguments = &context->arguments;
    CLEANUP_FREE char *script = text_format("%s/report", context->scripts);
    CLEANUP_FREE char *before = text_format("%d", status), *self = process_own_path();
    const char *argv[MAX_WORDS + 12] = {"report",         "--analysis", self,  "--output",
                                        context->results, "--status",   before};
    struct error error;
    size_t n = 7;

    if (arguments->legend || arguments->verbosity == VERBOSE)
        argv[n++] = "--legend";
    if (arguments->verbosity == QUIET)
        argv[n++] = "--quiet";
    if (arguments->redact)
        argv[n++] = "--redact";
    if (arguments->json)
        argv[n++] = "--json";
    argv[n++] = "--";
    for (size_t i = 0; i < n_runs; i++)
        argv[n++] = runs[i];
    (void)fflush(stdout);
    (void)execv(script, (char *const *)argv);
    (void)error_errno(&error, -errno, "%s", script);
    return complain(EXIT_SETUP, &error);
}

int command_report(struct context *context) {
    const struct arguments *arguments = &context->arguments;
    struct error error;

    if (arguments->n_words)
        return cli_report(context, arguments->words, arguments->n_words, EXIT_OK);
    (void)error_set(&error, -EINVAL, "report of which run? Name its folder in results/");
    return complain(EXIT_USAGE, &error);
}
