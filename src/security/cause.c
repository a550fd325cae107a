#include "security/cause.h"

#include "base/memory.h"
#include "model/client_config.h"

#include <string.h>

/* MQTT 3.1.1, table 3.1, and MQTT 5, table 3-1. */
static const struct {
    const char *in_3_1_1, *in_5;
} codes[] = {
    {"connack 1", "connack 132"}, /* unsupported protocol version */
    {"connack 2", "connack 133"}, /* client identifier not valid */
    {"connack 3", "connack 136"}, /* server unavailable */
    {"connack 4", "connack 134"}, /* bad user name or password */
    {"connack 5", "connack 135"}, /* not authorized */
};

bool cause_among(const char *causes, const char *seen) {
    while (*causes) {
        size_t length = strcspn(causes, "|");

        if (strncmp(causes, seen, length) == 0 && (seen[length] == '\0' || seen[length] == ' '))
            return true;
        causes += length + (causes[length] == '|');
    }
    return false;
}

char *cause_words(const char *causes, int64_t mqtt) {
    char *words = text_copy("");

    while (*causes) {
        size_t length = strcspn(causes, "|");
        CLEANUP_FREE char *cause = strndup(causes, length);

        for (size_t i = 0; i < ARRAY_SIZE(codes) && mqtt == MQTT_5; i++)
            if (text_equal(cause, codes[i].in_3_1_1))
                text_replace(&cause, codes[i].in_5);
        if (!cause_among(words, cause))
            text_append(&words, "|", cause);
        causes += length + (causes[length] == '|');
    }
    return words;
}
