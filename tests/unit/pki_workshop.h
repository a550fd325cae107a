/*
 * pki_workshop - for the unit tests of the PKI: a fixture with a store of its own, reading and
 * damaging its files, and OpenSSL's own verification of what is in them.
 */
#ifndef BENCH_TESTS_PKI_WORKSHOP_H
#define BENCH_TESTS_PKI_WORKSHOP_H

#include "workshop.h"

#include "base/clock.h"
#include "security/pki.h"
#include "security/pki_internal.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#define DAY_NS     (86400 * NS_PER_S)
#define PASSPHRASE "four or more"

/* ---- the fixture: setup and teardown of every test ---- */

struct fixture {
    char *folder;
    struct pki_passphrase_source source;
    struct pki_options options;
    struct error error;
};

static inline int start(void **state) {
    struct fixture *fixture = memory_new(1, sizeof(*fixture));

    fixture->folder = workshop_make();
    fixture->source.folder = fixture->folder;
    fixture->options = (struct pki_options){.folder = fixture->folder,
                                            .chain = {.key_type = PKI_DEFAULT_KEY_TYPE},
                                            .validity_ns = 90 * DAY_NS,
                                            .renew_before_ns = 9 * DAY_NS,
                                            .addresses = "broker.example 192.0.2.7",
                                            .passphrase = pki_passphrase,
                                            .context = &fixture->source};
    assert_int_equal(setenv("BENCH_CA_PASSPHRASE", PASSPHRASE, 1), 0);
    *state = fixture;
    return 0;
}

static inline int finish(void **state) {
    struct fixture *fixture = *state;

    workshop_remove(fixture->folder);
    free(fixture);
    return 0;
}

/* Whether this OpenSSL has no such keys, which tests/run then shows. */
static inline bool has_not(const struct pki_chain *chain) {
    struct error error;
    int r = pki_check_chain(chain, &error);

    if (r == -EOPNOTSUPP) {
        (void)printf("# skip: %s\n", error.text);
        (void)fflush(stdout);
    } else if (r < 0)
        fail_msg("%s", error.text);
    return r < 0;
}

#define PKI_TEST(function) cmocka_unit_test_setup_teardown(function, start, finish)

/* The number of certificates issued. */
static inline unsigned ensure(struct fixture *fixture) {
    unsigned issued = 0;

    if (pki_ensure(&fixture->options, &issued, &fixture->error) != 0)
        fail_msg("%s", fixture->error.text);
    return issued;
}

static inline char *path_of(const struct fixture *fixture, const char *relative) {
    CLEANUP_FREE char *store = pki_store(fixture->folder, &fixture->options.chain);

    return text_format("%s/%s", store, relative);
}

static inline char *content(const struct fixture *fixture, const char *relative) {
    CLEANUP_FREE char *path = path_of(fixture, relative);
    CLEANUP(fclosep) FILE *file = fopen(path, "re");
    char *text = memory_new(32768, 1);

    if (!file)
        fail_msg("%s: %s", path, strerror(errno));
    assert_true(fread(text, 1, 32767, file) > 0);
    return text;
}

static inline void overwrite(const struct fixture *fixture, const char *relative,
                             const char *text) {
    CLEANUP_FREE char *path = path_of(fixture, relative);
    CLEANUP(fclosep) FILE *file = fopen(path, "we");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
}

static inline void discard(const struct fixture *fixture, const char *relative) {
    CLEANUP_FREE char *path = path_of(fixture, relative);

    assert_int_equal(unlink(path), 0);
}

/* ---- what must hold of it ---- */

static inline X509 *certificate(const struct fixture *fixture, const char *relative) {
    CLEANUP_FREE char *text = content(fixture, relative);
    BIO *bio = BIO_new_mem_buf(text, -1);
    X509 *result = PEM_read_bio_X509(bio, NULL, NULL, NULL);

    BIO_free_all(bio);
    assert_non_null(result);
    return result;
}

/* X509_V_OK or the reason why OpenSSL refuses the certificate, as `openssl verify -x509_strict`
 * sees it. */
static inline int verify(const struct fixture *fixture, const char *ca, const char *leaf,
                         int purpose) {
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

/* The same, by a verifier that looks into the list. */
static inline int verify_with_list(const struct fixture *fixture, const char *list_path,
                                   const char *leaf) {
    CLEANUP(X509_freep) X509 *ca = certificate(fixture, "ca/ca.crt");
    CLEANUP(X509_freep) X509 *leaf_certificate = certificate(fixture, leaf);
    CLEANUP_FREE char *text = content(fixture, list_path);
    CLEANUP(X509_CRL_freep) X509_CRL *list = pki_parse_crl(text);
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    int result;

    assert_non_null(list);
    assert_int_equal(X509_STORE_add_cert(store, ca), 1);
    assert_int_equal(X509_STORE_add_crl(store, list), 1);
    assert_int_equal(X509_STORE_CTX_init(context, store, leaf_certificate, NULL), 1);
    X509_STORE_CTX_set_flags(context, X509_V_FLAG_X509_STRICT | X509_V_FLAG_CRL_CHECK);
    (void)X509_verify_cert(context);
    result = X509_STORE_CTX_get_error(context);
    X509_STORE_CTX_free(context);
    X509_STORE_free(store);
    return result;
}

static inline void assert_verified(const struct fixture *fixture, const char *leaf, int purpose) {
    int result = verify(fixture, "ca/ca.crt", leaf, purpose);

    if (result != X509_V_OK)
        fail_msg("%s: %s", leaf, X509_verify_cert_error_string(result));
}

static inline void assert_store_verified(const struct fixture *fixture) {
    assert_verified(fixture, "broker/broker.crt", X509_PURPOSE_SSL_SERVER);
    assert_verified(fixture, "client1/client1.crt", X509_PURPOSE_SSL_CLIENT);
    assert_verified(fixture, "client2/client2.crt", X509_PURPOSE_SSL_CLIENT);
}

static inline void assert_same(const struct fixture *fixture, const char *a, const char *b) {
    CLEANUP_FREE char *first = content(fixture, a);
    CLEANUP_FREE char *second = content(fixture, b);

    assert_string_equal(first, second);
}

static inline void assert_mode(const struct fixture *fixture, const char *relative, unsigned mode) {
    CLEANUP_FREE char *path = path_of(fixture, relative);
    struct stat status;

    if (stat(path, &status) < 0)
        fail_msg("%s: %s", path, strerror(errno));
    assert_int_equal(status.st_mode & 07777, mode);
}

static inline void assert_mentions(const struct fixture *fixture, const char *words) {
    if (!strstr(fixture->error.text, words))
        fail_msg("'%s' lacks '%s'", fixture->error.text, words);
}

/* Figure 5, complete: all files are there, private, and fit together. */
static inline void check_store(struct fixture *fixture) {
    static const char *const folders[] = {"ca", "broker", "client1", "client2", "proof"};
    static const char *const private_files[] = {
        "ca/ca.key",         "broker/broker.key", "client1/client1.key", "client2/client2.key",
        "proof/expired.key", "proof/revoked.key", "proof/stranger.key"};
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
    assert_same(fixture, "ca/ca.crl", "broker/ca.crl");
    assert_int_equal(verify_with_list(fixture, "broker/ca.crl", "client1/client1.crt"), X509_V_OK);
    assert_int_equal(verify_with_list(fixture, "broker/ca.crl", "client2/client2.crt"), X509_V_OK);
    assert_int_equal(verify_with_list(fixture, "broker/ca.crl", "proof/revoked.crt"),
                     X509_V_ERR_CERT_REVOKED);
    assert_same(fixture, "ca/broker.crt", "broker/broker.crt");
    assert_same(fixture, "ca/client1.crt", "client1/client1.crt");
    assert_same(fixture, "ca/client2.crt", "client2/client2.crt");
    assert_int_equal(strncmp(ca_key, "-----BEGIN ENCRYPTED PRIVATE KEY-----", 37), 0);
    assert_int_equal(strncmp(request, "-----BEGIN CERTIFICATE REQUEST-----", 35), 0);
}

#endif
