/*
 * inifile - an INI file as a list of entries, each with its line, so that every later complaint
 * can name file:line. The syntax is libinih's; what libinih would swallow silently (long lines,
 * cut names, continuation lines, zero bytes, doubled keys) is an error here. What is too long for a
 * line goes on with `KEY += MORE` anywhere behind it in the same section: a blank and MORE.
 */
#ifndef BENCH_BASE_INIFILE_H
#define BENCH_BASE_INIFILE_H

#include "base/error.h"
#include "base/memory.h"

#include <stddef.h>
#include <stdio.h>

/* In bytes. */
#define INIFILE_MAX_LINE 190
#define INIFILE_MAX_KEY  120

struct inifile_entry {
    char *section, *key, *value;
    int line;
};

struct inifile {
    char *path; /* as given, for messages */
    struct inifile_entry *entries;
    size_t n_entries;
};

/* Reads a whole file. Errors: "path:line: ..." or "path: ...". */
int inifile_read(struct inifile **ret, const char *path, struct error *error);
/* The same from text; path is only a name for messages. */
int inifile_parse(struct inifile **ret, const char *path, const char *text, size_t length,
                  struct error *error);
void inifile_free(struct inifile *file);
DEFINE_CLEANUP(struct inifile *, inifile_free)

/* Writes "KEY = WORDS", words separated by single blanks, in lines that can be read again. */
void inifile_write_words(FILE *out, const char *key, const char *words);

/* The value of [section] key, or NULL. */
const char *inifile_get(const struct inifile *file, const char *section, const char *key);

#endif
