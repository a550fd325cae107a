/*
 * memory - allocation that cannot fail, text that grows, and clean-up at the end of a scope.
 *
 * Everything here is for set-up and reporting; nothing inside a measured loop allocates.
 * Running out of memory ends the process with a message: no caller could do better.
 * What a function returns belongs to the caller, who frees it with free().
 */
#ifndef BENCH_BASE_MEMORY_H
#define BENCH_BASE_MEMORY_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#define CLEANUP(function) __attribute__((cleanup(function)))

/* Declares x_freep(), which CLEANUP(x_freep) calls with the address of a `type` variable. */
#define DEFINE_CLEANUP(type, function)                                                             \
    static inline void function##p(type *variable) {                                               \
        if (*variable)                                                                             \
            function(*variable);                                                                   \
    }

static inline void memory_freep(void *variable) {
    free(*(void **)variable);
}
#define CLEANUP_FREE CLEANUP(memory_freep)

DEFINE_CLEANUP(FILE *, fclose)

/* Closes the descriptor when it is not negative, and makes it -1; errno is kept. */
void memory_close_fdp(int *fd);
#define CLEANUP_FD CLEANUP(memory_close_fdp)

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

/* Zeroed memory for count elements of size bytes. */
void *memory_new(size_t count, size_t size);
/* Makes room for count elements of size bytes; what is new is not zeroed. */
void *memory_resize(void *old, size_t count, size_t size);

/* Makes room for one element more behind the n that a growing list has; whoever appends one at a
 * time with it copies each twice at the most. */
void *memory_room(void *old, size_t n, size_t size);

/* A copy of text; NULL stays NULL. */
char *text_copy(const char *text);
/* printf into new memory. */
char *text_format(const char *format, ...) __attribute__((format(printf, 1, 2)));
char *text_vformat(const char *format, va_list arguments) __attribute__((format(printf, 1, 0)));
/* Replaces *text (freed) by a copy of value. */
void text_replace(char **text, const char *value);
/* Puts piece behind *text (freed), with the separator between them unless *text is empty. */
void text_append(char **text, const char *separator, const char *piece);
/* Two digits for each byte, and a final zero. */
void text_hex(char *ret, const void *bytes, size_t count);
/* The text without what a terminal obeys: a control character (below 0x20 but line ends, 0x7f,
 * U+0080 to U+009F) and a byte that is no UTF-8 become "\x1b" and the like; all else stays. */
char *text_visible(const char *text);
/* fprintf of what may come from a file or a host, as text_visible() has it. */
void text_print(FILE *out, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_vprint(FILE *out, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));
/* The whole text as a finite number; false when it is none (or empty), *ret is left alone then. The
 * decimal point is '.': the program never calls setlocale(). */
bool text_real(const char *text, double *ret);
bool text_equal(const char *a, const char *b); /* NULL equals only NULL */

/* The next blank-separated word at or after *cursor: its start, its length in *ret_length, and
 * *cursor moved behind it. NULL when there is none. */
const char *text_next_word(const char **cursor, size_t *ret_length);
/* A copy of the line at *cursor, without its end, and *cursor moved behind that. NULL where the
 * text ends. The caller's. */
char *text_next_line(const char **cursor);
/* Whether the blank-separated list `words` has this word. */
bool text_has_word(const char *words, const char *word);

#endif
