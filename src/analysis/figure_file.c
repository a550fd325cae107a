#include "analysis/figure_file.h"

#include <errno.h>
#include <math.h>
#include <string.h>

/* ---- files ---- */

int figure_file_open(struct figure_file *ret, const char *folder, const char *name,
                     const char *header, struct error *error) {
    char *path = text_format("%s/%s", folder, name);
    FILE *out = fopen(path, "we");

    if (!out) {
        int r = error_errno(error, -errno, "%s", path);

        free(path);
        return r;
    }
    fprintf(out, "%s,end\n", header);
    *ret = (struct figure_file){out, path, false};
    return 0;
}

static void separate(struct figure_file *file) {
    if (file->in_row)
        fputc(',', file->out);
    file->in_row = true;
}

/* One character of a quoted field. */
static void put_character(struct figure_file *file, char c) {
    if ((unsigned char)c < ' ' || c == ',' || c == '"' || c == '\\')
        fprintf(file->out, "\\0%03o", (unsigned char)c); /* read are four digits after a 0 */
    else
        fputc(c, file->out);
}

/* Characters that mean something where the text goes are written with `guard` before them. */
static void put(struct figure_file *file, const char *text, const char *markup, char guard) {
    separate(file);
    if (!text || !*text)
        return;
    fputc('"', file->out);
    for (; *text; text++) {
        if (strchr(markup, *text))
            put_character(file, guard);
        put_character(file, *text);
    }
    fputc('"', file->out);
}

void figure_put_text(struct figure_file *file, const char *text) {
    put(file, text, "", 0);
}

void figure_put_plain(struct figure_file *file, const char *text) {
    put(file, text, "_^@&~{}\\", '\\');
}

void figure_put_tic(struct figure_file *file, const char *text) {
    put(file, text, "%", '%');
}

void figure_put_real(struct figure_file *file, double value) {
    separate(file);
    if (isfinite(value))
        fprintf(file->out, "%.9g", value);
}

void figure_put_integer(struct figure_file *file, int64_t value) {
    separate(file);
    fprintf(file->out, "%lld", (long long)value);
}

void figure_end_row(struct figure_file *file) {
    fputs(",.\n", file->out);
    file->in_row = false;
}

int figure_file_close(struct figure_file *file, struct error *error) {
    int r = 0;

    if (file->out) {
        bool failed = ferror(file->out);

        if (fclose(file->out) != 0 || failed)
            r = error_errno(error, errno ? -errno : -EIO, "%s", file->path);
    }
    free(file->path);
    *file = (struct figure_file){NULL, NULL, false};
    return r;
}

/* ---- texts ---- */

static bool continues(char c) {
    return ((unsigned char)c & 0xc0) == 0x80;
}

size_t figure_width(const char *text) {
    size_t width = 0, widest = 0;

    for (; *text; text++) {
        width = *text == '\n' ? 0 : width + !continues(*text);
        widest = width > widest ? width : widest;
    }
    return widest;
}

size_t figure_lines(const char *text) {
    size_t lines = 1;

    while ((text = strchr(text, '\n'))) {
        lines++;
        text++;
    }
    return lines;
}

/* The bytes of the first `count` characters. */
static size_t bytes_of(const char *text, size_t count) {
    size_t bytes = 0;

    while (text[bytes] && (count || continues(text[bytes])))
        if (!continues(text[bytes++]))
            count--;
    return bytes;
}

/* Behind which characters a line may end: best behind the first of these that it has. */
static const char *const breaks[] = {" ", "=", "-_:,/"};

bool figure_breaks(char c) {
    for (size_t i = 0; c && i < ARRAY_SIZE(breaks); i++)
        if (strchr(breaks[i], c))
            return true;
    return false;
}

/* How many bytes of text make the next line. */
static size_t line_bytes(const char *text, size_t limit) {
    size_t all = bytes_of(text, limit), bytes;

    if (!text[all] || text[all] == ' ')
        return all;
    for (size_t i = 0; i < ARRAY_SIZE(breaks); i++)
        for (bytes = all; bytes; bytes--)
            if (strchr(breaks[i], text[bytes - 1]))
                return bytes;
    return all;
}

char *figure_wrap(const char *text, size_t limit) {
    char *lines = text_copy("");

    limit = limit < 4 ? 4 : limit;
    while (*text) {
        size_t bytes = line_bytes(text, limit), kept = bytes;
        CLEANUP_FREE char *line = NULL;

        while (kept && text[kept - 1] == ' ')
            kept--;
        line = text_format("%.*s", (int)kept, text);
        text_append(&lines, "\n", line);
        text += bytes;
        text += strspn(text, " ");
    }
    return lines;
}

char *figure_shorten(const char *line, size_t limit) {
    size_t width = figure_width(line), head = limit * 2 / 3, tail = limit - head - strlen("...");

    if (width <= limit)
        return text_copy(line);
    return text_format("%.*s...%s", (int)bytes_of(line, head), line,
                       line + bytes_of(line, width - tail));
}

char *figure_number(double value) {
    double size = fabs(value);

    return text_format(size >= 100  ? "%.0f"
                       : size >= 10 ? "%.1f"
                       : size >= 1  ? "%.2f"
                                    : "%.3g",
                       value);
}
