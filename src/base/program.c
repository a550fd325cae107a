#include "base/program.h"

#include "base/clock.h"
#include "base/process.h"

#include <errno.h>
#include <string.h>

#define MAX_WORDS 40
#define LIMIT_NS  (10 * NS_PER_S)

/* Splits the line in place; the words follow what argv has. */
static void split(char *line, const char *argv[MAX_WORDS + 1], size_t n) {
    char *rest = line, *word;

    while ((word = strsep(&rest, " ")) && n < MAX_WORDS)
        if (*word)
            argv[n++] = word;
    argv[n] = NULL;
}

static int run(char **ret, const char *line, const char *input, struct error *error) {
    /* process_run_within() keeps stdout alone. */
    const char *argv[MAX_WORDS + 1] = {"/bin/sh", "-c", "exec \"$0\" \"$@\" 2>&1"};
    CLEANUP_FREE char *words = text_copy(line), *program = NULL, *output = NULL;
    int r;

    split(words, argv, 3);
    r = process_find(&program, argv[3], error);
    if (r < 0)
        return r;
    argv[3] = program;
    r = process_run_within(argv, input, LIMIT_NS, &output, error);
    if (r < 0)
        return r;
    if (r > 0)
        return error_set(error, -EIO, "`%s`: %.*s", line, (int)strcspn(output, "\n"), output);
    *ret = output;
    output = NULL;
    return 0;
}

static int run_formatted(char **ret, const char *input, struct error *error, const char *format,
                         va_list arguments) __attribute__((format(printf, 4, 0)));
static int run_formatted(char **ret, const char *input, struct error *error, const char *format,
                         va_list arguments) {
    CLEANUP_FREE char *line = text_vformat(format, arguments);

    return run(ret, line, input, error);
}

int program_run(struct error *error, const char *format, ...) {
    CLEANUP_FREE char *output = NULL;
    va_list arguments;
    int r;

    va_start(arguments, format);
    r = run_formatted(&output, NULL, error, format, arguments);
    va_end(arguments);
    return r;
}

int program_ask(char **ret, const char *input, struct error *error, const char *format, ...) {
    va_list arguments;
    int r;

    va_start(arguments, format);
    r = run_formatted(ret, input, error, format, arguments);
    va_end(arguments);
    return r;
}
