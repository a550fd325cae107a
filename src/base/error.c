#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int error_set(struct error *error, int code, const char *format, ...) {
    va_list arguments;

    if (!error)
        return code;
    va_start(arguments, format);
    (void)vsnprintf(error->text, sizeof(error->text), format, arguments);
    va_end(arguments);
    return code;
}

int error_errno(struct error *error, int code, const char *format, ...) {
    char words[sizeof(error->text)];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(words, sizeof(words), format, arguments);
    va_end(arguments);
    return error_set(error, code, "%s: %s", words, strerror(-code));
}

int error_prefix(struct error *error, int code, const char *format, ...) {
    struct error old = error ? *error : (struct error){""};
    char words[sizeof(old.text)];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(words, sizeof(words), format, arguments);
    va_end(arguments);
    return error_set(error, code, "%.*s: %.*s", (int)sizeof(words) / 2, words,
                     (int)sizeof(old.text) / 2, old.text);
}
