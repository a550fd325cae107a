/* security/tls_signature: what both ends of a connection have signed with, as each of them sees it.
 * The truth is the peer's: the keys that it was made with and the one scheme that it offers. */
#include "workshop.h"

#include "security/tls_signature.h"

#include <openssl/err.h>
#include <openssl/x509.h>

DEFINE_CLEANUP(X509 *, X509_free)

DEFINE_CLEANUP(EVP_PKEY_CTX *, EVP_PKEY_CTX_free)

struct kind {
    const char *algorithm, *curve, *scheme;
};
static const struct kind kinds[] = {
    {"EC", "P-256", "ecdsa_secp256r1_sha256"},
    {"EC", "P-384", "ecdsa_secp384r1_sha384"},
    {"ED25519", NULL, "ed25519"},
    {"RSA", NULL, "rsa_pss_rsae_sha256"},
    {"RSA", NULL, "rsa_pss_rsae_sha512"},
    {"RSA-PSS", NULL, "rsa_pss_pss_sha256"},
};

static EVP_PKEY *key_of(const struct kind *kind) {
    CLEANUP(EVP_PKEY_CTX_freep)
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, kind->algorithm, NULL);
    EVP_PKEY *key = NULL;

    assert_int_equal(EVP_PKEY_keygen_init(context), 1);
    if (kind->curve)
        assert_int_equal(EVP_PKEY_CTX_set_group_name(context, kind->curve), 1);
    assert_int_equal(EVP_PKEY_generate(context, &key), 1);
    return key;
}

/* One end that shows a certificate of its own making, and looks at nobody's. */
static SSL_CTX *end_of(const SSL_METHOD *method, const struct kind *kind, int version) {
    SSL_CTX *context = SSL_CTX_new(method);
    CLEANUP(EVP_PKEY_freep) EVP_PKEY *key = key_of(kind);
    CLEANUP(X509_freep) X509 *certificate = X509_new();

    assert_int_equal(X509_set_version(certificate, X509_VERSION_3), 1);
    assert_int_equal(X509_set_pubkey(certificate, key), 1);
    assert_non_null(X509_gmtime_adj(X509_getm_notBefore(certificate), 0));
    assert_non_null(X509_gmtime_adj(X509_getm_notAfter(certificate), 60));
    assert_true(X509_sign(certificate, key,
                          text_equal(kind->algorithm, "ED25519") ? NULL : EVP_sha256()) > 0);
    assert_int_equal(SSL_CTX_use_certificate(context, certificate), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(context, key), 1);
    assert_int_equal(SSL_CTX_set_max_proto_version(context, version), 1);
    (void)SSL_CTX_set_session_id_context(context, (const unsigned char *)"t", 1);
    SSL_CTX_set_verify(context, SSL_VERIFY_NONE, NULL);
    return context;
}

static int take_anybody(int ok, X509_STORE_CTX *store) {
    (void)ok;
    (void)store;
    return 1;
}

/* What both ends say behind a handshake, and behind one that goes on from that. */
static void meet(SSL_CTX *server_context, SSL_CTX *client_context, SSL_SESSION **session,
                 const char *servers, const char *clients) {
    CLEANUP(SSL_freep) SSL *server = SSL_new(server_context), *client = SSL_new(client_context);
    BIO *near, *far;
    char seen[32], byte = 'x';
    int done = 0;

    assert_int_equal(BIO_new_bio_pair(&near, 65536, &far, 65536), 1);
    SSL_set_bio(server, near, near);
    SSL_set_bio(client, far, far);
    SSL_set_accept_state(server);
    SSL_set_connect_state(client);
    if (*session)
        assert_int_equal(SSL_set_session(client, *session), 1);
    for (int i = 0; i < 20 && done < 2; i++)
        done = (SSL_do_handshake(client) == 1) + (SSL_do_handshake(server) == 1);
    if (done < 2)
        fail_msg("%s: %s", servers, openssl_reason());
    assert_int_equal(SSL_write(server, &byte, 1), 1);
    assert_int_equal(SSL_read(client, &byte, 1), 1); /* with it come the tickets */
    assert_int_equal(SSL_session_reused(client), *session != NULL);
    for (int i = 0; i < 2; i++) {
        SSL *end = i ? client : server;

        tls_signature_of(end, true, seen, sizeof(seen));
        assert_string_equal(seen, servers);
        tls_signature_of(end, false, seen, sizeof(seen));
        assert_string_equal(seen, clients);
    }
    SSL_SESSION_free(*session);
    *session = SSL_get1_session(client);
    (void)SSL_shutdown(client);
}

static void test_signatures(void **state) {
    static const int versions[] = {TLS1_3_VERSION, TLS1_2_VERSION};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(kinds) * ARRAY_SIZE(versions); i++) {
        const struct kind *kind = &kinds[i / 2], *other = &kinds[0];
        CLEANUP(SSL_CTX_freep)
        SSL_CTX *server = end_of(TLS_server_method(), kind, versions[i % 2]);
        CLEANUP(SSL_CTX_freep)
        SSL_CTX *client = end_of(TLS_client_method(), other, versions[i % 2]);
        CLEANUP_FREE char *offered = /* none twice: OpenSSL takes no such list */
            text_format("%s%s%s", kind->scheme, kind == other ? "" : ":",
                        kind == other ? "" : other->scheme);
        SSL_SESSION *session = NULL;

        assert_int_equal(SSL_CTX_set1_sigalgs_list(client, offered), 1);
        meet(server, client, &session, kind->scheme, "");
        meet(server, client, &session, "", "");
        SSL_SESSION_free(session);
        session = NULL;
        SSL_CTX_set_verify(server, SSL_VERIFY_PEER, take_anybody);
        meet(server, client, &session, kind->scheme, other->scheme);
        SSL_SESSION_free(session);
    }
    assert_int_equal(ERR_peek_error(), 0);
}

int main(void) {
    static const struct CMUnitTest tests[] = {cmocka_unit_test(test_signatures)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
