#include "hosts/peek.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/process.h"

#include <errno.h>
#include <string.h>

/* Whoever waits for an agent (20 s: host.c) must not wait for programs that hang. */
#define PROGRAM_NS (3 * NS_PER_S)
#define ALL_NS     (8 * NS_PER_S)

char *peek_line(const char *path) {
    CLEANUP(fclosep) FILE *file = fopen(path, "re");
    char line[4096] = "";

    if (!file || !fgets(line, sizeof(line), file))
        return NULL;
    line[strcspn(line, "\n")] = '\0';
    return *line ? text_copy(line) : NULL;
}

/* Without blanks and quotes around it; NULL when nothing is left. */
static char *trim(const char *value) {
    size_t length;

    value += strspn(value, " \t");
    length = strcspn(value, "\n");
    if (length >= 2 && *value == '"' && value[length - 1] == '"') {
        value++;
        length -= 2;
    }
    return length ? text_format("%.*s", (int)length, value) : NULL;
}

char *peek_key(const char *path, const char *key, char separator) {
    CLEANUP(fclosep) FILE *file = fopen(path, "re");
    size_t length = strlen(key);
    char line[8192];

    while (file && fgets(line, sizeof(line), file)) {
        const char *end = line + length;

        if (strncmp(line, key, length) != 0)
            continue;
        end += strspn(end, " \t");
        if (*end == separator)
            return trim(end + 1);
    }
    return NULL;
}

bool peek_number(const char *path, double *ret) {
    CLEANUP_FREE char *line = peek_line(path);
    char *end;
    double value = line ? strtod(line, &end) : 0;

    if (!line || end == line)
        return false;
    *ret = value;
    return true;
}

struct peek peek_begin(void) {
    return (struct peek){.deadline_ns = clock_monotonic_ns() + ALL_NS};
}

int peek_program(struct peek *peek, char **ret, const char *const *argv) {
    int64_t left_ns = peek->deadline_ns - clock_monotonic_ns();
    size_t length = strlen(peek->hung);
    int r;

    if (left_ns <= 0 || text_has_word(peek->hung, argv[0]))
        return -ETIMEDOUT;
    r = process_run(argv, NULL, left_ns < PROGRAM_NS ? left_ns : PROGRAM_NS, ret, NULL);
    if (r == -ETIMEDOUT)
        (void)snprintf(peek->hung + length, sizeof(peek->hung) - length, " %s", argv[0]);
    return r;
}
