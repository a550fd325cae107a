#include "security/token_memory.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_SLOTS 1024 /* a power of two, as every size of the table is */

/* A table with open addressing; a slot whose time is 0 is empty. */
struct token_memory {
    int64_t max_age_ns;
    int64_t forgotten_ns; /* tokens of before may have been forgotten */
    size_t most, count, n_slots;
    struct token_facts *slots;
};

struct token_memory *token_memory_new(int64_t max_age_ns, size_t most) {
    struct token_memory *memory = calloc(1, sizeof(*memory));

    if (!memory)
        return NULL;
    memory->max_age_ns = max_age_ns;
    memory->most = most;
    memory->n_slots = FIRST_SLOTS;
    memory->slots = calloc(FIRST_SLOTS, sizeof(*memory->slots));
    if (memory->slots)
        return memory;
    free(memory);
    return NULL;
}

void token_memory_free(struct token_memory *memory) {
    if (memory)
        free(memory->slots);
    free(memory);
}

size_t token_memory_count(const struct token_memory *memory) {
    return memory->count;
}

static bool same(const struct token_facts *a, const struct token_facts *b) {
    return a->time_ns == b->time_ns && memcmp(a->nonce, b->nonce, sizeof(a->nonce)) == 0;
}

/* The slot that holds the token, or the empty one where it belongs. */
static struct token_facts *find(struct token_facts *slots, size_t n_slots,
                                const struct token_facts *token) {
    uint64_t hash = (uint64_t)token->time_ns, part;
    size_t at;

    for (size_t i = 0; i < TOKEN_NONCE_BYTES; i += sizeof(part)) {
        memcpy(&part, token->nonce + i, sizeof(part));
        hash = (hash ^ part) * UINT64_C(0x9e3779b97f4a7c15);
    }
    at = (size_t)(hash >> 32) & (n_slots - 1);
    while (slots[at].time_ns != 0 && !same(&slots[at], token))
        at = (at + 1) & (n_slots - 1);
    return &slots[at];
}

/* A new table with what must still be remembered, four times as large as that at least. */
static bool tidy(struct token_memory *memory, int64_t now_ns) {
    size_t kept = 0, n_slots = FIRST_SLOTS;
    struct token_facts *slots;

    if (now_ns - memory->max_age_ns > memory->forgotten_ns)
        memory->forgotten_ns = now_ns - memory->max_age_ns;
    for (size_t i = 0; i < memory->n_slots; i++)
        kept += memory->slots[i].time_ns > 0 && memory->slots[i].time_ns >= memory->forgotten_ns;
    while (n_slots / 4 < kept + 1)
        n_slots *= 2;
    slots = calloc(n_slots, sizeof(*slots));
    if (!slots)
        return false;
    for (size_t i = 0; i < memory->n_slots; i++)
        if (memory->slots[i].time_ns > 0 && memory->slots[i].time_ns >= memory->forgotten_ns)
            *find(slots, n_slots, &memory->slots[i]) = memory->slots[i];
    free(memory->slots);
    memory->slots = slots;
    memory->n_slots = n_slots;
    memory->count = kept;
    return true;
}

static enum token_verdict remember(struct token_memory *memory, const struct token_facts *token,
                                   int64_t now_ns) {
    if ((memory->count + 1 > memory->n_slots / 2 || memory->count >= memory->most) &&
        (!tidy(memory, now_ns) || memory->count >= memory->most))
        return TOKEN_CROWDED;
    *find(memory->slots, memory->n_slots, token) = *token;
    memory->count++;
    return TOKEN_FRESH;
}

enum token_verdict token_memory_judge(struct token_memory *memory, const struct token_facts *token,
                                      int64_t now_ns) {
    if (token->time_ns <= 0 || token->time_ns < memory->forgotten_ns ||
        token->time_ns < now_ns - memory->max_age_ns)
        return TOKEN_STALE;
    if (token->time_ns > now_ns && token->time_ns - now_ns > memory->max_age_ns)
        return TOKEN_EARLY;
    if (find(memory->slots, memory->n_slots, token)->time_ns != 0)
        return TOKEN_REPLAYED;
    return remember(memory, token, now_ns);
}
