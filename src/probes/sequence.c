#include "probes/sequence.h"

#include "base/memory.h"

#include <errno.h>
#include <string.h>

static uint64_t *word_of(struct sequence *sequence, int64_t number) {
    return &sequence->seen[number % SEQUENCE_WINDOW / 64];
}

/* Numbers that were passed over: not seen, whatever their places held a window ago. */
static void pass_over(struct sequence *sequence, int64_t number) {
    if (number - sequence->next >= SEQUENCE_WINDOW) {
        memset(sequence->seen, 0, sizeof(sequence->seen));
        sequence->next = number;
    }
    for (; sequence->next < number; sequence->next++)
        *word_of(sequence, sequence->next) &= ~(UINT64_C(1) << (sequence->next % 64));
}

bool sequence_take(struct sequence *sequence, int64_t number) {
    uint64_t bit = UINT64_C(1) << (number % 64);
    bool late = number < sequence->next;

    if (late && (sequence->next - number > SEQUENCE_WINDOW || *word_of(sequence, number) & bit)) {
        sequence->duplicated++;
        return false;
    }
    if (late) {
        sequence->reordered++;
    } else {
        pass_over(sequence, number);
        sequence->next = number + 1;
    }
    *word_of(sequence, number) |= bit;
    sequence->arrived++;
    return true;
}

int sequence_check(const struct sequence *sequence, int64_t sent, int qos, bool ordered,
                   struct error *error) {
    const struct {
        bool promised;
        int64_t broken;
        const char *words;
    } promises[] = {
        {true, sequence->arrived - sent, "arrived that nobody has sent"},
        {qos > 0, sent - sequence->arrived, "were lost"},
        {qos != 1, sequence->duplicated, "arrived twice"},
        {ordered, sequence->reordered, "arrived after a later one"},
    };
    CLEANUP_FREE char *list = text_copy("");

    for (size_t i = 0; i < ARRAY_SIZE(promises); i++) {
        CLEANUP_FREE char *one =
            text_format("%lld %s", (long long)promises[i].broken, promises[i].words);

        if (promises[i].promised && promises[i].broken > 0)
            text_append(&list, ", ", one);
    }
    if (!*list)
        return 0;
    return error_set(error, -EIO, "QoS %d was broken: of %lld messages, %s", qos, (long long)sent,
                     list);
}
