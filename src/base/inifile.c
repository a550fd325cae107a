#include "base/inifile.h"

#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* libinih's buffers: a longer line is split, a longer name cut, both silently. */
#define MAX_LINE 190
#define MAX_NAME 48
#define MAX_FILE (1024 * 1024)

struct parser {
    struct inifile *file;
    const char *cursor, *end;
    int line;
    int code;     /* of the first error that was seen here, which stops all reading */
    int bad_line; /* where */
    struct error *error;
};

static void reject(struct parser *parser, int line, const char *why) {
    if (parser->code < 0)
        return;
    parser->bad_line = line;
    parser->code = error_set(parser->error, -EINVAL, "%s:%d: %s", parser->file->path, line, why);
}

/* A section's name that libinih would cut. */
static bool long_section(const char *line, size_t length) {
    const char *close = memchr(line, ']', length);

    return *line == '[' && close && close - line - 1 > MAX_NAME;
}

/* Text behind a section's name, which libinih would not look at. */
static bool text_behind_section(const char *line, size_t length) {
    const char *end = line + length, *rest = memchr(line, ']', length);

    if (*line != '[' || !rest)
        return false;
    for (rest++; rest < end && strchr(" \t\r", *rest);)
        rest++;
    return rest < end && *rest != ';' && *rest != '#';
}

/* fgets() for libinih: hands out one line at a time without its indentation (which libinih would
 * take for a continuation of the line before). */
static char *next_line(char *out, int size, void *stream) {
    struct parser *parser = stream;
    const char *newline, *start = parser->cursor;
    size_t length;

    if (parser->code < 0 || parser->cursor >= parser->end)
        return NULL;
    parser->line++;
    newline = memchr(start, '\n', (size_t)(parser->end - start));
    parser->cursor = newline ? newline + 1 : parser->end;
    while (start < parser->cursor && (*start == ' ' || *start == '\t'))
        start++;
    length = (size_t)((newline ? newline : parser->end) - start);
    if (memchr(start, '\0', length))
        reject(parser, parser->line, "a zero byte: this is no text file");
    else if (length > MAX_LINE || length + 2 > (size_t)size)
        reject(parser, parser->line, "the line is too long; at most 190 bytes are read");
    else if (length && long_section(start, length))
        reject(parser, parser->line, "the section's name is too long; at most 48 bytes");
    else if (length && text_behind_section(start, length))
        reject(parser, parser->line, "text behind the section's name; give it a line of its own");
    if (parser->code < 0)
        return NULL;
    memcpy(out, start, length);
    memcpy(out + length, "\n", 2);
    return out;
}

/* "channels +" without the sign and the blanks before it, in place; whether it had one. */
static bool cut_plus(char *key) {
    size_t length = strlen(key);

    if (!length || key[length - 1] != '+')
        return false;
    for (length--; length && strchr(" \t", key[length - 1]);)
        length--;
    key[length] = '\0';
    return true;
}

static struct inifile_entry *find(const struct inifile *file, const char *section,
                                  const char *key) {
    for (size_t i = 0; i < file->n_entries; i++)
        if (text_equal(file->entries[i].section, section) && text_equal(file->entries[i].key, key))
            return &file->entries[i];
    return NULL;
}

static void add_to(struct parser *parser, struct inifile_entry *entry, const char *section,
                   const char *key, const char *value) {
    if (entry)
        text_append(&entry->value, *entry->value ? " " : "", value);
    else
        parser->code =
            error_set(parser->error, -EINVAL,
                      "%s:%d: [%s] %s: there is nothing to add to; `%s = ...` goes first",
                      parser->file->path, parser->line, section, key, key);
}

static int take_entry(void *user, const char *section, const char *written, const char *value) {
    struct parser *parser = user;
    struct inifile *file = parser->file;
    CLEANUP_FREE char *key = text_copy(written);
    bool more = cut_plus(key);
    struct inifile_entry *before = find(file, section, key);

    if (!*key)
        reject(parser, parser->line, "no key before the '='");
    if (!*section)
        reject(parser, parser->line, "a key before the first [section]");
    if (strlen(key) > MAX_NAME)
        reject(parser, parser->line, "the key is too long; at most 48 bytes");
    if (parser->code == 0 && more)
        add_to(parser, before, section, key, value);
    else if (parser->code == 0 && before)
        parser->code = error_set(parser->error, -EINVAL,
                                 "%s:%d: [%s] %s: was set before, in line %d; keep one", file->path,
                                 parser->line, section, key, before->line);
    if (parser->code < 0) {
        parser->bad_line = parser->line;
        return 0;
    }
    if (more)
        return 1;
    file->entries = memory_room(file->entries, file->n_entries, sizeof(*file->entries));
    file->entries[file->n_entries++] =
        (struct inifile_entry){text_copy(section), text_copy(key), text_copy(value), parser->line};
    return 1;
}

int inifile_parse(struct inifile **ret, const char *path, const char *text, size_t length,
                  struct error *error) {
    CLEANUP(inifile_freep) struct inifile *file = memory_new(1, sizeof(*file));
    struct parser parser = {.file = file, .cursor = text, .end = text + length, .error = error};
    int r;

    file->path = text_copy(path);
    r = ini_parse_stream(next_line, &parser, take_entry, &parser);
    if (r > 0 && r < parser.bad_line)
        parser.code = 0; /* libinih went on behind a line that it could not read: that was first */
    if (r > 0)
        reject(&parser, r, "neither a [section] nor 'key = value'");
    else if (r < 0)
        reject(&parser, parser.line, "cannot be read");
    if (parser.code < 0)
        return parser.code;
    *ret = file;
    file = NULL;
    return 0;
}

int inifile_read(struct inifile **ret, const char *path, struct error *error) {
    CLEANUP_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    CLEANUP_FREE char *text = NULL;
    struct stat status;
    ssize_t n;

    if (fd < 0 || fstat(fd, &status) < 0)
        return error_errno(error, -errno, "%s", path);
    if (!S_ISREG(status.st_mode))
        return error_set(error, -EINVAL, "%s: not a regular file", path);
    if (status.st_size > MAX_FILE)
        return error_set(error, -EFBIG, "%s: larger than 1 MiB: no scenario", path);
    text = memory_new((size_t)status.st_size, 1);
    n = read(fd, text, (size_t)status.st_size);
    if (n < 0)
        return error_errno(error, -errno, "%s", path);
    return inifile_parse(ret, path, text, (size_t)n, error);
}

void inifile_free(struct inifile *file) {
    for (size_t i = 0; i < file->n_entries; i++) {
        free(file->entries[i].section);
        free(file->entries[i].key);
        free(file->entries[i].value);
    }
    free(file->entries);
    free(file->path);
    free(file);
}

void inifile_write_words(FILE *out, const char *key, const char *words) {
    const char *word;
    size_t length, column = (size_t)fprintf(out, "%s =", key);

    while ((word = text_next_word(&words, &length))) {
        if (column + 1 + length > MAX_LINE)
            column = (size_t)fprintf(out, "\n%s +=", key) - 1;
        column += (size_t)fprintf(out, " %.*s", (int)length, word);
    }
    (void)fputc('\n', out);
}

const char *inifile_get(const struct inifile *file, const char *section, const char *key) {
    const struct inifile_entry *entry = find(file, section, key);

    return entry ? entry->value : NULL;
}
