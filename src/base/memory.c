#include "base/memory.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

static void *checked(void *memory) {
    if (!memory) {
        fputs("bench: out of memory\n", stderr);
        abort();
    }
    return memory;
}

void memory_close_fdp(int *fd) {
    int saved = errno;

    if (*fd >= 0)
        (void)close(*fd);
    *fd = -1;
    errno = saved;
}

void *memory_new(size_t count, size_t size) {
    return checked(calloc(count ? count : 1, size ? size : 1));
}

void *memory_resize(void *old, size_t count, size_t size) {
    return checked(reallocarray(old, count ? count : 1, size ? size : 1));
}

void *memory_room(void *old, size_t n, size_t size) {
    bool full = (n & (n - 1)) == 0; /* there is room for the next power of two */

    return full ? memory_resize(old, n ? 2 * n : 1, size) : old;
}

char *text_copy(const char *text) {
    return text ? checked(strdup(text)) : NULL;
}

char *text_vformat(const char *format, va_list arguments) {
    char *text = NULL;
    int length = vasprintf(&text, format, arguments);

    return checked(length < 0 ? NULL : text);
}

char *text_format(const char *format, ...) {
    va_list arguments;
    char *text;

    va_start(arguments, format);
    text = text_vformat(format, arguments);
    va_end(arguments);
    return text;
}

void text_replace(char **text, const char *value) {
    char *copy = text_copy(value);

    free(*text);
    *text = copy;
}

void text_append(char **text, const char *separator, const char *piece) {
    char *longer = text_format("%s%s%s", *text, **text ? separator : "", piece);

    free(*text);
    *text = longer;
}

void text_hex(char *ret, const void *bytes, size_t count) {
    for (size_t i = 0; i < count; i++)
        (void)snprintf(ret + 2 * i, 3, "%02x", ((const unsigned char *)bytes)[i]);
}

/* The bytes of the character that begins here; 0: it is no UTF-8 (The Unicode Standard, table
 * 3-7). A zero byte ends every sequence. */
static size_t character_bytes(const unsigned char *c) {
    static const struct {
        unsigned char first, last, second_from, second_to, bytes;
    } rows[] = {
        {0x00, 0x7f, 0, 0, 1},       {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
        {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
        {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        size_t n = 1;

        if (*c < rows[i].first || *c > rows[i].last)
            continue;
        if (rows[i].bytes > 1 && (c[1] < rows[i].second_from || c[1] > rows[i].second_to))
            return 0;
        while (n < rows[i].bytes && (n == 1 || (c[n] & 0xc0) == 0x80))
            n++;
        return n == rows[i].bytes ? n : 0;
    }
    return 0;
}

char *text_visible(const char *text) {
    static const char escape[] = "\\x%02x";
    char *visible = memory_new(4 * strlen(text) + 1, 1), *to = visible;
    size_t n;

    for (const unsigned char *c = (const unsigned char *)text; *c; c += n) {
        bool control = (*c < 0x20 && *c != '\n') || *c == 0x7f;

        n = character_bytes(c);
        if (n == 2 && *c == 0xc2 && c[1] < 0xa0) {
            to += sprintf(to, escape, c[1]);
        } else if (n && !control) {
            memcpy(to, c, n);
            to += n;
        } else {
            to += sprintf(to, escape, *c);
            n = 1;
        }
    }
    return visible;
}

void text_vprint(FILE *out, const char *format, va_list arguments) {
    CLEANUP_FREE char *text = text_vformat(format, arguments), *visible = text_visible(text);

    (void)fputs(visible, out);
}

void text_print(FILE *out, const char *format, ...) {
    va_list arguments;

    va_start(arguments, format);
    text_vprint(out, format, arguments);
    va_end(arguments);
}

bool text_real(const char *text, double *ret) {
    char *end;
    double value = strtod(text, &end);

    if (end == text || *end || !isfinite(value))
        return false;
    *ret = value;
    return true;
}

bool text_equal(const char *a, const char *b) {
    return a && b ? strcmp(a, b) == 0 : a == b;
}

const char *text_next_word(const char **cursor, size_t *ret_length) {
    static const char blanks[] = " \t\r\n";
    const char *word;

    if (!*cursor)
        return NULL;
    word = *cursor + strspn(*cursor, blanks);
    *ret_length = strcspn(word, blanks);
    *cursor = word + *ret_length;
    return *ret_length ? word : NULL;
}

char *text_next_line(const char **cursor) {
    const char *line = *cursor;
    size_t length = strcspn(line, "\n");

    *cursor += length + (line[length] == '\n');
    return *line ? strndup(line, length) : NULL;
}

bool text_has_word(const char *words, const char *word) {
    const char *cursor = words, *start;
    size_t length;

    while ((start = text_next_word(&cursor, &length)))
        if (length == strlen(word) && memcmp(start, word, length) == 0)
            return true;
    return false;
}
