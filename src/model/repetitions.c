#include "model/repetitions.h"

#include "model/setting.h"

#include <errno.h>
#include <string.h>

struct reading {
    int64_t count, precision_ppm;
};

static const struct setting count_row = {
    "", SETTING_COUNT, "50", "1", "100000", .offset = offsetof(struct reading, count)};
static const struct setting precision_row = {
    "",        SETTING_PERCENT, "1%",
    "0.0001%", "1000%",         .offset = offsetof(struct reading, precision_ppm)};

/* Behind the word "until", or NULL where that is not the first word. */
static const char *precision_of(const char *text) {
    const char *cursor = text, *word;
    size_t length;

    word = text_next_word(&cursor, &length);
    if (!word || length != strlen("until") || memcmp(word, "until", length) != 0)
        return NULL;
    while (*cursor == ' ' || *cursor == '\t')
        cursor++;
    return cursor;
}

int repetitions_parse(const char *text, struct repetitions *ret, struct error *error) {
    const char *precision = precision_of(text);
    struct reading reading = {0, 0};
    struct error what = {""};
    int r;

    if (precision && !*precision)
        return error_set(error, -EINVAL, "'%s' lacks a precision; write, say, until 1%%", text);
    if (precision)
        r = setting_assign(&precision_row, &reading, precision, &what);
    else
        r = setting_assign(&count_row, &reading, text, &what);
    if (r < 0)
        return error_set(error, r, "%s%s", what.text, precision ? "" : "; also possible: until 1%");
    if (ret)
        *ret =
            (struct repetitions){reading.count, reading.count, (double)reading.precision_ppm / 1e6};
    return 0;
}
