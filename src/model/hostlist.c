#include "model/hostlist.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#define MAX_DIGITS 9

void hostlist_clear(struct hostlist *list) {
    for (size_t i = 0; i < list->n; i++)
        free(list->names[i]);
    free(list->names);
    *list = (struct hostlist){NULL, 0};
}

/* The name is taken. */
static int add(struct hostlist *list, char *name, struct error *error) {
    CLEANUP_FREE char *taken = name;

    for (size_t i = 0; i < list->n; i++)
        if (text_equal(list->names[i], name))
            return error_set(error, -EINVAL, "names '%s' twice", name);
    if (list->n == HOSTLIST_MAX)
        return error_set(error, -EINVAL, "names too many hosts: a run has %d at most",
                         HOSTLIST_MAX);
    list->names = memory_room(list->names, list->n, sizeof(*list->names));
    list->names[list->n++] = taken;
    taken = NULL;
    return 0;
}

/* ---- names as Slurm writes them ---- */

/* It becomes a word of a command line, and no option of it. */
static int add_name(struct hostlist *list, char *name, struct error *error) {
    const char *c = name;

    while (isalnum((unsigned char)*c) || (*c && strchr("-._", *c)))
        c++;
    if (*name && *name != '-' && !*c)
        return add(list, name, error);
    (void)error_set(error, -EINVAL,
                    "'%s' is no host's name: letters, digits, '-', '.' and '_' make one, as in "
                    "node[1-8]",
                    name);
    free(name);
    return -EINVAL;
}

/* "01-03" or "7"; what it is part of is for the message. */
static int read_range(const char *text, size_t length, const char *whole, int *ret_first,
                      int *ret_last, int *ret_width, struct error *error) {
    CLEANUP_FREE char *range = strndup(text, length);
    size_t width = strspn(range, "0123456789");
    const char *high = range[width] == '-' ? range + width + 1 : range;
    size_t high_width = strspn(high, "0123456789");

    if (!width || !high_width || high[high_width] || width > MAX_DIGITS || high_width > MAX_DIGITS)
        return error_set(error, -EINVAL,
                         "'%s': '%s' is neither a number nor a range of numbers, as in node[1-8]",
                         whole, range);
    *ret_first = atoi(range);
    *ret_last = atoi(high);
    *ret_width = (int)width;
    if (*ret_last < *ret_first)
        return error_set(error, -EINVAL, "'%s': the range '%s' runs backwards", whole, range);
    return 0;
}

/* All names that begin with prefix and go on as `rest`, a part of the `whole`. */
static int expand(struct hostlist *list, const char *prefix, const char *rest, const char *whole,
                  struct error *error) {
    const char *open = strchr(rest, '['), *close = open ? strchr(open, ']') : NULL;
    int first, last, width, r = 0;

    if (!open)
        return add_name(list, text_format("%s%s", prefix, rest), error);
    if (!close)
        return error_set(error, -EINVAL, "'%s' has a '[' without its ']'", whole);
    for (const char *range = open + 1; r == 0 && range <= close;) {
        size_t length = strcspn(range, ",]");

        r = read_range(range, length, whole, &first, &last, &width, error);
        for (int i = first; r == 0 && i <= last; i++) {
            CLEANUP_FREE char *longer =
                text_format("%s%.*s%0*d", prefix, (int)(open - rest), rest, width, i);

            r = expand(list, longer, close + 1, whole, error);
        }
        range += length + 1;
    }
    return r;
}

/* The length of an element: commas and blanks within brackets are its own. */
static size_t element_length(const char *text) {
    bool inside = false;
    size_t i = 0;

    for (; text[i] && (inside || !strchr(", \t", text[i])); i++)
        inside = text[i] == '[' || (inside && text[i] != ']');
    return i;
}

int hostlist_expand(const char *text, struct hostlist *ret, struct error *error) {
    CLEANUP(hostlist_clear) struct hostlist list = {NULL, 0};
    int r = 0;

    for (text += strspn(text, ", \t"); *text && r == 0; text += strspn(text, ", \t")) {
        size_t length = element_length(text);
        CLEANUP_FREE char *element = strndup(text, length);

        r = expand(&list, "", element, element, error);
        text += length;
    }
    if (r == 0 && !list.n)
        r = error_set(error, -EINVAL, "names no host");
    if (r < 0)
        return r;
    *ret = list;
    list = (struct hostlist){NULL, 0};
    return 0;
}

/* ---- specifications ---- */

int hostlist_split(const char *text, bool (*begins)(const char *word), struct hostlist *ret,
                   struct error *error) {
    CLEANUP(hostlist_clear) struct hostlist list = {NULL, 0};
    CLEANUP_FREE char *host = NULL;
    const char *word;
    size_t length;
    int r = 0;

    while (r == 0 && (word = text_next_word(&text, &length))) {
        CLEANUP_FREE char *copy = strndup(word, length);

        if (host && !begins(copy)) {
            text_append(&host, " ", copy);
            continue;
        }
        r = host ? add(&list, host, error) : 0;
        host = copy;
        copy = NULL;
    }
    if (r == 0) {
        r = host ? add(&list, host, error) : error_set(error, -EINVAL, "names no host");
        host = NULL;
    }
    if (r < 0)
        return r;
    *ret = list;
    list = (struct hostlist){NULL, 0};
    return 0;
}

void hostlist_launch(struct hostlist *list, const char *launcher) {
    for (size_t i = 0; i < list->n; i++) {
        CLEANUP_FREE char *name = list->names[i];
        char *spec = text_copy("");
        const char *rest = launcher, *place;

        for (; (place = strstr(rest, "%h")); rest = place + 2) {
            CLEANUP_FREE char *part = text_format("%.*s%s", (int)(place - rest), rest, name);

            text_append(&spec, "", part);
        }
        text_append(&spec, "", rest);
        list->names[i] = spec;
    }
}
