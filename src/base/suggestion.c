#include "base/suggestion.h"

#include "base/memory.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>

#define MAX_DISTANCE    2
#define MAX_LENGTH      80
#define SEPARATORS      " ,"
#define LIST_SEPARATORS SEPARATORS ":@"

static size_t least(size_t a, size_t b) {
    return a < b ? a : b;
}

static bool differ(char a, char b) {
    return tolower((unsigned char)a) != tolower((unsigned char)b);
}

size_t suggestion_distance(const char *a, const char *b) {
    size_t length_a = strlen(a), length_b = strlen(b);
    /* Of the first i letters of a to the first k of b; three rows are enough. */
    size_t rows[3][MAX_LENGTH + 1];

    if (length_a > MAX_LENGTH || length_b > MAX_LENGTH)
        return SIZE_MAX;
    for (size_t k = 0; k <= length_b; k++)
        rows[0][k] = k;
    for (size_t i = 1; i <= length_a; i++) {
        size_t *row = rows[i % 3], *before = rows[(i + 2) % 3], *two_before = rows[(i + 1) % 3];

        row[0] = i;
        for (size_t k = 1; k <= length_b; k++) {
            row[k] =
                least(least(before[k], row[k - 1]) + 1, before[k - 1] + differ(a[i - 1], b[k - 1]));
            if (i > 1 && k > 1 && !differ(a[i - 1], b[k - 2]) && !differ(a[i - 2], b[k - 1]))
                row[k] = least(row[k], two_before[k - 2] + 1);
        }
    }
    return rows[length_a % 3][length_b];
}

char *suggestion(const char *word, const char *known) {
    CLEANUP_FREE char *nearest = NULL;
    size_t best = MAX_DISTANCE + 1;

    for (size_t length; known += strspn(known, SEPARATORS), *known; known += length) {
        CLEANUP_FREE char *name = strndup(known, length = strcspn(known, SEPARATORS));
        size_t distance = suggestion_distance(word, name);

        if (text_equal(word, name))
            return text_copy("");
        if (distance >= best || 2 * distance > length)
            continue;
        best = distance;
        free(nearest);
        nearest = text_copy(name);
    }
    return nearest ? text_format(" (did you mean %s?)", nearest) : text_copy("");
}

char *suggestion_of_list(const char *names, const char *known) {
    for (size_t length; names += strspn(names, LIST_SEPARATORS), *names; names += length) {
        CLEANUP_FREE char *name = strndup(names, length = strcspn(names, LIST_SEPARATORS));
        char *meant = suggestion(name, known);

        if (*meant)
            return meant;
        free(meant);
    }
    return text_copy("");
}
