/*
 * html - writes markup to a stream. The markup itself stands in a format, which is a literal of
 * the program; what is put into it comes from files and is always escaped, so that no name, reason
 * or description can become markup. What comes out is HTML that is well-formed XML as well, as long
 * as the formats are.
 *
 * Errors of the stream stay in it: see ferror().
 */
#ifndef BENCH_ANALYSIS_HTML_H
#define BENCH_ANALYSIS_HTML_H

#include <stddef.h>
#include <stdio.h>

/* printf with the conversions %s (escaped), %c, %d, %ld, %zu and %%, without flags. */
void html_put(FILE *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Text for an element or a quoted attribute. Bytes that are not UTF-8, and characters that XML does
 * not have, become U+FFFD; a carriage return becomes a blank. */
void html_text(FILE *out, const char *text);

/* Text that is escaped already (of an SVG): references stay what they are, anything else that is
 * markup is escaped. */
void html_escaped(FILE *out, const char *text, size_t length);

/* A path as part of an address: what has a meaning there is written %XX, but for '/'. */
void html_address(FILE *out, const char *path);

/* The bytes of a stream to its end, as base64 (RFC 4648). */
void html_base64(FILE *out, FILE *in);

#endif
