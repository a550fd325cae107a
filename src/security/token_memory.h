/*
 * token_memory - which tokens a broker has let in, so that none is good for twice.
 *
 * A token is remembered for as long as its time would still be believed, and forgotten at some time
 * after that: memory is bounded by what is let in within twice the permitted difference of clocks,
 * and by a limit beyond which nobody is let in. Only right tokens are remembered, so that strangers
 * cannot fill it. Should the clock be set back, what may have been forgotten stays refused. A
 * broker that starts anew has forgotten all: until max_age has passed, it needs another key to be
 * safe from replays of before.
 *
 * Shared with the broker's plugin: plain C. Times are nanoseconds since 1970.
 */
#ifndef BENCH_SECURITY_TOKEN_MEMORY_H
#define BENCH_SECURITY_TOKEN_MEMORY_H

#include "security/token_scheme.h"

#include <stddef.h>

enum token_verdict {
    TOKEN_FRESH,    /* and remembered from now on */
    TOKEN_STALE,    /* older than permitted */
    TOKEN_EARLY,    /* further in the future than permitted */
    TOKEN_REPLAYED, /* was let in before */
    TOKEN_CROWDED,  /* too many were let in to remember this one, too */
};

struct token_memory;

/* Permits a difference of max_age_ns, before and behind now, and remembers up to `most` tokens.
 * NULL when there is no memory. */
struct token_memory *token_memory_new(int64_t max_age_ns, size_t most);
void token_memory_free(struct token_memory *memory);

/* What is to be done about a right token that is shown at now_ns. */
enum token_verdict token_memory_judge(struct token_memory *memory, const struct token_facts *token,
                                      int64_t now_ns);

/* How many are remembered. */
size_t token_memory_count(const struct token_memory *memory);

#endif
