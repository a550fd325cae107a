/* The passphrase of the CA's key: where it comes from, and what is said when it does not fit. */
#include "pki_workshop.h"

static void test_wrong_passphrase(void **state) {
    struct fixture *fixture = *state;
    unsigned issued;

    (void)ensure(fixture);
    (void)setenv("BENCH_CA_PASSPHRASE", "another one", 1);
    assert_int_equal(ensure(fixture), 0); /* nothing to sign, not asked for */
    fixture->options.addresses = "elsewhere";
    assert_int_equal(pki_ensure(&fixture->options, &issued, &fixture->error), -EKEYREJECTED);
    assert_mentions(fixture, "ca/ca.key: the passphrase does not fit");
    assert_mentions(fixture, "BENCH_CA_PASSPHRASE");
    (void)setenv("BENCH_CA_PASSPHRASE", "abc", 1);
    assert_int_equal(pki_ensure(&fixture->options, &issued, &fixture->error), -EINVAL);
    assert_mentions(fixture, "BENCH_CA_PASSPHRASE: the passphrase is shorter than 4");
    (void)unsetenv("BENCH_CA_PASSPHRASE");
    assert_int_equal(pki_ensure(&fixture->options, &issued, &fixture->error), -ENOKEY);
    assert_mentions(fixture, "set BENCH_CA_PASSPHRASE");
    overwrite(fixture, "ca/ca.key", "garbage");
    (void)setenv("BENCH_CA_PASSPHRASE", PASSPHRASE, 1);
    assert_int_equal(pki_ensure(&fixture->options, &issued, &fixture->error), -EBADMSG);
    assert_mentions(fixture, "ca/ca.key");
}

static void test_unprotected_ca_key(void **state) {
    struct fixture *fixture = *state;
    CLEANUP_FREE char *open_key = NULL;
    unsigned issued;

    (void)ensure(fixture);
    open_key = content(fixture, "client1/client1.key");
    overwrite(fixture, "ca/ca.key", open_key);
    fixture->options.force = true;
    assert_int_equal(pki_ensure(&fixture->options, &issued, &fixture->error), -EBADMSG);
    assert_mentions(fixture, "no private key under a passphrase");
}

static void test_generated_passphrase(void **state) {
    struct fixture *fixture = *state;
    CLEANUP_FREE char *text = NULL, *path = path_of(fixture, "ca/passphrase");
    unsigned issued;

    (void)unsetenv("BENCH_CA_PASSPHRASE");
    assert_int_equal(ensure(fixture), 8);
    assert_mode(fixture, "ca/passphrase", 0600);
    assert_mode(fixture, "lock", 0600);
    text = content(fixture, "ca/passphrase");
    assert_int_equal(strspn(text, "0123456789abcdef"), 32);
    assert_string_equal(text + 32, "\n");
    fixture->options.addresses = "elsewhere";
    assert_int_equal(ensure(fixture), 1);
    fixture->options.chain.key_type = "ed25519"; /* shares it */
    assert_int_equal(ensure(fixture), 8);
    assert_int_equal(chmod(path, 0640), 0);
    fixture->options.force = true;
    assert_int_equal(pki_ensure(&fixture->options, &issued, &fixture->error), -EACCES);
    assert_mentions(fixture, "chmod 600");
}

static int answer(void *context, bool creating, char **ret, struct error *error) {
    int *calls = context;

    calls[creating]++;
    if (calls[0] == 2)
        return error_set(error, -ECANCELED, "not today");
    *ret = text_copy("an answer");
    return 0;
}

static int answer_nothing(void *context, bool creating, char **ret, struct error *error) {
    (void)creating;
    (void)error;
    *ret = text_copy(context);
    return 0;
}

static void test_callback(void **state) {
    struct fixture *fixture = *state;
    unsigned issued;
    int calls[2] = {0};

    fixture->options.passphrase = answer_nothing; /* "" or NULL: never an open key */
    fixture->options.context = (char[]){""};
    assert_int_equal(pki_ensure(&fixture->options, &issued, &fixture->error), -EINVAL);
    fixture->options.context = NULL;
    assert_int_equal(pki_ensure(&fixture->options, &issued, &fixture->error), -EINVAL);
    fixture->options.passphrase = answer;
    fixture->options.context = calls;
    (void)ensure(fixture);
    assert_int_equal(calls[true], 1);
    assert_int_equal(calls[false], 0);
    (void)ensure(fixture);
    assert_int_equal(calls[false], 0);
    fixture->options.force = true;
    assert_int_equal(ensure(fixture), 8);
    assert_int_equal(calls[false], 1);
    assert_int_equal(pki_ensure(&fixture->options, &issued, &fixture->error), -ECANCELED);
    assert_string_equal(fixture->error.text, "not today");
    assert_int_equal(calls[true], 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        PKI_TEST(test_wrong_passphrase),
        PKI_TEST(test_unprotected_ca_key),
        PKI_TEST(test_generated_passphrase),
        PKI_TEST(test_callback),
    };

    return cmocka_run_group_tests_name("pki_passphrase", tests, NULL, NULL);
}
