/* security/seal in a measured loop: OpenSSL is asked for its memory once a session, never for a
 * message. (What seal.c itself would allocate shows in its own lines: nothing.) */
#include "workshop.h"

#include "security/seal.h"

#include <openssl/crypto.h>

#define TEXT "a message of a measured loop"

static size_t n_allocations;

static void *count_malloc(size_t size, const char *file, int line) {
    (void)file;
    (void)line;
    n_allocations++;
    return malloc(size);
}

static void *count_realloc(void *old, size_t size, const char *file, int line) {
    (void)file;
    (void)line;
    n_allocations++;
    return realloc(old, size);
}

static void count_free(void *old, const char *file, int line) {
    (void)file;
    (void)line;
    free(old);
}

static void pass(struct sealer *sealer, struct opener *opener) {
    unsigned char sealed[512], out[512];
    size_t length;

    assert_int_equal(sealer_seal(sealer, "t", TEXT, strlen(TEXT), sealed), 0);
    assert_int_equal(
        opener_open(opener, "t", sealed, strlen(TEXT) + seal_overhead(SEAL_SHARED), out, &length),
        SEAL_OPENED);
}

static void test_messages_allocate_nothing(void **state) {
    (void)state;
    for (int cipher = 0; cipher < SEAL_N_CIPHERS; cipher++) {
        struct seal_scheme scheme = {(enum seal_cipher)cipher, SEAL_SHARED};
        struct sealer *sealer;
        struct opener *opener;
        size_t before = n_allocations;

        assert_int_equal(sealer_new(&sealer, &scheme, "a secret"), 0);
        assert_int_equal(opener_new(&opener, &scheme, "a secret"), 0);
        pass(sealer, opener);
        assert_true(n_allocations > before); /* they are counted */
        before = n_allocations;
        for (int i = 0; i < 1000; i++)
            pass(sealer, opener);
        assert_int_equal(n_allocations, before);
        sealer_free(sealer);
        opener_free(opener);
    }
}

int main(void) {
    static const struct CMUnitTest tests[] = {cmocka_unit_test(test_messages_allocate_nothing)};

    /* Only before OpenSSL's first own. */
    if (CRYPTO_set_mem_functions(count_malloc, count_realloc, count_free) != 1)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
