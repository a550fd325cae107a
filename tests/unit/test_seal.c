/* security/seal, which is in here: what is sealed comes out again, once, under the same key and
 * topic alone. */
#include "workshop.h"

#include "security/seal.c"

#include <openssl/err.h>

#define TOPIC "bench/telemetry"
#define TEXT  "0000000001 .................."
#define ROOM  1024

/* Both keys of a scheme, and a right key of somebody else's. */
struct keys {
    char *opens_with, *seals_with;
};

/* RSA keys take long to find: two pairs by turns are enough. */
static void take_rsa_pair(struct keys *ret) {
    static struct keys pairs[2];
    static int n;
    struct keys *pair = &pairs[n++ % 2];

    if (!pair->opens_with)
        assert_int_equal(seal_make_pair(SEAL_RSA_OAEP, &pair->opens_with, &pair->seals_with), 0);
    ret->opens_with = text_copy(pair->opens_with);
    ret->seals_with = text_copy(pair->seals_with);
}

static struct keys make_keys(enum seal_key key) {
    struct keys keys = {NULL, NULL};

    if (key == SEAL_SHARED) {
        static int n;

        keys.opens_with = text_format("a secret that both have, the %dth", ++n);
        keys.seals_with = text_copy(keys.opens_with);
    } else if (key == SEAL_RSA_OAEP) {
        take_rsa_pair(&keys);
    } else {
        assert_int_equal(seal_make_pair(key, &keys.opens_with, &keys.seals_with), 0);
    }
    return keys;
}

static void free_keys(struct keys *keys) {
    free(keys->opens_with);
    free(keys->seals_with);
}

/* Two ends of a scheme. */
struct line {
    struct seal_scheme scheme;
    struct keys keys;
    struct sealer *sealer;
    struct opener *opener;
};

static struct line make_line(enum seal_cipher cipher, enum seal_key key) {
    struct line line = {.scheme = {cipher, key}, .keys = make_keys(key)};

    assert_int_equal(sealer_new(&line.sealer, &line.scheme, line.keys.seals_with), 0);
    assert_int_equal(opener_new(&line.opener, &line.scheme, line.keys.opens_with), 0);
    return line;
}

static void free_line(struct line *line) {
    sealer_free(line->sealer);
    opener_free(line->opener);
    free_keys(&line->keys);
}

struct sealed {
    unsigned char bytes[ROOM];
    size_t length;
};

static struct sealed seal(struct sealer *sealer, enum seal_key key, const char *text) {
    struct sealed sealed = {.length = strlen(text) + seal_overhead(key)};

    assert_true(sealed.length <= ROOM);
    memset(sealed.bytes, 0xee, sizeof(sealed.bytes));
    assert_int_equal(sealer_seal(sealer, TOPIC, text, strlen(text), sealed.bytes), 0);
    for (size_t i = sealed.length; i < ROOM; i++)
        assert_int_equal(sealed.bytes[i], 0xee);
    return sealed;
}

/* What comes is the text, or nothing that may be used. */
static enum seal_verdict open_as(struct opener *opener, const char *topic,
                                 const struct sealed *sealed, const char *text) {
    unsigned char out[ROOM];
    size_t length = 4711;
    enum seal_verdict verdict =
        opener_open(opener, topic, sealed->bytes, sealed->length, out, &length);

    if (verdict == SEAL_OPENED) {
        assert_int_equal(length, strlen(text));
        assert_memory_equal(out, text, length);
    } else {
        assert_int_equal(length, 4711);
    }
    return verdict;
}

static enum seal_verdict open_text(struct opener *opener, const struct sealed *sealed) {
    return open_as(opener, TOPIC, sealed, TEXT);
}

/* ---- every scheme ---- */

static void test_round_trips(void **state) {
    (void)state;
    for (int cipher = 0; cipher < SEAL_N_CIPHERS; cipher++)
        for (int key = 0; key < SEAL_N_KEYS; key++) {
            struct line line = make_line((enum seal_cipher)cipher, (enum seal_key)key);
            static const char *const texts[] = {"", "x", TEXT, "", TEXT TEXT TEXT TEXT TEXT};

            for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
                struct sealed sealed = seal(line.sealer, line.scheme.key, texts[i]);

                assert_int_equal(sealed.bytes[0], SEAL_VERSION);
                assert_int_equal(open_as(line.opener, TOPIC, &sealed, texts[i]), SEAL_OPENED);
                assert_int_equal(open_as(line.opener, TOPIC, &sealed, texts[i]), SEAL_REPLAYED);
                if (strlen(texts[i]) > 8)
                    assert_null(
                        memmem(sealed.bytes, sealed.length, texts[i] + strlen(texts[i]) - 8, 8));
            }
            free_line(&line);
        }
}

static void test_overheads(void **state) {
    (void)state;
    assert_int_equal(seal_overhead(SEAL_SHARED), 2 + 16 + 8 + 16);
    assert_int_equal(seal_overhead(SEAL_X25519), 2 + 32 + 8 + 16);
    assert_int_equal(seal_overhead(SEAL_P256), 2 + 33 + 8 + 16);
    assert_int_equal(seal_overhead(SEAL_RSA_OAEP), 2 + 256 + 8 + 16);
}

/* Behind it, the right message is opened still. Decrypting with RSA takes too long to try each bit
 * of its capsule. */
static void check_flips(enum seal_cipher cipher, enum seal_key key) {
    struct line line = make_line(cipher, key);
    struct sealed sealed = seal(line.sealer, key, TEXT);
    size_t capsule_end = 8 * (2 + seal_capsule_bytes(key));

    for (size_t bit = 0; bit < 8 * sealed.length; bit++) {
        enum seal_verdict expected = bit < 16 ? SEAL_UNSEALED : SEAL_FORGED;

        if (key == SEAL_RSA_OAEP && bit > 16 && bit < capsule_end - 1 && bit % 61)
            continue;
        sealed.bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
        if (open_text(line.opener, &sealed) != expected)
            fail_msg("cipher %d, key %d: bit %zu of byte %zu", (int)cipher, (int)key, bit % 8,
                     bit / 8);
        sealed.bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
    }
    assert_int_equal(open_text(line.opener, &sealed), SEAL_OPENED);
    free_line(&line);
}

static void test_every_bit_counts(void **state) {
    (void)state;
    for (int cipher = 0; cipher < SEAL_N_CIPHERS; cipher++)
        check_flips((enum seal_cipher)cipher, SEAL_SHARED);
    for (int key = 1; key < SEAL_N_KEYS; key++)
        check_flips(SEAL_AES_128_GCM, (enum seal_key)key);
}

static void test_truncated_and_longer(void **state) {
    (void)state;
    for (int key = 0; key < SEAL_N_KEYS; key++) {
        struct line line = make_line(SEAL_CHACHA20_POLY1305, (enum seal_key)key);
        struct sealed sealed = seal(line.sealer, line.scheme.key, TEXT);
        size_t whole = sealed.length;

        for (sealed.length = 0; sealed.length < whole; sealed.length++)
            assert_int_equal(open_text(line.opener, &sealed),
                             sealed.length < seal_overhead(line.scheme.key) ? SEAL_UNSEALED
                                                                            : SEAL_FORGED);
        sealed.length = whole + 1;
        assert_int_equal(open_text(line.opener, &sealed), SEAL_FORGED);
        sealed.length = whole;
        assert_int_equal(open_text(line.opener, &sealed), SEAL_OPENED);
        free_line(&line);
    }
}

static void test_other_topic_and_key(void **state) {
    (void)state;
    for (int key = 0; key < SEAL_N_KEYS; key++) {
        struct line line = make_line(SEAL_AES_256_GCM, (enum seal_key)key);
        struct line other = make_line(SEAL_AES_256_GCM, (enum seal_key)key);
        struct sealed sealed = seal(line.sealer, line.scheme.key, TEXT);

        assert_int_equal(open_as(line.opener, TOPIC "2", &sealed, TEXT), SEAL_FORGED);
        assert_int_equal(open_as(line.opener, "bench", &sealed, TEXT), SEAL_FORGED);
        assert_int_equal(open_as(line.opener, "", &sealed, TEXT), SEAL_FORGED);
        assert_int_equal(open_text(other.opener, &sealed), SEAL_FORGED);
        assert_int_equal(ERR_peek_error(), 0); /* nothing for TLS to stumble over */
        assert_int_equal(open_text(line.opener, &sealed), SEAL_OPENED);
        free_line(&line);
        free_line(&other);
    }
}

/* A message of another scheme under the same secret is no message of this one's. */
static void test_other_scheme(void **state) {
    struct line line = make_line(SEAL_AES_128_GCM, SEAL_SHARED);
    struct seal_scheme other = {SEAL_AES_256_GCM, SEAL_SHARED};
    struct sealer *sealer;
    struct sealed sealed;

    (void)state;
    assert_int_equal(sealer_new(&sealer, &other, line.keys.seals_with), 0);
    sealed = seal(sealer, SEAL_SHARED, TEXT);
    assert_int_equal(open_text(line.opener, &sealed), SEAL_UNSEALED);
    sealed.bytes[1] = 0; /* now it says that it is of ours: its key was derived for its own */
    assert_int_equal(open_text(line.opener, &sealed), SEAL_FORGED);
    sealer_free(sealer);
    free_line(&line);
}

static void test_bad_keys(void **state) {
    struct keys x25519 = make_keys(SEAL_X25519), rsa = make_keys(SEAL_RSA_OAEP);
    const struct {
        enum seal_key key;
        const char *seals_with, *opens_with;
    } cases[] = {
        {SEAL_SHARED, "", ""},
        {SEAL_X25519, "", ""},
        {SEAL_X25519, "no key", "no key"},
        {SEAL_X25519, rsa.seals_with, rsa.opens_with},
        {SEAL_X25519, x25519.opens_with, x25519.seals_with},
        {SEAL_P256, x25519.seals_with, x25519.opens_with},
        {SEAL_RSA_OAEP, x25519.seals_with, x25519.opens_with},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct seal_scheme scheme = {SEAL_AES_128_GCM, cases[i].key};
        struct sealer *sealer = NULL;
        struct opener *opener = NULL;

        assert_int_equal(sealer_new(&sealer, &scheme, cases[i].seals_with), -EINVAL);
        assert_int_equal(opener_new(&opener, &scheme, cases[i].opens_with), -EINVAL);
        assert_null(sealer);
        assert_null(opener);
    }
    free_keys(&x25519);
    free_keys(&rsa);
}

/* ---- sessions ---- */

static void test_order_of_a_session(void **state) {
    struct line line = make_line(SEAL_AES_128_GCM, SEAL_SHARED);
    struct sealed late = seal(line.sealer, SEAL_SHARED, TEXT), last;
    struct sealed early = seal(line.sealer, SEAL_SHARED, TEXT);

    (void)state;
    assert_int_equal(open_text(line.opener, &early), SEAL_OPENED);
    assert_int_equal(open_text(line.opener, &late), SEAL_OPENED);
    assert_int_equal(open_text(line.opener, &late), SEAL_REPLAYED);
    late = seal(line.sealer, SEAL_SHARED, TEXT);
    early = seal(line.sealer, SEAL_SHARED, TEXT);
    for (int i = 0; i < SEAL_WINDOW - 1; i++)
        last = seal(line.sealer, SEAL_SHARED, TEXT);
    assert_int_equal(open_text(line.opener, &last), SEAL_OPENED);
    assert_int_equal(open_text(line.opener, &early),
                     SEAL_OPENED); /* the last place of the window */
    assert_int_equal(open_text(line.opener, &late), SEAL_REPLAYED); /* one behind it */
    free_line(&line);
}

/* No two sessions share a capsule, no two messages of one a counter. */
static void test_nonces(void **state) {
    enum { SEALERS = 64, MESSAGES = 300 };
    struct line line = make_line(SEAL_AES_128_GCM, SEAL_SHARED);
    static struct sealed firsts[SEALERS];

    (void)state;
    for (int i = 0; i < SEALERS; i++) {
        struct sealer *sealer;

        assert_int_equal(sealer_new(&sealer, &line.scheme, line.keys.seals_with), 0);
        firsts[i] = seal(sealer, SEAL_SHARED, TEXT);
        for (int j = 0; j < i; j++)
            assert_memory_not_equal(firsts[i].bytes + 2, firsts[j].bytes + 2, 16);
        for (unsigned int j = 1; i == 0 && j < MESSAGES; j++) {
            struct sealed next = seal(sealer, SEAL_SHARED, TEXT);
            unsigned char counter[8] = {
                0, 0, 0, 0, 0, 0, (unsigned char)(j >> 8), (unsigned char)j};

            assert_memory_equal(next.bytes, firsts[0].bytes, 18);
            assert_memory_equal(next.bytes + 18, counter, 8);
            assert_memory_not_equal(next.bytes + 26, firsts[0].bytes + 26, strlen(TEXT));
        }
        sealer_free(sealer);
    }
    free_line(&line);
}

/* What no sealer of ours would ever seal is not opened either. */
static void test_counter_out_of_bounds(void **state) {
    struct line line = make_line(SEAL_AES_128_GCM, SEAL_SHARED);
    static const uint64_t counters[] = {SEAL_MAX_MESSAGES - 1, SEAL_MAX_MESSAGES, UINT64_MAX};
    static const enum seal_verdict verdicts[] = {SEAL_OPENED, SEAL_FORGED, SEAL_FORGED};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(counters); i++) {
        struct sealed sealed = seal(line.sealer, SEAL_SHARED, TEXT);
        struct envelope envelope = {sealed.bytes, 26, TOPIC};
        struct seal_session_key session;
        struct seal_end end;
        EVP_CIPHER_CTX *context;

        assert_int_equal(seal_end_init(&end, &line.scheme, 1, line.keys.opens_with), 0);
        assert_int_equal(seal_session_find(&end, sealed.bytes + 2, &session), 0);
        assert_int_equal(new_context(&context, SEAL_AES_128_GCM, 1, session.key), 0);
        for (int j = 0; j < 8; j++) {
            sealed.bytes[25 - j] = (unsigned char)(counters[i] >> 8 * j);
            session.nonce[11 - j] ^= sealed.bytes[25 - j];
        }
        assert_int_equal(
            encrypt(context, session.nonce, &envelope, TEXT, strlen(TEXT), sealed.bytes + 26), 0);
        assert_int_equal(open_text(line.opener, &sealed), verdicts[i]);
        EVP_CIPHER_CTX_free(context);
        seal_end_clear(&end);
    }
    free_line(&line);
}

/* More sessions than an opener can keep: of the oldest nothing is opened any more, least of all
 * what was; those used last go on. */
static void test_many_sessions(void **state) {
    enum { SESSIONS = SEAL_SESSIONS + 3 };
    struct line line = make_line(SEAL_CHACHA20_POLY1305, SEAL_SHARED);
    struct sealer *sealers[SESSIONS];
    static struct sealed firsts[SESSIONS];
    struct sealed next;

    (void)state;
    for (int i = 0; i < SESSIONS; i++) {
        assert_int_equal(sealer_new(&sealers[i], &line.scheme, line.keys.seals_with), 0);
        firsts[i] = seal(sealers[i], SEAL_SHARED, TEXT);
        assert_int_equal(open_text(line.opener, &firsts[i]), SEAL_OPENED);
        if (i > 0) { /* the first one stays in use */
            next = seal(sealers[0], SEAL_SHARED, TEXT);
            assert_int_equal(open_text(line.opener, &next), SEAL_OPENED);
        }
    }
    for (int i = 0; i < SESSIONS; i++) {
        bool over = i >= 1 && i <= SESSIONS - SEAL_SESSIONS;

        assert_int_equal(open_text(line.opener, &firsts[i]), SEAL_REPLAYED);
        next = seal(sealers[i], SEAL_SHARED, TEXT);
        assert_int_equal(open_text(line.opener, &next), over ? SEAL_REPLAYED : SEAL_OPENED);
        sealer_free(sealers[i]);
    }
    free_line(&line);
}

/* The limit of what is remembered of old sessions: then there are no new ones. */
static void test_crowd(void **state) {
    struct line line = make_line(SEAL_AES_128_GCM, SEAL_SHARED);
    struct session session = {.used = 0};
    const int limit = SEAL_SESSIONS + SEAL_MAX_CLOSED;

    (void)state;
    for (int i = 0; i < limit; i++) {
        memcpy(session.capsule, &i, sizeof(i));
        assert_int_equal(add_session(line.opener, &session), 0);
    }
    memcpy(session.capsule, &limit, sizeof(limit));
    assert_int_equal(add_session(line.opener, &session), -ENOSPC);
    for (int i = 0; i <= limit; i += 97) {
        memcpy(session.capsule, &i, sizeof(i));
        assert_int_equal(is_closed(line.opener, session.capsule), i < SEAL_MAX_CLOSED);
        assert_int_equal(find_session(line.opener, session.capsule) != NULL,
                         i >= SEAL_MAX_CLOSED && i < limit);
    }
    free_line(&line);
}

/* ---- the window: which counters count as opened, at the edges and in any order ---- */

static void test_window(void **state) {
    static const struct {
        uint64_t counter;
        bool had;
    } steps[] = {
        {0, false},
        {0, true},
        {3, false},
        {1, false},
        {2, false},
        {3, true},
        {SEAL_WINDOW + 3, false}, /* 4 is the oldest in the window now */
        {3, true},                /* was opened */
        {4, false},
        {4, true},
        {SEAL_WINDOW + 2, false},
        {SEAL_WINDOW + 4, false},
        {5, false},
        {4, true},
        {3 * SEAL_WINDOW + 4, false}, /* farther than the window: all is forgotten */
        {SEAL_WINDOW + 5, true},      /* never opened, but too late */
        {2 * SEAL_WINDOW + 4, true},
        {2 * SEAL_WINDOW + 5, false},
        {3 * SEAL_WINDOW + 3, false},
        {UINT64_MAX - 1, false},
        {UINT64_MAX - 1, true},
        {0, true},
        {UINT64_MAX - SEAL_WINDOW, false},
        {UINT64_MAX - SEAL_WINDOW - 1, true},
    };
    struct window window = {.next = 0};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
        if (window_add(&window, steps[i].counter) == steps[i].had)
            fail_msg("step %zu", i);
    }
}

/* Against a list of all that was opened, in an order that jumps to and fro. */
static void test_window_against_a_list(void **state) {
    enum { LIMIT = 16 * SEAL_WINDOW };
    static bool opened[LIMIT];
    struct window window = {.next = 0};
    uint64_t random = 2022, highest = 0;

    (void)state;
    for (int i = 0; i < 200000; i++) {
        uint64_t counter;
        bool had;

        random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        counter = highest + (random >> 33) % 1200;
        counter = counter < 1150 ? 0 : counter - 1150;
        if (counter >= LIMIT)
            break;
        had = opened[counter] || counter + SEAL_WINDOW <= highest;
        assert_int_equal(window_add(&window, counter), !had);
        if (had)
            continue;
        opened[counter] = true;
        highest = counter > highest ? counter : highest;
    }
    assert_true(highest > LIMIT / 2);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trips),
        cmocka_unit_test(test_overheads),
        cmocka_unit_test(test_every_bit_counts),
        cmocka_unit_test(test_truncated_and_longer),
        cmocka_unit_test(test_other_topic_and_key),
        cmocka_unit_test(test_other_scheme),
        cmocka_unit_test(test_bad_keys),
        cmocka_unit_test(test_order_of_a_session),
        cmocka_unit_test(test_nonces),
        cmocka_unit_test(test_counter_out_of_bounds),
        cmocka_unit_test(test_many_sessions),
        cmocka_unit_test(test_crowd),
        cmocka_unit_test(test_window),
        cmocka_unit_test(test_window_against_a_list),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
