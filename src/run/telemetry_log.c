#include "run/telemetry_log.h"

#include "base/jsonline.h"

#include <math.h>
#include <string.h>

#define MAX_MESSAGES 1000000

static struct telemetry_message *find(struct telemetry_log *log, int64_t sequence) {
    if (sequence < 1 || sequence > MAX_MESSAGES)
        return NULL;
    if ((size_t)sequence > log->count) {
        log->messages = memory_resize(log->messages, (size_t)sequence, sizeof(*log->messages));
        memset(log->messages + log->count, 0,
               ((size_t)sequence - log->count) * sizeof(*log->messages));
        log->count = (size_t)sequence;
    }
    return &log->messages[sequence - 1];
}

void telemetry_log_hear(struct telemetry_log *log, const char *word, const json_t *line) {
    struct telemetry_message *message = find(log, jsonline_integer(line, "sequence", 0));

    if (!message)
        return;
    if (text_equal(word, "published")) {
        message->due_ns = jsonline_integer(line, "due_ns", 0);
        message->due_utc_ns = jsonline_integer(line, "due_utc_ns", 0);
    } else if (text_equal(word, "arrived") && message->arrived_ns) {
        message->copies++;
    } else if (text_equal(word, "arrived")) {
        message->arrived_ns = jsonline_integer(line, "at_ns", 0);
    }
}

double telemetry_log_latency_ms(const struct telemetry_log *log, int64_t sequence) {
    const struct telemetry_message *message;

    if (sequence < 1 || (size_t)sequence > log->count)
        return NAN;
    message = &log->messages[sequence - 1];
    return message->due_ns && message->arrived_ns
               ? (double)(message->arrived_ns - log->ahead_ns - message->due_ns) / 1e6
               : NAN;
}

void telemetry_log_write(struct telemetry_log *log, struct journal *journal,
                         const struct trial_id *id, bool complete) {
    double bound_ms = log->bound_ns < 0 ? NAN : (double)log->bound_ns / 1e6;

    for (size_t i = 0; i < log->count; i++) {
        const struct telemetry_message *message = &log->messages[i];
        int64_t sequence = log->written + (int64_t)i + 1;

        if (!message->due_ns)
            continue; /* never published: nothing that could be lost */
        if (message->arrived_ns || complete)
            journal_telemetry(journal, id, sequence, message->due_utc_ns,
                              telemetry_log_latency_ms(log, (int64_t)i + 1),
                              message->arrived_ns ? "delivered" : "lost",
                              message->arrived_ns ? bound_ms : NAN);
        for (int64_t copy = 0; copy < message->copies; copy++)
            journal_telemetry(journal, id, sequence, message->due_utc_ns, NAN, "duplicate", NAN);
    }
    free(log->messages);
    log->written += (int64_t)log->count;
    log->messages = NULL;
    log->count = 0;
}
