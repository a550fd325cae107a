#include "base/program.h"

#include "base/clock.h"
#include "base/process.h"

#include <errno.h>
#include <string.h>

#define MAX_WORDS 40
#define LIMIT_NS  (6 * NS_PER_S)

static int run(char **ret, const char *line, const char *input, struct error *error) {
    CLEANUP_FREE char *words = text_copy(line), *output = NULL;
    const char *argv[MAX_WORDS + 1] = {NULL};
    char *rest = words, *word;
    size_t n = 0;
    int r;

    while ((word = strsep(&rest, " ")) && n < MAX_WORDS)
        if (*word)
            argv[n++] = word;
    r = process_run(argv, input, LIMIT_NS, &output, error);
    if (r < 0)
        return r;
    if (r > 0)
        return error_set(error, -EIO, "`%s`: %.*s", line, (int)strcspn(output, "\n"), output);
    *ret = output;
    output = NULL;
    return 0;
}

int program_run(struct error *error, const char *format, ...) {
    CLEANUP_FREE char *line = NULL, *output = NULL;
    va_list arguments;

    va_start(arguments, format);
    line = text_vformat(format, arguments);
    va_end(arguments);
    return run(&output, line, NULL, error);
}

int program_ask(char **ret, const char *input, struct error *error, const char *format, ...) {
    CLEANUP_FREE char *line = NULL;
    va_list arguments;

    va_start(arguments, format);
    line = text_vformat(format, arguments);
    va_end(arguments);
    return run(ret, line, input, error);
}
