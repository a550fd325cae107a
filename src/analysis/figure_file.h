/*
 * figure_file - the CSV files that gnuplot reads. gnuplot 5.4 ends a field at every comma, quoted
 * or not, and takes what is quoted for a string with C's escapes; so texts are quoted, and commas,
 * quotes and the like are written as octal escapes ("path\0054 30B"). What is empty, and a number
 * that is not finite, leaves its field empty: not "", which it takes for the fields that follow. It
 * reads an empty last field as whatever stood in memory, so each row has one more, `end`, with a
 * dot.
 *
 * Also what is needed to lay texts out: their width, and lines that are short enough.
 */
#ifndef BENCH_ANALYSIS_FIGURE_FILE_H
#define BENCH_ANALYSIS_FIGURE_FILE_H

#include "base/error.h"
#include "base/memory.h"

#include <stdint.h>

struct figure_file {
    FILE *out;
    char *path;
    bool in_row;
};

/* Creates folder/name, or empties it, and writes the header (names separated by commas). */
int figure_file_open(struct figure_file *ret, const char *folder, const char *name,
                     const char *header, struct error *error);

/* A row is put together field by field, then ended. NULL is an empty text. */
void figure_put_text(struct figure_file *file, const char *text);
/* For places where gnuplot looks for markup: text without any. */
void figure_put_plain(struct figure_file *file, const char *text);
/* For the labels of an axis, which gnuplot takes for formats of numbers. */
void figure_put_tic(struct figure_file *file, const char *text);
void figure_put_real(struct figure_file *file, double value);
void figure_put_integer(struct figure_file *file, int64_t value);
void figure_end_row(struct figure_file *file);

/* Says whether all of it could be written. A file that was never opened ({.out = NULL}) is fine. */
int figure_file_close(struct figure_file *file, struct error *error);

/* Characters, not bytes, of UTF-8; of the longest line where there are several. */
size_t figure_width(const char *text);
size_t figure_lines(const char *text);

/* Whether a line may end behind this character. */
bool figure_breaks(char c);
/* The text in lines of at most `limit` characters (4 at least), broken behind blanks, else behind
 * an equals sign, a hyphen or the like, within a word only where that is too long. The caller's. */
char *figure_wrap(const char *text, size_t limit);
/* A line of at most `limit` characters: of a longer one its beginning and its end. The caller's. */
char *figure_shorten(const char *line, size_t limit);

/* "65684", "21.7", "4.22", "0.037": three digits, all before the point. The caller's. */
char *figure_number(double value);

#endif
