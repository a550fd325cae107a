/* security/seal: whatever comes as a sealed message is opened, once, or refused, and nothing is
 * written behind what was opened. Every opener has opened a right message before, and opens another
 * one behind it. The input: a byte for the scheme (and whether what follows is to begin like a
 * message of the known session, or of that scheme at least), then the message. */
#include "fuzz.h"

#include "security/seal.h"

#define TOPIC "bench/fuzz"
#define TEXT  "a right message"
#define ROOM  8192

struct line {
    struct sealer *sealer;
    struct opener *opener;
};

static struct line lines[SEAL_N_CIPHERS][SEAL_N_KEYS];

static void check_right(const struct line *line, enum seal_key key) {
    unsigned char sealed[sizeof(TEXT) + 512], out[sizeof(sealed)];
    size_t length = strlen(TEXT) + seal_overhead(key), opened = 0;

    FUZZ_CHECK(sealer_seal(line->sealer, TOPIC, TEXT, strlen(TEXT), sealed) == 0, "seal");
    FUZZ_CHECK(opener_open(line->opener, TOPIC, sealed, length, out, &opened) == SEAL_OPENED,
               "a right message was refused");
    FUZZ_CHECK(opened == strlen(TEXT) && memcmp(out, TEXT, opened) == 0, "%zu", opened);
    FUZZ_CHECK(opener_open(line->opener, TOPIC, sealed, length, out, &opened) == SEAL_REPLAYED,
               "a message was opened twice");
}

static void set_up(void) {
    for (int cipher = 0; cipher < SEAL_N_CIPHERS; cipher++)
        for (int key = 0; key < SEAL_N_KEYS; key++) {
            struct seal_scheme scheme = {(enum seal_cipher)cipher, (enum seal_key)key};
            struct line *line = &lines[cipher][key];
            char *private = NULL, *public = NULL;

            FUZZ_CHECK(key == SEAL_SHARED || seal_make_pair(scheme.key, &private, &public) == 0,
                       "pair");
            FUZZ_CHECK(sealer_new(&line->sealer, &scheme, public ? public : "secret") == 0, "new");
            FUZZ_CHECK(opener_new(&line->opener, &scheme, private ? private : "secret") == 0,
                       "new");
            free(private);
            free(public);
        }
}

static void tidy_up(void) {
    for (int cipher = 0; cipher < SEAL_N_CIPHERS; cipher++)
        for (int key = 0; key < SEAL_N_KEYS; key++) {
            sealer_free(lines[cipher][key].sealer);
            opener_free(lines[cipher][key].opener);
        }
}

/* The front of a right message, with the message of the input behind it. */
static size_t lend_front(const struct line *line, enum seal_key key, size_t front,
                         unsigned char *message, size_t length) {
    unsigned char right[512];

    FUZZ_CHECK(sealer_seal(line->sealer, TOPIC, "", 0, right) == 0, "seal");
    if (front > seal_overhead(key) || length + front > ROOM)
        return length;
    memmove(message + front, message, length);
    memcpy(message, right, front);
    return length + front;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    unsigned char message[ROOM];
    CLEANUP_FREE unsigned char *out = NULL, *exact = NULL;
    const struct line *line;
    enum seal_key key;
    size_t length, opened = 0;

    if (size < 1 || size > ROOM)
        return 0;
    if (!lines[0][0].sealer) {
        set_up();
        (void)atexit(tidy_up);
    }
    key = (enum seal_key)(data[0] % SEAL_N_KEYS);
    line = &lines[data[0] / SEAL_N_KEYS % SEAL_N_CIPHERS][key];
    length = size - 1;
    memcpy(message, data + 1, length);
    if (data[0] & 0x40)
        length = lend_front(line, key, data[0] & 0x80 ? 2 + seal_capsule_bytes(key) : 2, message,
                            length);
    check_right(line, key);
    /* Of these very lengths, so that nobody reads or writes too far. */
    exact = memory_new(length + !length, 1);
    out = memory_new(length + !length, 1);
    memcpy(exact, message, length);
    FUZZ_CHECK(opener_open(line->opener, TOPIC, exact, length, out, &opened) != SEAL_OPENED,
               "a forgery was opened");
    check_right(line, key);
    return 0;
}
