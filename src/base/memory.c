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

bool text_has_word(const char *words, const char *word) {
    const char *cursor = words, *start;
    size_t length;

    while ((start = text_next_word(&cursor, &length)))
        if (length == strlen(word) && memcmp(start, word, length) == 0)
            return true;
    return false;
}
