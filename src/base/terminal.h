/*
 * terminal - what a stream can show that may be a terminal: its size, lines drawn over, colours.
 * Where it is none, or TERM is unset or "dumb", nothing but text is written. A colour never says
 * what the words do not.
 */
#ifndef BENCH_BASE_TERMINAL_H
#define BENCH_BASE_TERMINAL_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

enum style { STYLE_PLAIN, STYLE_GOOD, STYLE_DOUBTFUL, STYLE_BAD };

struct terminal_size {
    int columns, rows;
};

/* Whether it obeys escape sequences. */
bool terminal_obeys(FILE *out);
/* Of one that does not say it, 80 x 24. */
struct terminal_size terminal_size(FILE *out);

/* text_print() in this style, where the stream obeys and NO_COLOR is not set (or empty). */
void terminal_print(FILE *out, enum style style, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void terminal_vprint(FILE *out, enum style style, const char *format, va_list arguments)
    __attribute__((format(printf, 3, 0)));

/* The line broken between words, what goes on indented, so that it fits; words that are too long
 * for that stay where they are. The caller's. */
char *terminal_wrap(const char *line, int columns, int indent);

/* The style of a verdict ("failed", "held", "slower"); STYLE_PLAIN of any other word. */
enum style terminal_style_of(const char *verdict);

#endif
