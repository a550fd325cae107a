/* The PKI: everything of figure 5 in a folder of its own, checked with OpenSSL's own verification.
 */
#include "base/clock.h"
#include "security/pki.h"
#include "security/pki_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <openssl/bn.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define DAY_NS     (86400 * NS_PER_S)
#define PASSPHRASE "four or more"

static const char *const key_types[] = {"ec:P-256", "rsa:2048", "rsa:3072", "ed25519"};

/* ---- the folder of a test, and helpers ---- */

struct fixture {
    char folder[32];
    struct pki_options options;
    struct error error;
};

static int start(void **state) {
    struct fixture *fixture = memory_new(1, sizeof(*fixture));

    (void)snprintf(fixture->folder, sizeof(fixture->folder), "/tmp/test_pki.XXXXXX");
    assert_non_null(mkdtemp(fixture->folder));
    fixture->options = (struct pki_options){.folder = fixture->folder,
                                            .key_type = PKI_DEFAULT_KEY_TYPE,
                                            .validity_ns = 90 * DAY_NS,
                                            .renew_before_ns = 9 * DAY_NS,
                                            .addresses = "broker.example 192.0.2.7"};
    assert_int_equal(setenv("BENCH_CA_PASSPHRASE", PASSPHRASE, 1), 0);
    *state = fixture;
    return 0;
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *place) {
    (void)status;
    (void)kind;
    (void)place;
    return remove(path);
}

static int finish(void **state) {
    struct fixture *fixture = *state;

    assert_int_equal(nftw(fixture->folder, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
    free(fixture);
    return 0;
}

/* The number of certificates issued. */
static unsigned ensure(struct fixture *fixture) {
    struct pki_outcome outcome = {0};

    if (pki_ensure(&fixture->options, &outcome, &fixture->error) != 0)
        fail_msg("%s", fixture->error.text);
    return outcome.issued;
}

static char *path_of(const struct fixture *fixture, const char *relative) {
    CLEANUP_FREE char *store = pki_store(fixture->folder, fixture->options.key_type);

    return text_format("%s/%s", store, relative);
}

static char *content(const struct fixture *fixture, const char *relative) {
    CLEANUP_FREE char *path = path_of(fixture, relative);
    CLEANUP(fclosep) FILE *file = fopen(path, "re");
    char *text = memory_new(16384, 1);

    if (!file)
        fail_msg("%s: %s", path, strerror(errno));
    assert_true(fread(text, 1, 16383, file) > 0);
    return text;
}

static void overwrite(const struct fixture *fixture, const char *relative, const char *text) {
    CLEANUP_FREE char *path = path_of(fixture, relative);
    CLEANUP(fclosep) FILE *file = fopen(path, "we");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
}

static void discard(const struct fixture *fixture, const char *relative) {
    CLEANUP_FREE char *path = path_of(fixture, relative);

    assert_int_equal(unlink(path), 0);
}

static X509 *certificate(const struct fixture *fixture, const char *relative) {
    CLEANUP_FREE char *text = content(fixture, relative);
    BIO *bio = BIO_new_mem_buf(text, -1);
    X509 *result = PEM_read_bio_X509(bio, NULL, NULL, NULL);

    BIO_free_all(bio);
    assert_non_null(result);
    return result;
}

/* X509_V_OK or the reason why OpenSSL refuses the certificate, as `openssl verify -x509_strict`
 * sees it. */
static int verify(const struct fixture *fixture, const char *ca, const char *leaf, int purpose) {
    CLEANUP(X509_freep) X509 *ca_certificate = certificate(fixture, ca);
    CLEANUP(X509_freep) X509 *leaf_certificate = certificate(fixture, leaf);
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    int result;

    assert_int_equal(X509_STORE_add_cert(store, ca_certificate), 1);
    assert_int_equal(X509_STORE_CTX_init(context, store, leaf_certificate, NULL), 1);
    X509_STORE_CTX_set_flags(context, X509_V_FLAG_X509_STRICT | X509_V_FLAG_CHECK_SS_SIGNATURE);
    assert_int_equal(X509_STORE_CTX_set_purpose(context, purpose), 1);
    (void)X509_verify_cert(context);
    result = X509_STORE_CTX_get_error(context);
    X509_STORE_CTX_free(context);
    X509_STORE_free(store);
    return result;
}

static void assert_verified(const struct fixture *fixture, const char *leaf, int purpose) {
    int result = verify(fixture, "ca/ca.crt", leaf, purpose);

    if (result != X509_V_OK)
        fail_msg("%s: %s", leaf, X509_verify_cert_error_string(result));
}

static void assert_store_verified(const struct fixture *fixture) {
    assert_verified(fixture, "broker/broker.crt", X509_PURPOSE_SSL_SERVER);
    assert_verified(fixture, "client1/client1.crt", X509_PURPOSE_SSL_CLIENT);
    assert_verified(fixture, "client2/client2.crt", X509_PURPOSE_SSL_CLIENT);
}

static void assert_same(const struct fixture *fixture, const char *a, const char *b) {
    CLEANUP_FREE char *first = content(fixture, a);
    CLEANUP_FREE char *second = content(fixture, b);

    assert_string_equal(first, second);
}

static void assert_mode(const struct fixture *fixture, const char *relative, unsigned mode) {
    CLEANUP_FREE char *path = path_of(fixture, relative);
    struct stat status;

    if (stat(path, &status) < 0)
        fail_msg("%s: %s", path, strerror(errno));
    assert_int_equal(status.st_mode & 07777, mode);
}

static void assert_mentions(const struct fixture *fixture, const char *words) {
    if (!strstr(fixture->error.text, words))
        fail_msg("'%s' lacks '%s'", fixture->error.text, words);
}

/* ---- what is made ---- */

static const char *const private_files[] = {"ca/ca.key",           "broker/broker.key",
                                            "client1/client1.key", "client2/client2.key",
                                            "proof/expired.key",   "proof/stranger.key"};
static const char *const folders[] = {"ca", "broker", "client1", "client2", "proof"};

static void check_store(struct fixture *fixture) {
    CLEANUP_FREE char *request = content(fixture, "client2/client2.csr");
    CLEANUP_FREE char *ca_key = content(fixture, "ca/ca.key");

    for (size_t i = 0; i < ARRAY_SIZE(private_files); i++)
        assert_mode(fixture, private_files[i], 0600);
    for (size_t i = 0; i < ARRAY_SIZE(folders); i++)
        assert_mode(fixture, folders[i], 0700);
    assert_store_verified(fixture);
    assert_same(fixture, "ca/ca.crt", "broker/ca.crt");
    assert_same(fixture, "ca/ca.crt", "client1/ca.crt");
    assert_same(fixture, "ca/ca.crt", "client2/ca.crt");
    assert_same(fixture, "ca/broker.crt", "broker/broker.crt");
    assert_same(fixture, "ca/client1.crt", "client1/client1.crt");
    assert_same(fixture, "ca/client2.crt", "client2/client2.crt");
    assert_int_equal(strncmp(ca_key, "-----BEGIN ENCRYPTED PRIVATE KEY-----", 37), 0);
    assert_int_equal(strncmp(request, "-----BEGIN CERTIFICATE REQUEST-----", 35), 0);
}

static void test_all_key_types(void **state) {
    struct fixture *fixture = *state;

    for (size_t i = 0; i < ARRAY_SIZE(key_types); i++) {
        struct pki_entry *entries;
        size_t n;

        assert_true(text_has_word(PKI_KEY_TYPES, key_types[i]));
        fixture->options.key_type = key_types[i];
        assert_int_equal(ensure(fixture), 7);
        check_store(fixture);
        assert_int_equal(ensure(fixture), 0);

        CLEANUP_FREE char *store = pki_store(fixture->folder, key_types[i]);
        assert_int_equal(pki_list(store, &entries, &n, &fixture->error), 0);
        assert_int_equal(n, 7);
        for (size_t k = 0; k < n; k++)
            assert_string_equal(entries[k].key_type, key_types[i]);
        pki_list_free(entries, n);
    }
}

static void test_usages(void **state) {
    struct fixture *fixture = *state;
    static const struct {
        const char *key_type, *path;
        uint32_t usage, extended;
        long path_length;
    } cases[] = {
        {"ec:P-256", "ca/ca.crt", KU_KEY_CERT_SIGN | KU_CRL_SIGN, UINT32_MAX, 0},
        {"ec:P-256", "broker/broker.crt", KU_DIGITAL_SIGNATURE, XKU_SSL_SERVER, -1},
        {"ec:P-256", "client1/client1.crt", KU_DIGITAL_SIGNATURE, XKU_SSL_CLIENT, -1},
        {"rsa:2048", "broker/broker.crt", KU_DIGITAL_SIGNATURE | KU_KEY_ENCIPHERMENT,
         XKU_SSL_SERVER, -1},
        {"rsa:2048", "client1/client1.crt", KU_DIGITAL_SIGNATURE, XKU_SSL_CLIENT, -1},
        {"ed25519", "broker/broker.crt", KU_DIGITAL_SIGNATURE, XKU_SSL_SERVER, -1},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        fixture->options.key_type = cases[i].key_type;
        (void)ensure(fixture);
        CLEANUP(X509_freep) X509 *x = certificate(fixture, cases[i].path);
        int usage = X509_get_ext_by_NID(x, NID_key_usage, -1);
        int constraints = X509_get_ext_by_NID(x, NID_basic_constraints, -1);

        assert_int_equal(X509_get_key_usage(x), cases[i].usage);
        assert_int_equal(X509_get_extended_key_usage(x), cases[i].extended);
        assert_int_equal(X509_get_pathlen(x), cases[i].path_length);
        assert_int_equal(X509_check_ca(x), cases[i].path_length == 0);
        assert_int_equal(X509_EXTENSION_get_critical(X509_get_ext(x, usage)), 1);
        assert_int_equal(X509_EXTENSION_get_critical(X509_get_ext(x, constraints)), 1);
        assert_non_null(X509_get0_subject_key_id(x));
        assert_non_null(X509_get0_authority_key_id(x));
        assert_int_equal(X509_get_version(x), X509_VERSION_3);
    }
}

static void test_addresses(void **state) {
    struct fixture *fixture = *state;
    static const char *const ips[] = {"192.0.2.7", "2001:db8::1", "fe80::1", "127.0.0.1", "::1"};

    fixture->options.addresses = " Broker.Example 192.0.2.7 2001:db8::1 fe80::1%eth0 my_pod\t"
                                 "broker.example localhost 2001:DB8:0::1 ";
    (void)ensure(fixture);
    CLEANUP(X509_freep) X509 *broker = certificate(fixture, "broker/broker.crt");
    CLEANUP(X509_freep) X509 *client = certificate(fixture, "client1/client1.crt");
    CLEANUP(GENERAL_NAMES_freep)
    GENERAL_NAMES *names = X509_get_ext_d2i(broker, NID_subject_alt_name, NULL, NULL);

    assert_int_equal(sk_GENERAL_NAME_num(names), 8); /* each once */
    for (size_t i = 0; i < ARRAY_SIZE(ips); i++)
        assert_int_equal(X509_check_ip_asc(broker, ips[i], 0), 1);
    assert_int_equal(X509_check_host(broker, "broker.example", 0, 0, NULL), 1);
    assert_int_equal(X509_check_host(broker, "my_pod", 0, 0, NULL), 1);
    assert_int_equal(X509_check_host(broker, "localhost", 0, 0, NULL), 1);
    assert_int_equal(X509_check_host(broker, "wrong.example", 0, 0, NULL), 0);
    assert_int_equal(X509_check_ip_asc(broker, "192.0.2.8", 0), 0);
    assert_int_equal(X509_get_ext_by_NID(client, NID_subject_alt_name, -1), -1);
}

static void test_bad_options(void **state) {
    struct fixture *fixture = *state;
    static const char *const bad[] = {"1.2.3",     "1.2.3.256", "a..b",   "-a",    "a-",
                                      "b\xc3\xbc", "a,DNS:b",   "*.here", "::1::", "here:8883",
                                      "host.",     "[::1]",     "a/b",    "%eth0", "::1/64"};
    struct pki_outcome outcome = {.issued = 77};

    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        fixture->options.addresses = bad[i];
        assert_int_equal(pki_ensure(&fixture->options, &outcome, &fixture->error), -EINVAL);
        assert_mentions(fixture, bad[i]);
    }
    fixture->options.addresses = NULL;
    fixture->options.key_type = "dsa:512";
    assert_int_equal(pki_ensure(&fixture->options, &outcome, &fixture->error), -EINVAL);
    assert_mentions(fixture, "dsa:512");
    fixture->options.key_type = PKI_DEFAULT_KEY_TYPE;
    fixture->options.renew_before_ns = fixture->options.validity_ns;
    assert_int_equal(pki_ensure(&fixture->options, &outcome, &fixture->error), -EINVAL);
    fixture->options.renew_before_ns = 0;
    fixture->options.folder = "/nonexistent/certs";
    assert_int_equal(pki_ensure(&fixture->options, &outcome, &fixture->error), -ENOENT);
    assert_mentions(fixture, "/nonexistent/certs");
    assert_int_equal(outcome.issued, 77); /* untouched on failure */
}

static void test_serials(void **state) {
    struct fixture *fixture = *state;
    static const char *const paths[] = {
        "ca/ca.crt",         "broker/broker.crt",  "client1/client1.crt", "client2/client2.crt",
        "proof/expired.crt", "proof/stranger.crt", "proof/other-ca.crt"};
    CLEANUP_FREE char *seen = text_copy("");

    (void)ensure(fixture);
    for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
        CLEANUP(X509_freep) X509 *x = certificate(fixture, paths[i]);
        BIGNUM *number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(x), NULL);
        char *hex = BN_bn2hex(number);
        CLEANUP_FREE char *all = text_format("%s %s", seen, hex);

        assert_false(BN_is_negative(number) || BN_is_zero(number));
        assert_true(BN_num_bits(number) <= 159);
        assert_null(strstr(seen, hex));
        text_replace(&seen, all);
        OPENSSL_free(hex);
        BN_free(number);
    }
}

static void test_times(void **state) {
    struct fixture *fixture = *state;
    int64_t now_ns = clock_realtime_ns();
    struct pki_entry *entries;
    size_t n;

    fixture->options.validity_ns = INT64_C(60) * 365 * DAY_NS; /* beyond 2049 */
    (void)ensure(fixture);
    assert_store_verified(fixture);
    assert_int_equal(pki_list(fixture->folder, &entries, &n, NULL), 0);
    for (size_t i = 0; i < n; i++) {
        int64_t begin_ns = entries[i].not_before_ns, end_ns = entries[i].not_after_ns;

        assert_true(begin_ns <= now_ns - DAY_NS + 99 * NS_PER_S);
        if (strcmp(entries[i].name, "expired") == 0) {
            assert_true(end_ns < now_ns - DAY_NS);
            continue;
        }
        assert_true(begin_ns >= now_ns - DAY_NS - NS_PER_S);
        assert_true(end_ns >= now_ns + fixture->options.validity_ns - NS_PER_S);
        assert_true(end_ns <= now_ns + fixture->options.validity_ns + 99 * NS_PER_S);
    }
    pki_list_free(entries, n);
    CLEANUP(X509_freep) X509 *x = certificate(fixture, "broker/broker.crt");
    assert_int_equal(ASN1_STRING_type(X509_get0_notBefore(x)), V_ASN1_UTCTIME);
    assert_int_equal(ASN1_STRING_type(X509_get0_notAfter(x)), V_ASN1_GENERALIZEDTIME);
    assert_int_equal(ensure(fixture), 0);
}

static void test_proof(void **state) {
    struct fixture *fixture = *state;
    X509 *right, *expired;

    (void)ensure(fixture);
    assert_int_equal(verify(fixture, "ca/ca.crt", "proof/expired.crt", X509_PURPOSE_SSL_CLIENT),
                     X509_V_ERR_CERT_HAS_EXPIRED);
    assert_int_equal(verify(fixture, "ca/ca.crt", "proof/stranger.crt", X509_PURPOSE_SSL_CLIENT),
                     X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY);
    assert_int_equal(
        verify(fixture, "proof/other-ca.crt", "proof/stranger.crt", X509_PURPOSE_SSL_CLIENT),
        X509_V_OK);
    assert_int_not_equal(
        verify(fixture, "proof/other-ca.crt", "client1/client1.crt", X509_PURPOSE_SSL_CLIENT),
        X509_V_OK);
    assert_int_not_equal(
        verify(fixture, "ca/ca.crt", "client1/client1.crt", X509_PURPOSE_SSL_SERVER), X509_V_OK);
    right = certificate(fixture, "client1/client1.crt");
    expired = certificate(fixture, "proof/expired.crt");
    assert_int_equal(X509_NAME_cmp(X509_get_subject_name(right), X509_get_subject_name(expired)),
                     0);
    X509_free(right);
    X509_free(expired);
}

static void test_list(void **state) {
    struct fixture *fixture = *state;
    struct pki_entry *entries;
    size_t n;

    assert_int_equal(pki_list(fixture->folder, &entries, &n, &fixture->error), 0);
    assert_int_equal(n, 0);
    pki_list_free(entries, n);
    (void)ensure(fixture);
    assert_int_equal(pki_list(fixture->folder, &entries, &n, &fixture->error), 0);
    assert_string_equal(entries[0].name, "ca");
    assert_string_equal(entries[0].subject, entries[0].issuer);
    assert_string_equal(entries[1].subject, "CN=broker");
    assert_string_equal(entries[1].issuer, entries[0].subject);
    assert_string_equal(entries[1].addresses, "broker.example 192.0.2.7 localhost 127.0.0.1 ::1");
    assert_string_equal(entries[2].addresses, "");
    assert_int_equal(strlen(entries[1].fingerprint), 95);
    assert_string_not_equal(entries[1].fingerprint, entries[2].fingerprint);
    pki_list_free(entries, n);
    overwrite(fixture, "client2/client2.crt", "nothing");
    assert_int_equal(pki_list(fixture->folder, &entries, &n, &fixture->error), -EBADMSG);
    assert_mentions(fixture, "client2/client2.crt");
}

/* ---- renewal ---- */

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
    struct pki_outcome outcome;

    (void)ensure(fixture);
    key = content(fixture, "client1/client1.key");
    ca_key = content(fixture, "ca/ca.key");
    fixture->options.validity_ns = 300 * DAY_NS;
    fixture->options.renew_before_ns = 89 * DAY_NS;
    assert_int_equal(ensure(fixture), 0);
    fixture->options.renew_before_ns = 91 * DAY_NS;
    assert_int_equal(pki_ensure(&fixture->options, &outcome, &fixture->error), 0);
    assert_int_equal(outcome.issued, 7);
    assert_true(outcome.ca_created);
    new_key = content(fixture, "client1/client1.key");
    new_ca_key = content(fixture, "ca/ca.key");
    assert_string_equal(key, new_key);
    assert_string_equal(ca_key, new_ca_key);
    check_store(fixture);
    assert_int_equal(ensure(fixture), 0);
    fixture->options.force = true;
    assert_int_equal(ensure(fixture), 7);
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
        {"proof/expired.crt", NULL, 1},
        {"proof/stranger.key", NULL, 2},
        {"proof/other-ca.crt", "garbage", 2},
        {"ca/ca.crt", "garbage", 5},
        {"ca/ca.key", NULL, 5},
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
    assert_int_equal(ensure(fixture), 5);
    check_store(fixture);
    fixture->options.key_type = "ed25519";
    (void)ensure(fixture);
    rsa = content(fixture, "client1/client1.key");
    ed25519 = content(fixture, "ca/ca.key");
    fixture->options.key_type = PKI_DEFAULT_KEY_TYPE;
    overwrite(fixture, "client1/client1.key", rsa); /* another type */
    assert_int_equal(ensure(fixture), 1);
    overwrite(fixture, "ca/ca.key", ed25519);
    fixture->options.force = true;
    assert_int_equal(ensure(fixture), 7);
    fixture->options.force = false;
    assert_int_equal(ensure(fixture), 0);
    check_store(fixture);
}

/* The steps of figure 5 one by one, with text alone between party and CA. */
static void test_steps(void **state) {
    struct fixture *fixture = *state;
    CLEANUP(pki_secret_freep) char *key = NULL;
    CLEANUP_FREE char *ca_key = NULL, *request = NULL, *signed_pem = NULL, *folder = NULL;
    CLEANUP(pki_authority_clear) struct pki_authority authority = {0};
    struct pki_profile profile = {.common_name = "client1", .role = PKI_CLIENT};
    struct error *error = &fixture->error;

    (void)ensure(fixture);
    ca_key = content(fixture, "ca/ca.key");
    authority.certificate = certificate(fixture, "ca/ca.crt");
    authority.key = pki_parse_key(ca_key, PASSPHRASE, NULL);
    assert_non_null(authority.key);
    profile.not_before_s = clock_realtime_ns() / NS_PER_S - DAY_S;
    profile.not_after_s = profile.not_before_s + 80 * DAY_S;
    assert_int_equal(pki_make_key("rsa:2048", NULL, &key, error), 0);
    assert_int_equal(pki_make_request(key, "client1", &request, error), 0);
    profile.common_name = "client2"; /* somebody else's name */
    assert_int_equal(pki_sign_request(&authority, request, &profile, &signed_pem, error), -EBADMSG);
    assert_mentions(fixture, "client2");
    profile.common_name = "client1";
    assert_int_equal(pki_sign_request(&authority, request, &profile, &signed_pem, error), 0);
    folder = path_of(fixture, "client1");
    assert_int_equal(pki_install(folder, "client1", signed_pem, NULL, error), 0);
    assert_verified(fixture, "client1/client1.crt", X509_PURPOSE_SSL_CLIENT);
    overwrite(fixture, "client1/client1.key", key);
    assert_int_equal(ensure(fixture), 1); /* right in all but the type of key */
    check_store(fixture);
}

/* A request whose signature another key made is refused. */
static void test_forged_request(void **state) {
    struct fixture *fixture = *state;
    CLEANUP(EVP_PKEY_freep) EVP_PKEY *own = NULL, *other = NULL;
    CLEANUP(X509_REQ_freep) X509_REQ *forged = X509_REQ_new();
    X509_NAME *name = X509_REQ_get_subject_name(forged);

    assert_int_equal(pki_generate_key("ec:P-256", &own, &fixture->error), 0);
    assert_int_equal(pki_generate_key("ec:P-256", &other, &fixture->error), 0);
    assert_int_equal(X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8,
                                                (const unsigned char *)"client1", -1, -1, 0),
                     1);
    assert_int_equal(X509_REQ_set_version(forged, X509_REQ_VERSION_1), 1); /* 3.5 insists */
    assert_int_equal(X509_REQ_set_pubkey(forged, own), 1);
    assert_true(X509_REQ_sign(forged, other, EVP_sha256()) > 0);
    assert_false(pki_request_fits(forged, own, "client1"));
    assert_true(X509_REQ_sign(forged, own, EVP_sha256()) > 0);
    assert_true(pki_request_fits(forged, own, "client1"));
    assert_false(pki_request_fits(forged, other, "client1"));
    assert_false(pki_request_fits(forged, own, "client2"));
}

/* ---- the passphrase ---- */

static void test_wrong_passphrase(void **state) {
    struct fixture *fixture = *state;
    struct pki_outcome outcome;

    (void)ensure(fixture);
    (void)setenv("BENCH_CA_PASSPHRASE", "another one", 1);
    assert_int_equal(ensure(fixture), 0); /* nothing to sign, not asked for */
    fixture->options.addresses = "elsewhere";
    assert_int_equal(pki_ensure(&fixture->options, &outcome, &fixture->error), -EKEYREJECTED);
    assert_mentions(fixture, "ca/ca.key: the passphrase does not fit");
    assert_mentions(fixture, "BENCH_CA_PASSPHRASE");
    (void)setenv("BENCH_CA_PASSPHRASE", "abc", 1);
    assert_int_equal(pki_ensure(&fixture->options, &outcome, &fixture->error), -EINVAL);
    assert_mentions(fixture, "BENCH_CA_PASSPHRASE: the passphrase is shorter than 4");
    (void)unsetenv("BENCH_CA_PASSPHRASE");
    assert_int_equal(pki_ensure(&fixture->options, &outcome, &fixture->error), -ENOKEY);
    assert_mentions(fixture, "set BENCH_CA_PASSPHRASE");
    overwrite(fixture, "ca/ca.key", "garbage");
    (void)setenv("BENCH_CA_PASSPHRASE", PASSPHRASE, 1);
    assert_int_equal(pki_ensure(&fixture->options, &outcome, &fixture->error), -EBADMSG);
    assert_mentions(fixture, "ca/ca.key");
}

static void test_unprotected_ca_key(void **state) {
    struct fixture *fixture = *state;
    CLEANUP_FREE char *open_key = NULL;
    struct pki_outcome outcome;

    (void)ensure(fixture);
    open_key = content(fixture, "client1/client1.key");
    overwrite(fixture, "ca/ca.key", open_key);
    fixture->options.force = true;
    assert_int_equal(pki_ensure(&fixture->options, &outcome, &fixture->error), -EBADMSG);
    assert_mentions(fixture, "no private key under a passphrase");
}

static void test_generated_passphrase(void **state) {
    struct fixture *fixture = *state;
    CLEANUP_FREE char *text = NULL, *path = path_of(fixture, "ca/passphrase");
    struct pki_outcome outcome;

    (void)unsetenv("BENCH_CA_PASSPHRASE");
    assert_int_equal(ensure(fixture), 7);
    assert_mode(fixture, "ca/passphrase", 0600);
    assert_mode(fixture, "lock", 0600);
    text = content(fixture, "ca/passphrase");
    assert_int_equal(strspn(text, "0123456789abcdef"), 32);
    assert_string_equal(text + 32, "\n");
    fixture->options.addresses = "elsewhere";
    assert_int_equal(ensure(fixture), 1);
    fixture->options.key_type = "ed25519"; /* shares it */
    assert_int_equal(ensure(fixture), 7);
    assert_int_equal(chmod(path, 0640), 0);
    fixture->options.force = true;
    assert_int_equal(pki_ensure(&fixture->options, &outcome, &fixture->error), -EACCES);
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
    struct pki_outcome outcome;
    int calls[2] = {0};

    fixture->options.passphrase = answer_nothing; /* "" or NULL: never an open key */
    fixture->options.context = (char[]){""};
    assert_int_equal(pki_ensure(&fixture->options, &outcome, &fixture->error), -EINVAL);
    fixture->options.context = NULL;
    assert_int_equal(pki_ensure(&fixture->options, &outcome, &fixture->error), -EINVAL);
    fixture->options.passphrase = answer;
    fixture->options.context = calls;
    (void)ensure(fixture);
    assert_int_equal(calls[true], 1);
    assert_int_equal(calls[false], 0);
    (void)ensure(fixture);
    assert_int_equal(calls[false], 0);
    fixture->options.force = true;
    assert_int_equal(ensure(fixture), 7);
    assert_int_equal(calls[false], 1);
    assert_int_equal(pki_ensure(&fixture->options, &outcome, &fixture->error), -ECANCELED);
    assert_string_equal(fixture->error.text, "not today");
    assert_int_equal(calls[true], 1);
}

/* ---- other processes ---- */

/* In a child: the number issued, or 99. */
static pid_t ensure_elsewhere(struct fixture *fixture) {
    struct pki_outcome outcome = {0};
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0)
        _exit(pki_ensure(&fixture->options, &outcome, NULL) == 0 ? (int)outcome.issued : 99);
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
    assert_int_equal(issued, 7);
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
        cmocka_unit_test_setup_teardown(test_all_key_types, start, finish),
        cmocka_unit_test_setup_teardown(test_usages, start, finish),
        cmocka_unit_test_setup_teardown(test_addresses, start, finish),
        cmocka_unit_test_setup_teardown(test_bad_options, start, finish),
        cmocka_unit_test_setup_teardown(test_serials, start, finish),
        cmocka_unit_test_setup_teardown(test_times, start, finish),
        cmocka_unit_test_setup_teardown(test_proof, start, finish),
        cmocka_unit_test_setup_teardown(test_list, start, finish),
        cmocka_unit_test_setup_teardown(test_changed_address, start, finish),
        cmocka_unit_test_setup_teardown(test_near_expiry, start, finish),
        cmocka_unit_test_setup_teardown(test_life_within_ca, start, finish),
        cmocka_unit_test_setup_teardown(test_repair, start, finish),
        cmocka_unit_test_setup_teardown(test_foreign_files, start, finish),
        cmocka_unit_test_setup_teardown(test_steps, start, finish),
        cmocka_unit_test_setup_teardown(test_forged_request, start, finish),
        cmocka_unit_test_setup_teardown(test_wrong_passphrase, start, finish),
        cmocka_unit_test_setup_teardown(test_unprotected_ca_key, start, finish),
        cmocka_unit_test_setup_teardown(test_generated_passphrase, start, finish),
        cmocka_unit_test_setup_teardown(test_callback, start, finish),
        cmocka_unit_test_setup_teardown(test_concurrent_runs, start, finish),
        cmocka_unit_test_setup_teardown(test_killed_runs, start, finish),
    };

    return cmocka_run_group_tests_name("pki", tests, NULL, NULL);
}
