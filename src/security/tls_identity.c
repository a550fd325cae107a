#include "security/tls_identity.h"

#include "security/pem_file.h"
#include "security/tls_context.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <string.h>

struct tls_identity {
    X509 *certificate;
    STACK_OF(X509) * chain; /* what its file has behind it; NULL: nothing */
    EVP_PKEY *key;
    char *psk_identity; /* NULL: no shared key */
    unsigned char psk[TLS_KEY_MAX];
    size_t psk_length;
};

/* ---- reading one ---- */

static int load_certificate(struct tls_identity *identity, SSL_CTX *context,
                            const struct tls_config *tls, struct error *error) {
    STACK_OF(X509) *chain = NULL;
    int r = pem_file_load_pair(context, tls->cert_file, tls->key_file, tls->passphrase_file, error);

    if (r < 0)
        return r;
    identity->certificate = SSL_CTX_get0_certificate(context);
    identity->key = SSL_CTX_get0_privatekey(context);
    (void)X509_up_ref(identity->certificate);
    (void)EVP_PKEY_up_ref(identity->key);
    if (SSL_CTX_get0_chain_certs(context, &chain) == 1 && sk_X509_num(chain) > 0)
        identity->chain = X509_chain_up_ref(chain);
    return 0;
}

static int load_shared_key(struct tls_identity *identity, const struct tls_config *tls,
                           struct error *error) {
    if (!tls_key_is_good(tls->psk_key) ||
        OPENSSL_hexstr2buf_ex(identity->psk, sizeof(identity->psk), &identity->psk_length,
                              tls->psk_key, '\0') != 1)
        return error_set(error, -EINVAL, "the shared key is not %d to %d hexadecimal digits",
                         TLS_KEY_MIN * 2, TLS_KEY_MAX * 2);
    identity->psk_identity = text_copy(tls->psk_identity);
    return 0;
}

int tls_identity_load(struct tls_identity **ret, SSL_CTX *context, const struct tls_config *tls,
                      struct error *error) {
    CLEANUP(tls_identity_freep) struct tls_identity *identity = memory_new(1, sizeof(*identity));
    int r = *tls->cert_file ? load_certificate(identity, context, tls, error) : 0;

    if (r == 0 && *tls->psk_identity)
        r = load_shared_key(identity, tls, error);
    if (r < 0 || !(*tls->cert_file || *tls->psk_identity))
        return r;
    *ret = identity;
    identity = NULL;
    return 0;
}

void tls_identity_free(struct tls_identity *identity) {
    X509_free(identity->certificate);
    sk_X509_pop_free(identity->chain, X509_free);
    EVP_PKEY_free(identity->key);
    free(identity->psk_identity);
    OPENSSL_cleanse(identity->psk, sizeof(identity->psk));
    free(identity);
}

bool tls_identity_is_same(const struct tls_config *one, const struct tls_config *other) {
    return text_equal(one->cert_file, other->cert_file) &&
           text_equal(one->key_file, other->key_file) &&
           text_equal(one->psk_identity, other->psk_identity) &&
           text_equal(one->psk_key, other->psk_key);
}

bool tls_identity_is_alike(const struct tls_config *one, const struct tls_config *other) {
    return !*one->cert_file == !*other->cert_file && !*one->psk_identity == !*other->psk_identity;
}

/* ---- showing it ---- */

static struct tls_turn *turn_of(const SSL *ssl) {
    return SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
}

/* Called when the server asks for a certificate. */
static int show_certificate(SSL *ssl, void *argument) {
    const struct tls_turn *turn = argument;
    const struct tls_identity *identity = turn->identity;

    if (!identity || !identity->certificate)
        return 1;
    SSL_certs_clear(ssl);
    return SSL_use_certificate(ssl, identity->certificate) == 1 &&
           SSL_use_PrivateKey(ssl, identity->key) == 1 &&
           (!identity->chain || SSL_set1_chain(ssl, identity->chain) == 1);
}

static unsigned show_shared_key(SSL *ssl, const char *hint, char *name, unsigned name_size,
                                unsigned char *ret_key, unsigned key_size) {
    const struct tls_identity *identity = turn_of(ssl)->identity;

    (void)hint;
    if (!identity || !identity->psk_identity || strlen(identity->psk_identity) >= name_size ||
        identity->psk_length > key_size)
        return 0;
    (void)snprintf(name, name_size, "%s", identity->psk_identity);
    memcpy(ret_key, identity->psk, identity->psk_length);
    return (unsigned)identity->psk_length;
}

/* An alert is a farewell when its code is 0. */
static void look(const SSL *ssl, int where, int value) {
    struct tls_turn *turn = turn_of(ssl);
    SSL *own = (SSL *)(uintptr_t)ssl;

    if (where & SSL_CB_HANDSHAKE_START && SSL_get_state(ssl) == TLS_ST_BEFORE) {
        tls_context_ask_for(own, SSL_get_SSL_CTX(ssl));
        if (turn->session)
            (void)SSL_set_session(own, turn->session);
    }
    if (!(where & SSL_CB_ALERT) || !(value & 0xff))
        return;
    if (where & SSL_CB_READ) {
        turn->alert = value & 0xff;
        return;
    }
    /* Also one that has simply closed is sent an alert. */
    if (ERR_GET_REASON(ERR_peek_last_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING)
        return;
    turn->alert_of_us = value & 0xff;
    turn->verify = SSL_get_verify_result(ssl);
}

int tls_identity_context(SSL_CTX **ret, const struct client_config *config, struct tls_turn *turn,
                         struct error *error) {
    int r = tls_context_client(ret, config, error);

    if (r < 0)
        return r;
    (void)SSL_CTX_set_app_data(*ret, turn);
    SSL_CTX_set_info_callback(*ret, look);
    SSL_CTX_set_cert_cb(*ret, show_certificate, turn);
    if (*config->tls.psk_identity)
        SSL_CTX_set_psk_client_callback(*ret, show_shared_key);
    /* Idle connections keep no buffers of 16 KiB. */
    (void)SSL_CTX_set_mode(*ret, SSL_MODE_RELEASE_BUFFERS);
    return 0;
}
