#include "hosts/kept_speed.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/jsonline.h"
#include "hosts/facts.h"
#include "hosts/peek.h"
#include "hosts/readings.h"
#include "model/throttling.h"
#include "security/speed.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#define DAY_S (24 * 3600)

/* NULL where a host has no place for it; the caller's. */
static char *folder(void) {
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");

    if (cache && *cache == '/')
        return text_format("%s/mqtt-security-bench", cache);
    return home && *home == '/' ? text_format("%s/.cache/mqtt-security-bench", home) : NULL;
}

/* Systems of several releases may share a home. */
static char *file_in(const char *place) {
    return text_format("%s/speed-%s.json", place, speed_openssl());
}

/* What must be the same for figures to be still true; OpenSSL may be told to leave instructions
 * alone. */
static json_t *key(void) {
    return json_pack("{s:i,s:s,s:o}", "table", SPEED_TABLE, "openssl", speed_openssl(), "facts",
                     facts_pick("host model processor openssl_cpu"));
}

json_t *kept_speed_read(void) {
    CLEANUP_FREE char *place = folder(), *path = place ? file_in(place) : NULL;
    json_t *answer = json_pack("{s:s,s:o}", "openssl", speed_openssl(), "facts",
                               facts_pick("model processor aes_instructions"));
    json_auto_t *kept = NULL, *now = key();
    int64_t age_s;

    if (!path || jsonline_read_file(path, &kept, NULL) < 0 ||
        !json_equal(json_object_get(kept, "key"), now))
        return answer;
    age_s = clock_realtime_ns() / NS_PER_S - jsonline_integer(kept, "measured_s", 0);
    if (age_s < 0 || age_s > KEPT_SPEED_DAYS * DAY_S)
        return answer;
    (void)json_object_set(answer, "rows", json_object_get(kept, "rows"));
    (void)json_object_set(answer, "measured_s", json_object_get(kept, "measured_s"));
    return answer;
}

/* What was found since rows were kept, and what was read last. */
static struct {
    bool looked;
    unsigned found, last;
} throttling;

void kept_speed_look(void) {
    struct peek peek = peek_begin();
    json_auto_t *readings = readings_collect(&peek, NULL);
    const json_t *value = json_object_get(json_object_get(readings, "throttled"), "value");
    unsigned bits = (unsigned)json_number_value(value);

    throttling.found |= throttling_between(throttling.looked ? throttling.last : bits, bits);
    throttling.last = bits;
    throttling.looked = true;
}

/* The parent of ~/.cache is there, ~/.cache itself need not be. */
static int make_folders(const char *place, struct error *error) {
    CLEANUP_FREE char *above = text_copy(place);

    *strrchr(above, '/') = '\0';
    (void)mkdir(above, 0700);
    return mkdir(place, 0700) == 0 || errno == EEXIST ? 0 : error_errno(error, -errno, "%s", place);
}

int kept_speed_write(const json_t *rows, struct error *error) {
    CLEANUP_FREE char *place = folder(), *path = place ? file_in(place) : NULL, *text = NULL,
                      *words = NULL;
    json_auto_t *kept = NULL;
    int r;

    if (!path)
        return error_set(error, -ENOENT, "neither XDG_CACHE_HOME nor HOME is set");
    words = throttling_words(throttling.found);
    throttling.looked = false;
    throttling.found = 0;
    if (*words)
        return error_set(error, -EAGAIN, "the processor was held back: %s", words);
    r = make_folders(place, error);
    if (r < 0)
        return r;
    kept = json_pack("{s:o,s:I,s:O}", "key", key(), "measured_s",
                     (json_int_t)(clock_realtime_ns() / NS_PER_S), "rows", rows);
    text = json_dumps(kept, JSON_INDENT(1));
    return file_replace(path, 0644, text ? text : "", error);
}
