/* security/tls_default: what a client and a server of this OpenSSL agree on when nobody asks for
 * anything, also when the client's first words have travelled as a text. */
#include "workshop.h"

#include "security/tls_default.h"

#include <string.h>

static void test_own(void **state) {
    struct tls_session session;

    (void)state;
    tls_default_meet(NULL, &session);
    assert_string_equal(session.version, "TLSv1.3");
    assert_string_equal(session.cipher, "TLS_AES_256_GCM_SHA384");
    assert_true(*session.group);
}

static void test_hello(void **state) {
    CLEANUP_FREE char *hello = tls_default_hello();
    struct tls_session own, other;

    (void)state;
    assert_non_null(hello);
    assert_memory_equal(hello, "1603", 4); /* a record of a handshake */
    tls_default_meet(NULL, &own);
    tls_default_meet(hello, &other);
    assert_string_equal(other.version, own.version);
    assert_string_equal(other.group, own.group);
}

static void test_damaged(void **state) {
    CLEANUP_FREE char *hello = tls_default_hello();
    CLEANUP_FREE char *endless = memory_new(1, 100001);
    const char *const damaged[] = {"", "16", "no digits", hello, endless};

    (void)state;
    hello[strlen(hello) / 4 * 2] = '\0'; /* half of it */
    memset(endless, '1', 100000);
    for (size_t i = 0; i < ARRAY_SIZE(damaged); i++) {
        struct tls_session session;

        tls_default_meet(damaged[i], &session);
        assert_string_equal(session.version, "");
        assert_string_equal(session.group, "");
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_own),
        cmocka_unit_test(test_hello),
        cmocka_unit_test(test_damaged),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
