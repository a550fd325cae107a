#include "analysis/names.h"

#include <string.h>

struct names_slot {
    uint64_t hash;
    size_t length;
    size_t number; /* from 1; 0: a free slot */
};

/* FNV-1a, of which the upper half is mixed into the lower, as only that is used. */
static uint64_t hash_of(const char *name, size_t length) {
    uint64_t hash = 0xcbf29ce484222325U;

    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (unsigned char)name[i]) * 0x100000001b3U;
    return hash ^ hash >> 32;
}

/* The slot of this name, or the free one where it would be. */
static struct names_slot *find(const struct names *names, uint64_t hash, const char *name,
                               size_t length) {
    size_t place = hash & (names->n_slots - 1);

    for (;; place = (place + 1) & (names->n_slots - 1)) {
        struct names_slot *slot = &names->slots[place];

        if (!slot->number || (slot->hash == hash && slot->length == length &&
                              memcmp(names->texts[slot->number - 1], name, length) == 0))
            return slot;
    }
}

static void grow(struct names *names) {
    struct names old = *names;

    names->n_slots = old.n_slots ? old.n_slots * 2 : 16;
    names->slots = memory_new(names->n_slots, sizeof(*names->slots));
    for (size_t i = 0; i < old.n_slots; i++) {
        size_t place = old.slots[i].hash & (names->n_slots - 1);

        if (!old.slots[i].number)
            continue;
        while (names->slots[place].number)
            place = (place + 1) & (names->n_slots - 1);
        names->slots[place] = old.slots[i];
    }
    free(old.slots);
}

size_t names_number(struct names *names, const char *name, size_t length) {
    uint64_t hash = hash_of(name, length);
    struct names_slot *slot;
    char *text;

    if (2 * (names->n + 1) > names->n_slots)
        grow(names);
    slot = find(names, hash, name, length);
    if (slot->number)
        return slot->number - 1;
    text = memory_new(length + 1, 1);
    memcpy(text, name, length);
    names->texts = memory_room(names->texts, names->n, sizeof(*names->texts));
    names->texts[names->n++] = text;
    *slot = (struct names_slot){hash, length, names->n};
    return names->n - 1;
}

char **names_take(struct names *names, size_t *ret_n) {
    char **texts = names->texts;

    *ret_n = names->n;
    free(names->slots);
    *names = (struct names){0};
    return texts;
}

void names_clear(struct names *names) {
    for (size_t i = 0; i < names->n; i++)
        free(names->texts[i]);
    free(names->texts);
    free(names->slots);
    *names = (struct names){0};
}
