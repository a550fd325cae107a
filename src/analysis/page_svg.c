#include "analysis/page_svg.h"

#include "analysis/html.h"
#include "base/memory.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#define MAX_DEPTH      64
#define MAX_ATTRIBUTES 32

/* A piece of the file. */
struct span {
    const char *start;
    size_t length;
};

struct copy {
    FILE *out;
    const char *at, *prefix, *label;
    struct span open[MAX_DEPTH]; /* the elements that are open in what was written */
    size_t depth;
    bool begun;
};

static bool span_is(struct span span, const char *text) {
    return span.length == strlen(text) && strncmp(span.start, text, span.length) == 0;
}

static bool span_begins(struct span span, const char *text) {
    return span.length >= strlen(text) && strncmp(span.start, text, strlen(text)) == 0;
}

/* HTML knows attributes by their letters in any case: ONLOAD is onload. */
static bool span_like(struct span span, const char *text) {
    return span.length == strlen(text) && strncasecmp(span.start, text, span.length) == 0;
}

static bool is_in(struct span span, const char *const *list, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (span_is(span, list[i]))
            return true;
    return false;
}

/* What may stand in a page. */
static bool is_element(struct span name) {
    static const char *const names[] = {
        "svg",         "g",       "defs",          "use",      "path",           "rect",
        "circle",      "ellipse", "line",          "polyline", "polygon",        "text",
        "tspan",       "title",   "desc",          "pattern",  "linearGradient", "radialGradient",
        "stop",        "filter",  "feFlood",       "clipPath", "mask",           "marker",
        "feComposite", "image",   "feGaussianBlur"};

    return is_in(name, names, ARRAY_SIZE(names));
}

/* Names that XML takes; of those with a colon, the ones whose meaning the root declares. */
static bool is_attribute(struct span name) {
    static const char *const known[] = {"xlink:href", "xml:space"};

    return isalpha((unsigned char)*name.start) &&
           (!memchr(name.start, ':', name.length) || is_in(name, known, ARRAY_SIZE(known)));
}

/* What the page says otherwise. */
static bool is_left_out_of_root(struct span name) {
    static const char *const names[] = {"width", "height", "viewBox", "id",   "role",
                                        "style", "x",      "y",       "xmlns"};
    bool found = false;

    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        found = found || span_like(name, names[i]);
    return found || strncasecmp(name.start, "aria-", 5) == 0;
}

/* ---- pieces of the file ---- */

static struct span take_name(struct copy *copy) {
    struct span name = {copy->at, 0};

    while (isalnum((unsigned char)*copy->at) || (*copy->at && strchr("_-:.", *copy->at)))
        copy->at++;
    name.length = (size_t)(copy->at - name.start);
    return name;
}

static void skip_blanks(struct copy *copy) {
    while (isspace((unsigned char)*copy->at))
        copy->at++;
}

static bool skip_behind(struct copy *copy, const char *text) {
    const char *found = strstr(copy->at, text);

    if (found)
        copy->at = found + strlen(text);
    return found != NULL;
}

/* name="value" or name='value'; false at the end of the tag, or where it is no such thing. */
static bool take_attribute(struct copy *copy, struct span *ret_name, struct span *ret_value) {
    const char *end;

    skip_blanks(copy);
    *ret_name = take_name(copy);
    skip_blanks(copy);
    if (!ret_name->length || *copy->at != '=')
        return false;
    copy->at++;
    skip_blanks(copy);
    end = *copy->at == '"' || *copy->at == '\'' ? strchr(copy->at + 1, *copy->at) : NULL;
    if (!end)
        return false;
    *ret_value = (struct span){copy->at + 1, (size_t)(end - copy->at - 1)};
    copy->at = end + 1;
    return true;
}

/* ---- attributes ---- */

/* Whether a value calls none but these: CSS has functions that load a picture from anywhere, as
 * image-set() does without a url(). */
static bool is_harmless(struct span value) {
    static const char *const known[] = {"url",    "rgb",    "rgba",  "translate", "scale",
                                        "rotate", "matrix", "skewX", "skewY"};

    for (size_t i = 0; i < value.length; i++) {
        struct span name = {value.start + i, 0};
        bool found = false;

        if (value.start[i] != '(')
            continue;
        while (name.start > value.start &&
               (isalnum((unsigned char)name.start[-1]) || strchr("-_", name.start[-1]))) {
            name.start--;
            name.length++;
        }
        for (size_t k = 0; k < ARRAY_SIZE(known); k++)
            found = found || span_like(name, known[k]);
        if (!found)
            return false;
    }
    return true;
}

/* Whether characters stand in a value by their numbers: url&#40; is url( to a browser. */
static bool has_hidden(struct span value) {
    for (size_t i = 0; i + 2 <= value.length; i++)
        if (strncmp(value.start + i, "&#", 2) == 0 && strncmp(value.start + i, "&#39;", 5) != 0)
            return true;
    return memchr(value.start, '\\', value.length);
}

/* A value with the prefix in each url(#...); false when it has a url of another kind. */
static bool put_urls(FILE *out, struct span value, const char *prefix) {
    CLEANUP_FREE char *text = text_format("%.*s", (int)value.length, value.start);
    const char *at = text, *url;

    while ((url = strcasestr(at, "url("))) {
        const char *id = url + strlen("url(");

        while (*id && strchr(" '\"", *id))
            id++;
        if (*id != '#')
            return false;
        html_escaped(out, at, (size_t)(id + 1 - at));
        html_put(out, "%s", prefix);
        at = id + 1;
    }
    html_escaped(out, at, strlen(at));
    return true;
}

static void put_attribute(struct copy *copy, struct span name, struct span value) {
    bool is_link = span_like(name, "href") || span_like(name, "xlink:href");
    bool has_id = span_like(name, "id") || (is_link && span_begins(value, "#"));
    CLEANUP_FREE char *text = NULL;
    size_t size;
    FILE *out;

    /* A class would meet the page's own. */
    if (!is_attribute(name) || strncasecmp(name.start, "on", 2) == 0 || span_like(name, "class") ||
        has_hidden(value) || !is_harmless(value))
        return;
    if (is_link && !has_id && !span_begins(value, "data:image/png"))
        return;
    out = open_memstream(&text, &size);
    if (has_id) {
        size_t mark = is_link ? 1 : 0;

        fprintf(out, "%s", is_link ? "#" : "");
        html_put(out, "%s", copy->prefix);
        html_escaped(out, value.start + mark, value.length - mark);
    } else if (!put_urls(out, value, copy->prefix)) {
        (void)fclose(out);
        return;
    }
    (void)fclose(out);
    fprintf(copy->out, " %.*s=\"%s\"", (int)name.length, name.start, text);
}

/* Each attribute once: the first counts. */
static void put_attributes(struct copy *copy, bool root) {
    struct span names[MAX_ATTRIBUTES], name, value;
    size_t n = 0;

    while (n < MAX_ATTRIBUTES && take_attribute(copy, &name, &value)) {
        bool again = false;

        for (size_t i = 0; i < n; i++)
            again = again || (names[i].length == name.length &&
                              strncmp(names[i].start, name.start, name.length) == 0);
        names[n++] = name;
        if (!again && !(root && is_left_out_of_root(name)))
            put_attribute(copy, name, value);
    }
}

/* The root's own: its size is the place's, its shape that of the picture. */
static void put_root(struct copy *copy) {
    struct span name, value, width = {"", 0}, height = {"", 0}, box = {"", 0};
    const char *start = copy->at;

    while (take_attribute(copy, &name, &value)) {
        struct span *wanted = span_is(name, "width")     ? &width
                              : span_is(name, "height")  ? &height
                              : span_is(name, "viewBox") ? &box
                                                         : NULL;

        if (wanted)
            *wanted = value;
    }
    copy->at = start;
    html_put(copy->out,
             " xmlns=\"http://www.w3.org/2000/svg\" xmlns:xlink=\"http://www.w3.org/1999/xlink\""
             " width=\"100%%\" role=\"img\" aria-label=\"%s\" viewBox=\"",
             copy->label);
    if (box.length)
        html_escaped(copy->out, box.start, box.length);
    else
        fprintf(copy->out, "0 0 %ld %ld", width.length ? strtol(width.start, NULL, 10) : 900,
                height.length ? strtol(height.start, NULL, 10) : 420);
    fprintf(copy->out, "\"");
}

/* ---- elements ---- */

static int reject(const struct copy *copy, const char *why, struct error *error) {
    return error_set(error, -EBADMSG, "is no SVG that can stand in a page: %s near '%.20s'", why,
                     copy->at);
}

/* gnuplot calls each curve by its number, which says nothing and would pop up under the mouse. */
static bool is_idle_title(const struct copy *copy, struct span name) {
    const char *text = copy->at + 1;

    return span_is(name, "title") && *copy->at == '>' &&
           (strncmp(text, "gnuplot_plot_", 13) == 0 || strncmp(text, "Gnuplot<", 8) == 0);
}

/* The element that was just begun, with all that is in it. */
static int skip_element(struct copy *copy, struct span name, struct error *error) {
    CLEANUP_FREE char *close = text_format("</%.*s", (int)name.length, name.start);
    const char *end = strchr(copy->at, '>');

    if (!end)
        return reject(copy, "a tag without end", error);
    copy->at = end + 1;
    if (end[-1] == '/')
        return 0;
    return skip_behind(copy, close) && skip_behind(copy, ">")
               ? 0
               : reject(copy, "an element without end", error);
}

static int copy_start(struct copy *copy, struct error *error) {
    struct span name = take_name(copy);
    bool root = copy->depth == 0, closed;

    if (root && (copy->begun || !span_is(name, "svg")))
        return reject(copy, "something else than one drawing", error);
    if (!is_element(name) || is_idle_title(copy, name))
        return skip_element(copy, name, error);
    if (copy->depth == MAX_DEPTH)
        return reject(copy, "too many elements within each other", error);
    fprintf(copy->out, "<%.*s", (int)name.length, name.start);
    if (root)
        put_root(copy);
    put_attributes(copy, root);
    copy->begun = true;
    closed = *copy->at == '/';
    copy->at += closed;
    if (*copy->at != '>')
        return reject(copy, "a tag without end", error);
    copy->at++;
    fprintf(copy->out, closed ? "/>" : ">");
    if (!closed)
        copy->open[copy->depth++] = name;
    return 0;
}

static int copy_end(struct copy *copy, struct error *error) {
    struct span name = take_name(copy), open;

    skip_blanks(copy);
    if (!copy->depth || *copy->at != '>')
        return reject(copy, "an end without a start", error);
    open = copy->open[--copy->depth];
    if (open.length != name.length || strncmp(open.start, name.start, name.length) != 0)
        return reject(copy, "an end of another element", error);
    copy->at++;
    fprintf(copy->out, "</%.*s>", (int)name.length, name.start);
    return 0;
}

/* One thing that begins with '<'. */
static int copy_markup(struct copy *copy, struct error *error) {
    const char *end = strncmp(copy->at, "<!--", 4) == 0 ? "-->"
                      : copy->at[1] == '?'              ? "?>"
                      : copy->at[1] == '!'              ? ">"
                                                        : NULL;

    if (end)
        return skip_behind(copy, end) ? 0 : reject(copy, "something without end", error);
    if (copy->at[1] == '/') {
        copy->at += 2;
        return copy_end(copy, error);
    }
    copy->at++;
    return copy_start(copy, error);
}

static int copy_all(struct copy *copy, struct error *error) {
    int r = 0;

    while (r == 0 && *copy->at) {
        size_t length = strcspn(copy->at, "<");

        if (copy->depth)
            html_escaped(copy->out, copy->at, length);
        copy->at += length;
        if (*copy->at)
            r = copy_markup(copy, error);
    }
    if (r == 0 && (copy->depth || !copy->begun))
        r = reject(copy, "it does not end", error);
    return r;
}

char *page_svg(const char *svg, const char *prefix, const char *label, struct error *error) {
    struct copy copy = {.at = svg, .prefix = prefix, .label = label};
    char *text = NULL;
    size_t size;
    int r;

    copy.out = open_memstream(&text, &size);
    r = copy_all(&copy, error);
    (void)fclose(copy.out);
    if (r < 0) {
        free(text);
        return NULL;
    }
    return text;
}
