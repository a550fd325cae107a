/* What the PKI renews and repairs, and what becomes of it when runs meet or are killed. */
#include "pki_workshop.h"

#include <signal.h>
#include <sys/wait.h>

static void test_changed_address(void **state) {
    struct fixture *fixture = *state;
    CLEANUP_FREE char *key = NULL, *request = NULL, *client = NULL, *broker = NULL;
    CLEANUP_FREE char *new_key = NULL, *new_request = NULL, *new_client = NULL, *new_broker = NULL;

    (void)ensure(fixture);
    key = content(fixture, "broker/broker.key");
    request = content(fixture, "broker/broker.csr");
    broker = content(fixture, "broker/broker.crt");
    client = content(fixture, "client1/client1.crt");
    fixture->options.addresses = "192.0.2.7 broker.example"; /* the same set */
    assert_int_equal(ensure(fixture), 0);
    fixture->options.addresses = "broker.example 192.0.2.8";
    assert_int_equal(ensure(fixture), 1);
    new_key = content(fixture, "broker/broker.key");
    new_request = content(fixture, "broker/broker.csr");
    new_broker = content(fixture, "broker/broker.crt");
    new_client = content(fixture, "client1/client1.crt");
    assert_string_equal(key, new_key);
    assert_string_equal(request, new_request);
    assert_string_not_equal(broker, new_broker);
    assert_string_equal(client, new_client);
    assert_store_verified(fixture);
    assert_same(fixture, "ca/broker.crt", "broker/broker.crt");
    fixture->options.addresses = NULL; /* fewer are another set as well */
    assert_int_equal(ensure(fixture), 1);
}

static void test_near_expiry(void **state) {
    struct fixture *fixture = *state;
    CLEANUP_FREE char *key = NULL, *new_key = NULL, *ca_key = NULL, *new_ca_key = NULL;
    unsigned issued;

    (void)ensure(fixture);
    key = content(fixture, "client1/client1.key");
    ca_key = content(fixture, "ca/ca.key");
    fixture->options.validity_ns = 300 * DAY_NS;
    fixture->options.renew_before_ns = 89 * DAY_NS;
    assert_int_equal(ensure(fixture), 0);
    fixture->options.renew_before_ns = 91 * DAY_NS;
    assert_int_equal(pki_ensure(&fixture->options, &issued, &fixture->error), 0);
    assert_int_equal(issued, 8);
    new_key = content(fixture, "client1/client1.key");
    new_ca_key = content(fixture, "ca/ca.key");
    assert_string_equal(key, new_key);
    assert_string_equal(ca_key, new_ca_key);
    check_store(fixture);
    assert_int_equal(ensure(fixture), 0);
    fixture->options.force = true;
    assert_int_equal(ensure(fixture), 8);
    check_store(fixture);
}

/* A leaf never outlives its CA, whatever the settings have become. */
static void test_life_within_ca(void **state) {
    struct fixture *fixture = *state;

    (void)ensure(fixture);
    fixture->options.validity_ns = 300 * DAY_NS;
    fixture->options.addresses = NULL;
    assert_int_equal(ensure(fixture), 1);
    CLEANUP(X509_freep) X509 *ca = certificate(fixture, "ca/ca.crt");
    CLEANUP(X509_freep) X509 *broker = certificate(fixture, "broker/broker.crt");
    assert_int_equal(ASN1_TIME_compare(X509_get0_notAfter(ca), X509_get0_notAfter(broker)), 0);
}

/* What is damaged, how many certificates that takes, and whether the passphrase is needed. */
static void test_repair(void **state) {
    struct fixture *fixture = *state;
    static const struct {
        const char *path, *text; /* NULL: removed */
        unsigned issued;
    } cases[] = {
        {"broker/broker.crt", "garbage", 1},
        {"broker/broker.crt", "", 1},
        {"client1/client1.crt", NULL, 1},
        {"client1/client1.csr", NULL, 0}, /* not missed before the next renewal */
        {"client1/client1.key", NULL, 1},
        {"client2/client2.key", "garbage", 1},
        {"client2/ca.crt", NULL, 0},
        {"client2/ca.crt", "garbage", 0},
        {"ca/client2.crt", "garbage", 0},
        {"broker/ca.crl", NULL, 0},
        {"broker/ca.crl", "garbage", 0},
        {"proof/expired.crt", NULL, 1},
        {"proof/revoked.crt", NULL, 1},
        {"proof/revoked.key", "garbage", 1},
        {"proof/stranger.key", NULL, 2},
        {"proof/other-ca.crt", "garbage", 2},
        {"ca/ca.crt", "garbage", 6},
        {"ca/ca.key", NULL, 6},
    };

    (void)ensure(fixture);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        if (cases[i].text)
            overwrite(fixture, cases[i].path, cases[i].text);
        else
            discard(fixture, cases[i].path);
        if (!cases[i].issued)
            (void)setenv("BENCH_CA_PASSPHRASE", "wrong but not asked for", 1);
        assert_int_equal(ensure(fixture), cases[i].issued);
        (void)setenv("BENCH_CA_PASSPHRASE", PASSPHRASE, 1);
        assert_int_equal(ensure(fixture), 0);
        assert_store_verified(fixture);
    }
    fixture->options.force = true;
    (void)ensure(fixture);
    check_store(fixture);
}

/* How many certificates were issued, and whether the list is another one then. */
static unsigned ensure_list(struct fixture *fixture, bool *ret_renewed) {
    CLEANUP_FREE char *before = text_copy(""), *after = NULL, *path = path_of(fixture, "ca/ca.crl");
    unsigned issued;

    if (access(path, F_OK) == 0) {
        free(before);
        before = content(fixture, "ca/ca.crl");
    }
    issued = ensure(fixture);
    after = content(fixture, "ca/ca.crl");
    *ret_renewed = !text_equal(before, after);
    return issued;
}

/* The list is no certificate: none is issued for it, but the CA must sign. */
static void test_list_of_revoked(void **state) {
    struct fixture *fixture = *state;
    CLEANUP_FREE char *list = NULL, *foreign = NULL;
    bool renewed;

    (void)ensure(fixture);
    list = content(fixture, "ca/ca.crl");
    assert_int_equal(ensure_list(fixture, &renewed), 0);
    assert_false(renewed);
    discard(fixture, "ca/ca.crl");
    assert_int_equal(ensure_list(fixture, &renewed), 0);
    assert_true(renewed);
    check_store(fixture);
    overwrite(fixture, "ca/ca.crl", list); /* as good as the new one */
    assert_int_equal(ensure_list(fixture, &renewed), 0);
    assert_false(renewed);
    check_store(fixture);
    fixture->options.chain.key_type = "ed25519";
    (void)ensure(fixture);
    foreign = content(fixture, "ca/ca.crl");
    fixture->options.chain.key_type = PKI_DEFAULT_KEY_TYPE;
    overwrite(fixture, "ca/ca.crl", foreign); /* of another CA */
    assert_int_equal(ensure_list(fixture, &renewed), 0);
    assert_true(renewed);
    discard(fixture, "proof/revoked.crt"); /* another one must be on the list now */
    assert_int_equal(ensure_list(fixture, &renewed), 1);
    assert_true(renewed);
    overwrite(fixture, "ca/ca.crl", list); /* which still names the one before */
    assert_int_equal(ensure_list(fixture, &renewed), 0);
    assert_true(renewed);
    check_store(fixture);
}

/* Certificates that are good in themselves, but of another CA, key or type. */
static void test_foreign_files(void **state) {
    struct fixture *fixture = *state;
    CLEANUP_FREE char *other = NULL, *client1 = NULL, *rsa = NULL, *ed25519 = NULL;

    (void)ensure(fixture);
    other = content(fixture, "proof/other-ca.crt");
    client1 = content(fixture, "client1/client1.crt");
    overwrite(fixture, "client2/client2.crt", client1); /* another key */
    assert_int_equal(ensure(fixture), 1);
    overwrite(fixture, "ca/ca.crt", other); /* does not fit ca.key */
    assert_int_equal(ensure(fixture), 6);
    check_store(fixture);
    fixture->options.chain.key_type = "ed25519";
    (void)ensure(fixture);
    rsa = content(fixture, "client1/client1.key");
    ed25519 = content(fixture, "ca/ca.key");
    fixture->options.chain.key_type = PKI_DEFAULT_KEY_TYPE;
    overwrite(fixture, "client1/client1.key", rsa); /* another type */
    assert_int_equal(ensure(fixture), 1);
    overwrite(fixture, "ca/ca.key", ed25519);
    fixture->options.force = true;
    assert_int_equal(ensure(fixture), 8);
    fixture->options.force = false;
    assert_int_equal(ensure(fixture), 0);
    check_store(fixture);
}

/* ---- other processes ---- */

/* In a child: the number issued, or 99. */
static pid_t ensure_elsewhere(struct fixture *fixture) {
    unsigned issued = 0;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0)
        _exit(pki_ensure(&fixture->options, &issued, NULL) == 0 ? (int)issued : 99);
    return pid;
}

static void test_concurrent_runs(void **state) {
    struct fixture *fixture = *state;
    pid_t pids[4];
    int issued = 0;

    for (size_t i = 0; i < ARRAY_SIZE(pids); i++)
        pids[i] = ensure_elsewhere(fixture);
    for (size_t i = 0; i < ARRAY_SIZE(pids); i++) {
        int status;

        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        assert_true(WIFEXITED(status));
        issued += WEXITSTATUS(status);
    }
    assert_int_equal(issued, 8);
    check_store(fixture);
}

static void test_killed_runs(void **state) {
    struct fixture *fixture = *state;

    fixture->options.force = true;
    for (int i = 0; i < 40; i++) {
        pid_t pid = ensure_elsewhere(fixture);

        clock_sleep_until(clock_monotonic_ns() + i * NS_PER_MS / 2);
        assert_int_equal(kill(pid, SIGKILL), 0);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        if (i % 8 == 7) { /* the others start from what the one before left */
            fixture->options.force = false;
            (void)ensure(fixture);
            assert_int_equal(ensure(fixture), 0);
            check_store(fixture);
            fixture->options.force = true;
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        PKI_TEST(test_changed_address), PKI_TEST(test_near_expiry),
        PKI_TEST(test_life_within_ca),  PKI_TEST(test_repair),
        PKI_TEST(test_foreign_files),   PKI_TEST(test_concurrent_runs),
        PKI_TEST(test_killed_runs),     PKI_TEST(test_list_of_revoked),
    };

    return cmocka_run_group_tests_name("pki_renewal", tests, NULL, NULL);
}
