#include "analysis/markup.h"

#include "base/memory.h"

#include <string.h>

size_t markup_width(const char *text) {
    size_t width = 0;

    for (; *text; text++)
        width += ((unsigned char)*text & 0xc0) != 0x80;
    return width;
}

void markup_blanks(FILE *out, size_t n) {
    for (size_t i = 0; i < n; i++)
        (void)fputc(' ', out);
}

void markup_wrapped(FILE *out, size_t width, size_t indent, const char *text) {
    const char *word;
    size_t length, used = 0;

    while ((word = text_next_word(&text, &length))) {
        CLEANUP_FREE char *copy = text_format("%.*s", (int)length, word);
        size_t wide = markup_width(copy);

        if (used && used + 1 + wide > width) {
            (void)fputc('\n', out);
            used = 0;
        }
        markup_blanks(out, used ? 1 : indent);
        (void)fputs(copy, out);
        used += (used ? 1 : indent) + wide;
    }
    (void)fputc('\n', out);
}

/* ---- characters ---- */

/* Bytes of the character at text: 0 when they are no UTF-8 (RFC 3629, section 4). */
static size_t utf8_length(const char *text) {
    const unsigned char *byte = (const unsigned char *)text;
    size_t length = byte[0] < 0x80                       ? 1
                    : byte[0] >= 0xc2 && byte[0] <= 0xdf ? 2
                    : byte[0] >= 0xe0 && byte[0] <= 0xef ? 3
                    : byte[0] >= 0xf0 && byte[0] <= 0xf4 ? 4
                                                         : 0;

    for (size_t i = 1; i < length; i++)
        if ((byte[i] & 0xc0) != 0x80)
            return 0;
    if ((byte[0] == 0xe0 && byte[1] < 0xa0) || (byte[0] == 0xed && byte[1] > 0x9f) ||
        (byte[0] == 0xf0 && byte[1] < 0x90) || (byte[0] == 0xf4 && byte[1] > 0x8f))
        return 0;
    return length;
}

/* Writes the character at text that needs no escape, control characters as blanks; returns its
 * bytes. */
static size_t put_character(FILE *out, const char *text) {
    size_t length = utf8_length(text);

    if (!length)
        (void)fputc('?', out);
    else if ((unsigned char)*text < 0x20 || *text == 0x7f)
        (void)fputc(' ', out);
    else
        (void)fwrite(text, 1, length, out);
    return length ? length : 1;
}

void markup_markdown(FILE *out, const char *text) {
    while (*text) {
        if (strchr("\\`*_[]<>|#&~", *text))
            (void)fputc('\\', out);
        text += put_character(out, text);
    }
}

/* What LaTeX takes for markup, or an ordinary installation has no letter for. What would be an
 * option of the row end before it is put into braces. */
static const struct {
    const char *text, *latex;
} latex_forms[] = {
    {"\\", "\\textbackslash{}"},
    {"~", "\\textasciitilde{}"},
    {"^", "\\textasciicircum{}"},
    {"<", "\\textless{}"},
    {">", "\\textgreater{}"},
    {"|", "\\textbar{}"},
    {"`", "\\textasciigrave{}"},
    {"\"", "''"},
    {"--", "-{}-{}"},
    {"[", "{[}"},
    {"*", "{*}"},
    {"&", "\\&"},
    {"%", "\\%"},
    {"$", "\\$"},
    {"#", "\\#"},
    {"_", "\\_"},
    {"{", "\\{"},
    {"}", "\\}"},
    {"\u2264", "\\ensuremath{\\leq}"},
    {"\u2265", "\\ensuremath{\\geq}"},
    {"\u2248", "\\ensuremath{\\approx}"},
    {"\u2192", "\\ensuremath{\\rightarrow}"},
    {"\u2212", "\\ensuremath{-}"},
};

/* A Cyrillic letter: U+0400 to U+052F. */
static bool is_cyrillic(const char *text) {
    unsigned char byte = (unsigned char)*text;

    return (byte >= 0xd0 && byte <= 0xd3) ||
           (byte == 0xd4 && (unsigned char)text[1] >= 0x80 && (unsigned char)text[1] <= 0xaf);
}

/* The form that the text begins with, or -1. */
static int find_form(const char *text) {
    for (size_t i = 0; i < ARRAY_SIZE(latex_forms); i++)
        if (strncmp(text, latex_forms[i].text, strlen(latex_forms[i].text)) == 0)
            return (int)i;
    return -1;
}

void markup_latex(FILE *out, const char *text) {
    bool cyrillic = false;

    while (*text) {
        int form = find_form(text);
        bool is = utf8_length(text) == 2 && is_cyrillic(text);

        if (is != cyrillic)
            (void)fputs(is ? "\\textcyrillic{" : "}", out);
        cyrillic = is;
        if (form >= 0) {
            (void)fputs(latex_forms[form].latex, out);
            text += strlen(latex_forms[form].text);
        } else {
            text += put_character(out, text);
        }
    }
    if (cyrillic)
        (void)fputs("}", out);
}

void markup_latex_begin(FILE *out, size_t rows) {
    (void)fputs("\\footnotesize\\setlength{\\tabcolsep}{3pt}\n", out);
    (void)fputs(rows > MARKUP_LATEX_ROWS
                    ? "\\resizebox*{!}{0.85\\textheight}{%\n"
                    : "\\resizebox{\\ifdim\\width>\\linewidth\\linewidth\\else\\width\\fi}{!}{%\n",
                out);
}

/* What the document must load, or have, for this LaTeX. */
static void put_latex_head(FILE *out, const char *latex) {
    (void)fputs("% needs \\usepackage{booktabs,graphicx}\n", out);
    if (strstr(latex, "\\textcyrillic{"))
        (void)fputs("% and, for Cyrillic letters with pdfLaTeX, \\usepackage[T2A,T1]{fontenc}\n"
                    "\\providecommand{\\textcyrillic}[1]{\\ifdefined\\Umathchar#1\\else"
                    "{\\fontencoding{T2A}\\selectfont#1}\\fi}\n",
                    out);
}

char *markup_latex_file(void (*print)(FILE *out, const void *what), const void *what) {
    CLEANUP_FREE char *body = NULL;
    char *text = NULL;
    size_t length;
    FILE *out = open_memstream(&body, &length);

    print(out, what);
    (void)fclose(out);
    out = open_memstream(&text, &length);
    put_latex_head(out, body);
    (void)fputs(body, out);
    (void)fclose(out);
    return text;
}
