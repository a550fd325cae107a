#include "hosts/protocol.h"

#include "base/clock.h"
#include "base/memory.h"
#include "hosts/peek.h"
#include "sources_id.h"

/* Of SSH_CONNECTION, "192.0.2.2 50314 192.0.2.1 22": one word. */
static void put_word(json_t *object, const char *key, const char *words, int which) {
    const char *word;
    size_t length;

    while ((word = text_next_word(&words, &length)) && which--)
        continue;
    if (word)
        (void)json_object_set_new(object, key, json_stringn(word, length));
}

char *protocol_boot(void) {
    return peek_line("/proc/sys/kernel/random/boot_id");
}

json_t *agent_greeting(void) {
    CLEANUP_FREE char *boot = protocol_boot();
    json_t *greeting = json_pack("{s:i,s:s,s:s,s:s*}", "protocol", AGENT_PROTOCOL, "version",
                                 BENCH_VERSION, "sources", BENCH_SOURCES_ID, "boot", boot);
    const char *connection = getenv("SSH_CONNECTION");

    put_word(greeting, "from", connection, 0);
    put_word(greeting, "reached", connection, 2);
    return greeting;
}

json_t *agent_clock(void) {
    return json_pack("{s:I,s:I}", "monotonic_ns", (json_int_t)clock_monotonic_ns(), "realtime_ns",
                     (json_int_t)clock_realtime_ns());
}
