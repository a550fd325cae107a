#include "security/tls_default.h"

#include "security/tls_context.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/x509.h>

#define HELLO_BYTES 16384 /* of post-quantum keys it has some thousands */

DEFINE_CLEANUP(BIO *, BIO_free)
DEFINE_CLEANUP(X509 *, X509_free)

/* ---- the two ends ---- */

/* What a channel asks for that leaves all to OpenSSL; the caller's. */
static struct client_config *config_new(void) {
    struct client_config *config = setting_block_new(&client_config_group);

    config->tls.enabled = 1;
    config->tls.min_version = config->tls.max_version = TLS_1_3;
    return config;
}

/* A certificate that lives as long as its context: nobody looks at it. */
static bool certify(SSL_CTX *context) {
    CLEANUP(EVP_PKEY_freep) EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
    CLEANUP(X509_freep) X509 *certificate = X509_new();

    return key && certificate && X509_set_pubkey(certificate, key) == 1 &&
           X509_gmtime_adj(X509_getm_notBefore(certificate), 0) &&
           X509_gmtime_adj(X509_getm_notAfter(certificate), 60) &&
           X509_sign(certificate, key, EVP_sha256()) > 0 &&
           SSL_CTX_use_certificate(context, certificate) == 1 &&
           SSL_CTX_use_PrivateKey(context, key) == 1;
}

/* The end of a connection over `wire`, NULL when OpenSSL does not make it; the caller's. */
static SSL *end_new(SSL_CTX *context, BIO *wire) {
    SSL *ssl = SSL_new(context);

    if (ssl && BIO_up_ref(wire) == 1)
        SSL_set_bio(ssl, wire, wire);
    return ssl;
}

static SSL *client_new(BIO *wire) {
    CLEANUP(client_config_freep) struct client_config *config = config_new();
    CLEANUP(SSL_CTX_freep) SSL_CTX *context = NULL;
    SSL *ssl = tls_context_client(&context, config, NULL) == 0 ? end_new(context, wire) : NULL;

    if (ssl)
        SSL_set_connect_state(ssl);
    return ssl;
}

static SSL *server_new(BIO *wire) {
    CLEANUP(client_config_freep) struct client_config *config = config_new();
    CLEANUP(SSL_CTX_freep) SSL_CTX *context = NULL;
    SSL *ssl;

    if (tls_context_server(&context, config, NULL) < 0 || !certify(context))
        return NULL;
    (void)SSL_CTX_set_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE); /* as Mosquitto does */
    ssl = end_new(context, wire);
    if (ssl)
        SSL_set_accept_state(ssl);
    return ssl;
}

/* ---- their first words ---- */

char *tls_default_hello(void) {
    CLEANUP(BIO_freep) BIO *near = NULL, *far = NULL;
    CLEANUP(SSL_freep) SSL *client = NULL;
    unsigned char hello[HELLO_BYTES];
    char *ret = NULL;
    int length = 0;

    if (BIO_new_bio_pair(&near, HELLO_BYTES, &far, HELLO_BYTES) == 1)
        client = client_new(near);
    if (client && SSL_do_handshake(client) < 0)
        length = BIO_read(far, hello, sizeof(hello));
    ERR_clear_error();
    if (length <= 0)
        return NULL;
    ret = memory_new((size_t)length * 2 + 1, 1);
    text_hex(ret, hello, (size_t)length);
    return ret;
}

/* The server's turn: what it takes of the bytes that have come. */
static void answer(const unsigned char *hello, size_t length, struct tls_session *ret) {
    CLEANUP(BIO_freep) BIO *near = NULL, *far = NULL;
    CLEANUP(SSL_freep) SSL *server = NULL;

    if (BIO_new_bio_pair(&near, HELLO_BYTES, &far, HELLO_BYTES) != 1)
        return;
    server = server_new(near);
    if (server && BIO_write(far, hello, (int)length) == (int)length &&
        SSL_do_handshake(server) < 0 && SSL_get0_session(server)) /* it has come to an answer */
        tls_context_session(server, ret);
    if (!*ret->group)
        *ret = (struct tls_session){.version = ""};
}

void tls_default_meet(const char *hello, struct tls_session *ret) {
    CLEANUP_FREE char *own = hello ? NULL : tls_default_hello();
    unsigned char bytes[HELLO_BYTES];
    size_t length;

    *ret = (struct tls_session){.version = ""};
    if (own)
        hello = own;
    if (hello && OPENSSL_hexstr2buf_ex(bytes, sizeof(bytes), &length, hello, '\0') == 1)
        answer(bytes, length, ret);
    ERR_clear_error();
}
