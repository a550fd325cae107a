#include "analysis/html.h"

#include "base/memory.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>

#define REPLACEMENT "\xef\xbf\xbd"

/* ---- characters ---- */

/* How many bytes at `text` are one character that XML 1.0 allows; 0 when they are none. Text ends
 * with a zero, so that looking ahead stops there. */
static size_t character_length(const unsigned char *text) {
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000}; /* by length: none longer */
    size_t length = text[0] < 0x80   ? 1
                    : text[0] < 0xc0 ? 0
                    : text[0] < 0xe0 ? 2
                    : text[0] < 0xf0 ? 3
                    : text[0] < 0xf8 ? 4
                                     : 0;
    uint32_t code = length > 1 ? text[0] & (0x7fu >> length) : text[0];

    for (size_t i = 1; i < length; i++) {
        if ((text[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (text[i] & 0x3f);
    }
    if (!length || code < least[length] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
        return 0;
    if ((code < 0x20 && code != '\t' && code != '\n' && code != '\r') ||
        (code >= 0x7f && code < 0xa0) || (code & 0xfffe) == 0xfffe)
        return 0;
    return length;
}

static const char *escape_of(char character) {
    static const struct {
        char character;
        const char *escape;
    } escapes[] = {{'&', "&amp;"},  {'<', "&lt;"},   {'>', "&gt;"},
                   {'"', "&quot;"}, {'\'', "&#39;"}, {'\r', " "}};

    for (size_t i = 0; i < ARRAY_SIZE(escapes); i++)
        if (escapes[i].character == character)
            return escapes[i].escape;
    return NULL;
}

/* Writes the character at `text`, escaped; returns how many bytes of it are done. */
static size_t put_character(FILE *out, const char *text) {
    size_t length = character_length((const unsigned char *)text);
    const char *escape = escape_of(*text);

    if (!length || escape)
        (void)fputs(escape ? escape : REPLACEMENT, out);
    else
        (void)fwrite(text, 1, length, out);
    return length ? length : 1;
}

void html_text(FILE *out, const char *text) {
    while (*text)
        text += put_character(out, text);
}

/* The length of the reference at `text` ("&amp;", "&#176;"), or 0. */
static size_t reference_length(const char *text, size_t length) {
    static const char *const names[] = {"&amp;", "&lt;", "&gt;", "&quot;", "&apos;"};
    size_t n = 2;
    long code;

    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        if (length >= strlen(names[i]) && strncmp(text, names[i], strlen(names[i])) == 0)
            return strlen(names[i]);
    while (n < length && n < 7 && isdigit((unsigned char)text[n]))
        n++;
    if (n == 2 || n >= length || text[1] != '#' || text[n] != ';')
        return 0;
    code = strtol(text + 2, NULL, 10);
    return (code >= 0x20 && code < 0x7f) || (code >= 0xa0 && code < 0xd800) ? n + 1 : 0;
}

void html_escaped(FILE *out, const char *text, size_t length) {
    CLEANUP_FREE char *copy = memory_new(length + 1, 1); /* nothing is read behind the end */

    memcpy(copy, text, length);
    for (size_t i = 0; i < length;) {
        size_t reference = copy[i] == '&' ? reference_length(copy + i, length - i) : 0;

        if (reference)
            (void)fwrite(copy + i, 1, reference, out);
        i += reference ? reference : put_character(out, copy + i);
    }
}

/* ---- formats ---- */

/* A pointer, since a va_list that was handed over by value must not be used any further. */
static void put_argument(FILE *out, const char *conversion, va_list *arguments) {
    switch (*conversion) {
    case 's':
        html_text(out, va_arg(*arguments, const char *));
        break;
    case 'c':
        html_text(out, (const char[]){(char)va_arg(*arguments, int), '\0'});
        break;
    case 'd':
        fprintf(out, "%d", va_arg(*arguments, int));
        break;
    case 'l':
        fprintf(out, "%ld", va_arg(*arguments, long));
        break;
    case 'z':
        fprintf(out, "%zu", va_arg(*arguments, size_t));
        break;
    default: /* %% */
        (void)fputc('%', out);
    }
}

void html_put(FILE *out, const char *format, ...) {
    va_list arguments;

    va_start(arguments, format);
    while (*format) {
        size_t length = strcspn(format, "%");

        (void)fwrite(format, 1, length, out);
        format += length;
        if (!*format)
            break;
        format++;
        put_argument(out, format, &arguments);
        format += *format == 'l' || *format == 'z' ? 2 : 1;
    }
    va_end(arguments);
}

/* ---- addresses ---- */

void html_address(FILE *out, const char *path) {
    for (; *path; path++) {
        if (isalnum((unsigned char)*path) || strchr("/._-~", *path))
            (void)fputc(*path, out);
        else
            fprintf(out, "%%%02X", (unsigned char)*path);
    }
}

void html_base64(FILE *out, FILE *in) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    unsigned char bytes[3];
    size_t n;

    while ((n = fread(bytes, 1, sizeof(bytes), in)) > 0) {
        uint32_t group = (uint32_t)bytes[0] << 16 | (n > 1 ? (uint32_t)bytes[1] << 8 : 0) |
                         (n > 2 ? bytes[2] : 0);

        for (size_t i = 0; i < 4; i++)
            (void)fputc(i <= n ? digits[group >> (18 - 6 * i) & 63] : '=', out);
    }
}
