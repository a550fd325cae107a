#include "cli/parts.h"

#include "report/report.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

const char *cli_shorten(const char *path) {
    CLEANUP_FREE char *here = getcwd(NULL, 0);
    size_t length = here ? strlen(here) : 0;

    return length && strncmp(path, here, length) == 0 && path[length] == '/' ? path + length + 1
                                                                             : path;
}

int cli_report(const struct context *context, const char *run) {
    CLEANUP_FREE char *plots = plots_of(context, run), *words = NULL;
    struct report_result result = {NULL, NULL, NULL};
    struct error error, page_error;
    int r = report_write(run, &result, &error), page;

    if (r < 0) /* what the run's files say is wrong, or they cannot be written */
        return complain(r == -EBADMSG || r == -EINVAL || r == -ENOENT || r == -ENOTDIR ? EXIT_USAGE
                                                                                       : EXIT_SETUP,
                        &error);
    fputs(result.warnings, stderr);
    fputs(result.table, stdout);
    r = report_figures(result.analysis, plots, context->scripts, &words, &error);
    page = report_page(result.analysis, plots, &page_error); /* also without figures */
    report_result_clear(&result);
    if (r < 0 || page < 0)
        return complain(EXIT_SETUP, r < 0 ? &error : &page_error);
    if (words && *words)
        fprintf(stderr, "%s\n", words);
    printf("\ntables   %s/table.{txt,md,tex}\nfigures  %s/*.{svg,png,pdf}\n"
           "page     %s/report.html\n",
           cli_shorten(run), cli_shorten(plots), cli_shorten(run));
    return EXIT_OK;
}

int command_report(struct context *context) {
    const struct arguments *arguments = &context->arguments;
    struct error error;
    int status = EXIT_OK;

    if (!arguments->n_words) {
        (void)error_set(&error, -EINVAL, "report of which run? Name its folder in results/");
        return complain(EXIT_USAGE, &error);
    }
    for (size_t i = 0; i < arguments->n_words; i++) {
        int one = cli_report(context, arguments->words[i]);

        status = status ? status : one;
    }
    return status;
}
