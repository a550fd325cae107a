#include "base/inifile.h"

#include "base/file.h"

#include <errno.h>
#include <ini.h>
#include <stdbool.h>
#include <string.h>

/* libinih's buffers: a longer line is split, a longer section's name cut, both silently. A key is
 * cut only in what it keeps for continuation lines, which there are none of here. */
#define MAX_LINE    INIFILE_MAX_LINE
#define MAX_SECTION 48
#define MAX_KEY     INIFILE_MAX_KEY
#define MAX_FILE    (1024 * 1024)

struct parser {
    struct inifile *file;
    const char *cursor, *end;
    int line;
    int code;     /* of the first error that was seen here, which stops all reading */
    int bad_line; /* where */
    struct error *error;
};

static void reject(struct parser *parser, int line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void reject(struct parser *parser, int line, const char *format, ...) {
    CLEANUP_FREE char *why = NULL;
    va_list arguments;

    if (parser->code < 0)
        return;
    va_start(arguments, format);
    why = text_vformat(format, arguments);
    va_end(arguments);
    parser->bad_line = line;
    parser->code = error_set(parser->error, -EINVAL, "%s:%d: %s", parser->file->path, line, why);
}

/* What is wrong with a section's line, or NULL: libinih would cut a long name, and not look at what
 * stands behind it. */
static const char *section_fault(const char *line, size_t length) {
    const char *end = line + length;
    const char *rest = length && *line == '[' ? memchr(line, ']', length) : NULL;

    if (!rest)
        return NULL;
    if (rest - line - 1 > MAX_SECTION)
        return "the section's name is too long; at most 48 bytes";
    for (rest++; rest < end && strchr(" \t\r", *rest);)
        rest++;
    return rest < end && *rest != ';' && *rest != '#'
               ? "text behind the section's name; give it a line of its own"
               : NULL;
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
    else if (section_fault(start, length))
        reject(parser, parser->line, "%s", section_fault(start, length));
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

static int take_entry(void *user, const char *section, const char *written, const char *value) {
    struct parser *parser = user;
    struct inifile *file = parser->file;
    CLEANUP_FREE char *key = text_copy(written);
    bool more = cut_plus(key);
    struct inifile_entry *before = find(file, section, key);
    int line = parser->line;

    if (!*key)
        reject(parser, line, "no key before the '='");
    else if (!*section)
        reject(parser, line,
               "a key before the first [section]; write [scenario] above it, or, in a channel's "
               "file, [channel]");
    else if (strlen(key) > MAX_KEY)
        reject(parser, line, "the key is too long; at most 120 bytes");
    else if (more && !before)
        reject(parser, line, "[%s] %s: there is nothing to add to; `%s = ...` goes first", section,
               key, key);
    else if (before && !more)
        reject(parser, line, "[%s] %s: was set before, in line %d; keep one", section, key,
               before->line);
    if (parser->code < 0)
        return 0;
    if (more) {
        text_append(&before->value, *before->value ? " " : "", value);
        return 1;
    }
    file->entries = memory_room(file->entries, file->n_entries, sizeof(*file->entries));
    file->entries[file->n_entries++] =
        (struct inifile_entry){text_copy(section), text_copy(key), text_copy(value), line};
    return 1;
}

/* "seed 5": what libinih could not read may lack no more than the sign. */
static void reject_line(struct parser *parser, const char *text, int line) {
    const char *start = text, *word;
    size_t length;

    for (int i = 1; i < line && start < parser->end; i++)
        start = (const char *)memchr(start, '\n', (size_t)(parser->end - start)) + 1;
    {
        size_t whole = strcspn(start, "\r\n");
        CLEANUP_FREE char *copy = strndup(start, whole);
        const char *cursor = copy;

        word = text_next_word(&cursor, &length);
        cursor += strspn(cursor, " \t");
        if (word && *cursor && *word != '[')
            reject(parser, line,
                   "neither a [section] nor 'key = value'; is a '=' missing, as in %.*s = %s",
                   (int)length, word, cursor);
        else
            reject(parser, line, "neither a [section] nor 'key = value'");
    }
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
        reject_line(&parser, text, r);
    else if (r < 0)
        reject(&parser, parser.line, "cannot be read");
    if (parser.code < 0)
        return parser.code;
    *ret = file;
    file = NULL;
    return 0;
}

int inifile_read(struct inifile **ret, const char *path, struct error *error) {
    CLEANUP_FREE char *text = NULL;
    size_t length;
    int r = file_read_text(path, MAX_FILE, &text, &length, error);

    if (r == -EFBIG)
        return error_set(error, r, "%s: larger than 1 MiB: no scenario", path);
    if (r == -EISDIR)
        return error_set(error, -EINVAL, "%s: not a regular file", path);
    if (r == -EBADMSG)
        return -EINVAL;
    return r < 0 ? r : inifile_parse(ret, path, text, length, error);
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
