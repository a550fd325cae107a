#include "base/terminal.h"

#include "base/memory.h"

#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static const char *const colours[] = {
    [STYLE_GOOD] = "\033[32m", [STYLE_DOUBTFUL] = "\033[33m", [STYLE_BAD] = "\033[31m"};

static const struct {
    const char *word;
    enum style style;
} verdicts[] = {
    {"broken", STYLE_BAD},     {"failed", STYLE_BAD},         {"faster", STYLE_GOOD},
    {"held", STYLE_GOOD},      {"less", STYLE_GOOD},          {"more", STYLE_BAD},
    {"no change", STYLE_GOOD}, {"not more", STYLE_GOOD},      {"not slower", STYLE_GOOD},
    {"ok", STYLE_GOOD},        {"remark", STYLE_DOUBTFUL},    {"skipped", STYLE_DOUBTFUL},
    {"slower", STYLE_BAD},     {"undecided", STYLE_DOUBTFUL}, {"void", STYLE_BAD},
};

bool terminal_obeys(FILE *out) {
    const char *type = getenv("TERM");

    return isatty(fileno(out)) && type && *type && !text_equal(type, "dumb");
}

struct terminal_size terminal_size(FILE *out) {
    struct winsize size = {0};

    (void)ioctl(fileno(out), TIOCGWINSZ, &size);
    return (struct terminal_size){size.ws_col ? size.ws_col : 80, size.ws_row ? size.ws_row : 24};
}

static bool shows_colours(FILE *out) {
    const char *refused = getenv("NO_COLOR");

    return terminal_obeys(out) && !(refused && *refused);
}

void terminal_vprint(FILE *out, enum style style, const char *format, va_list arguments) {
    bool coloured = style != STYLE_PLAIN && shows_colours(out);

    if (coloured)
        (void)fputs(colours[style], out);
    text_vprint(out, format, arguments);
    if (coloured)
        (void)fputs("\033[0m", out);
}

void terminal_print(FILE *out, enum style style, const char *format, ...) {
    va_list arguments;

    va_start(arguments, format);
    terminal_vprint(out, style, format, arguments);
    va_end(arguments);
}

char *terminal_wrap(const char *line, int columns, int indent) {
    char *wrapped = text_copy("");
    int used = 0;

    while (*line) {
        int blanks = (int)strspn(line, " "), length = (int)strcspn(line + blanks, " ");
        bool breaks = used + blanks + length > columns && indent + length <= columns && used;
        CLEANUP_FREE char *piece = breaks
                                       ? text_format("\n%*s%.*s", indent, "", length, line + blanks)
                                       : text_format("%.*s", blanks + length, line);

        used = breaks ? indent + length : used + blanks + length;
        text_append(&wrapped, "", piece);
        line += blanks + length;
    }
    return wrapped;
}

enum style terminal_style_of(const char *verdict) {
    for (size_t i = 0; i < ARRAY_SIZE(verdicts); i++)
        if (text_equal(verdicts[i].word, verdict))
            return verdicts[i].style;
    return STYLE_PLAIN;
}
