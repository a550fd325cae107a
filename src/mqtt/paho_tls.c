#include "mqtt/paho_tls.h"

#include "security/tls_context.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <pthread.h>
#include <string.h>

/* The login under way, and what was seen of it, by the library's threads. */
struct login {
    const struct client_config *config; /* NULL: none is */
    SSL_CTX *model;                     /* a context as asked for */
    SSL_CTX *made;                      /* the library's, borrowed: only compared with */
    bool imposed, done;
    struct tls_session session;
    struct error error;
};

static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of login */
static struct login login;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool hooked;

/* ---- in the library's threads ---- */

/* Once, at the start: tickets begin and end handshakes, too. A connection that cannot be made as
 * asked for must not come about: it is left no version to speak. */
static void impose(SSL *ssl) {
    login.imposed = true;
    if (tls_context_impose(ssl, login.model, login.config, &login.error) < 0)
        (void)SSL_set_max_proto_version(ssl, SSL3_VERSION);
}

static void look_on(const SSL *ssl, int where, int code) {
    (void)code;
    (void)pthread_mutex_lock(&lock);
    if (login.config && SSL_get_SSL_CTX(ssl) == login.made) {
        if (where & SSL_CB_HANDSHAKE_START && !login.imposed)
            impose((SSL *)(uintptr_t)ssl);
        if (where & SSL_CB_HANDSHAKE_DONE && !login.done) {
            tls_context_session((SSL *)(uintptr_t)ssl, &login.session);
            login.done = true;
        }
    }
    (void)pthread_mutex_unlock(&lock);
}

static void see_context(void *context, void *pointer, CRYPTO_EX_DATA *data, int index, long number,
                        void *argument) {
    (void)pointer;
    (void)data;
    (void)index;
    (void)number;
    (void)argument;
    (void)pthread_mutex_lock(&lock);
    if (login.config)
        login.made = context;
    (void)pthread_mutex_unlock(&lock);
}

/* The library has set up its context by now, its own info callback included, which only logs. */
static void see_connection(void *ssl, void *pointer, CRYPTO_EX_DATA *data, int index, long number,
                           void *argument) {
    (void)ssl;
    (void)pointer;
    (void)data;
    (void)index;
    (void)number;
    (void)argument;
    (void)pthread_mutex_lock(&lock);
    if (login.config && login.made)
        SSL_CTX_set_info_callback(login.made, look_on);
    (void)pthread_mutex_unlock(&lock);
}

static unsigned give_key(const char *hint, char *identity, unsigned identity_size,
                         unsigned char *key, unsigned key_size, void *context) {
    const struct paho_tls *tls = context;
    size_t length;

    (void)hint;
    if (strlen(tls->psk_identity) >= identity_size ||
        OPENSSL_hexstr2buf_ex(key, key_size, &length, tls->psk_key, '\0') != 1)
        return 0;
    (void)snprintf(identity, identity_size, "%s", tls->psk_identity);
    return (unsigned)length;
}

/* ---- around a login ---- */

static void hook(void) {
    hooked =
        CRYPTO_get_ex_new_index(CRYPTO_EX_INDEX_SSL_CTX, 0, NULL, see_context, NULL, NULL) >= 0 &&
        CRYPTO_get_ex_new_index(CRYPTO_EX_INDEX_SSL, 0, NULL, see_connection, NULL, NULL) >= 0;
}

int paho_tls_begin(const struct client_config *config, struct error *error) {
    CLEANUP(SSL_CTX_freep) SSL_CTX *model = NULL;
    int r;

    (void)pthread_once(&once, hook);
    if (!hooked)
        return error_set(error, -EIO, "Paho C: OpenSSL does not tell of its connections");
    r = tls_context_client(&model, config, error);
    if (r < 0)
        return r;
    (void)pthread_mutex_lock(&one_at_a_time);
    (void)pthread_mutex_lock(&lock);
    login = (struct login){.config = config, .model = model};
    (void)pthread_mutex_unlock(&lock);
    model = NULL;
    return 0;
}

int paho_tls_end(struct paho_tls *tls, struct error *error) {
    struct login seen;

    (void)pthread_mutex_lock(&lock);
    seen = login;
    login = (struct login){.config = NULL};
    (void)pthread_mutex_unlock(&lock);
    (void)pthread_mutex_unlock(&one_at_a_time);
    SSL_CTX_free(seen.model);
    if (*seen.error.text)
        return error_set(error, -EIO, "Paho C: %s", seen.error.text);
    if (!seen.imposed || !seen.done)
        return error_set(error, -EIO, "Paho C: no TLS handshake was seen to its end");
    tls->session = seen.session;
    return 0;
}

/* ---- options ---- */

void paho_tls_open(struct paho_tls *tls, const struct client_config *config) {
    *tls = (struct paho_tls){.options = MQTTAsync_SSLOptions_initializer};
    tls->options.disableDefaultTrustStore = 1; /* whom it trusts and what it shows is imposed */
    if (!*config->tls.psk_identity)
        return;
    tls->psk_identity = text_copy(config->tls.psk_identity);
    tls->psk_key = text_copy(config->tls.psk_key);
    tls->options.ssl_psk_cb = give_key;
    tls->options.ssl_psk_context = tls;
}

void paho_tls_close(struct paho_tls *tls) {
    free(tls->psk_identity);
    if (tls->psk_key)
        OPENSSL_cleanse(tls->psk_key, strlen(tls->psk_key));
    free(tls->psk_key);
}
