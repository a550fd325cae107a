/*
 * markup - text as a terminal, Markdown and LaTeX want it: no character of it is taken for markup,
 * and none ends a line, a cell or a row. Bytes that are no UTF-8 become '?'.
 */
#ifndef BENCH_ANALYSIS_MARKUP_H
#define BENCH_ANALYSIS_MARKUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Columns that text takes on a terminal: its characters, not the bytes of UTF-8. */
size_t markup_width(const char *text);

void markup_blanks(FILE *out, size_t n);

/* Text broken between words at `width`; every line begins with `indent` blanks. */
void markup_wrapped(FILE *out, size_t width, size_t indent, const char *text);

void markup_markdown(FILE *out, const char *text);

/* Cyrillic letters stand in \textcyrillic{}, which markup_latex_file() defines. */
void markup_latex(FILE *out, const char *text);

#define MARKUP_LATEX_ROWS 45 /* so many have room on a page */

/* What stands before a tabular of so many rows, and makes it smaller if it is wider than a line or
 * taller than a page; behind the tabular comes a "}". */
void markup_latex_begin(FILE *out, size_t rows);

/* A LaTeX file with what `print` writes of `what`, behind the packages and the commands that it
 * needs. The text belongs to the caller. */
char *markup_latex_file(void (*print)(FILE *out, const void *what), const void *what);

#endif
