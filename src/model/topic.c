#include "model/topic.h"

#include "base/memory.h"

#include <errno.h>
#include <jansson.h>
#include <stdint.h>
#include <string.h>

/* The code point at *text, which is UTF-8, and *text moved behind it. */
static uint32_t next_point(const char **text) {
    const unsigned char *bytes = (const unsigned char *)*text;
    size_t more = bytes[0] < 0xc0 ? 0 : bytes[0] < 0xe0 ? 1 : bytes[0] < 0xf0 ? 2 : 3;
    uint32_t point = more ? bytes[0] & (0x3fu >> more) : bytes[0];

    for (size_t i = 1; i <= more; i++)
        point = point << 6 | (bytes[i] & 0x3f);
    *text += 1 + more;
    return point;
}

/* Control characters, and those that Unicode has set aside for no character: a receiver may close
 * the connection, and Mosquitto does (MQTT 1.5.4). */
static bool is_unfit(uint32_t point) {
    return point < 0x20 || (point >= 0x7f && point <= 0x9f) ||
           (point >= 0xfdd0 && point <= 0xfdef) || (point & 0xfffe) == 0xfffe;
}

int topic_check(const char *value, struct error *error) {
    json_auto_t *text = json_string(value);

    if (!text)
        return error_set(error, -EINVAL, "is no UTF-8 text");
    if (strlen(value) > TOPIC_MAX_BYTES)
        return error_set(error, -EINVAL, "is too long; a topic has at most %d bytes",
                         TOPIC_MAX_BYTES);
    if (!*value || strpbrk(value, "+#"))
        return error_set(error, -EINVAL,
                         "'%s' is no topic to publish to: empty, or a wildcard in it", value);
    if (*value == '$')
        return error_set(error, -EINVAL, "'%s': topics that begin with '$' are the broker's own",
                         value);
    for (const char *rest = value; *rest;)
        if (is_unfit(next_point(&rest)))
            return error_set(error, -EINVAL,
                             "has a control character in it, or a code point that is no character");
    return 0;
}
