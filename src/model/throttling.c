#include "model/throttling.h"

#include "base/memory.h"

#define SINCE_START 16

unsigned throttling_between(unsigned before, unsigned after) {
    unsigned new_since = (after & ~before) >> SINCE_START;

    return (before | after | new_since) & THROTTLING_BITS;
}

char *throttling_words(unsigned bits) {
    static const char *const names[] = {"under-voltage", "frequency capped", "throttled",
                                        "soft temperature limit"};
    char *words = text_copy("");

    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        if (bits & 1u << i)
            text_append(&words, ", ", names[i]);
    return words;
}
