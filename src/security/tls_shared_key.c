#include "security/tls_shared_key.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <pthread.h>
#include <string.h>

/* What a context keeps. */
struct shared_key {
    char *identity;
    unsigned char bytes[TLS_SHARED_KEY_MAX];
    size_t length;
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static int place = -1; /* of a context's key, in OpenSSL's terms */

static void free_key(void *parent, void *key, CRYPTO_EX_DATA *data, int index, long number,
                     void *pointer) {
    struct shared_key *shared = key;

    (void)parent;
    (void)data;
    (void)index;
    (void)number;
    (void)pointer;
    if (!shared)
        return;
    free(shared->identity);
    OPENSSL_cleanse(shared, sizeof(*shared));
    free(shared);
}

static void find_place(void) {
    place = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, free_key);
}

static const struct shared_key *key_of(const SSL *ssl) {
    return SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), place);
}

/* How long the key is, or 0, by which OpenSSL gives up. */
static unsigned give(const struct shared_key *key, unsigned char *ret, unsigned size) {
    if (!key || key->length > size)
        return 0;
    memcpy(ret, key->bytes, key->length);
    return (unsigned)key->length;
}

static unsigned as_client(SSL *ssl, const char *hint, char *identity, unsigned identity_size,
                          unsigned char *ret_key, unsigned key_size) {
    const struct shared_key *key = key_of(ssl);

    (void)hint;
    if (!key || strlen(key->identity) >= identity_size)
        return 0;
    (void)snprintf(identity, identity_size, "%s", key->identity);
    return give(key, ret_key, key_size);
}

static unsigned as_server(SSL *ssl, const char *identity, unsigned char *ret_key,
                          unsigned key_size) {
    const struct shared_key *key = key_of(ssl);

    return key && text_equal(identity, key->identity) ? give(key, ret_key, key_size) : 0;
}

bool tls_shared_key_is_good(const char *digits) {
    size_t length = strlen(digits);

    return length % 2 == 0 && length >= (size_t)TLS_SHARED_KEY_MIN * 2 &&
           length <= (size_t)TLS_SHARED_KEY_MAX * 2 &&
           strspn(digits, "0123456789abcdefABCDEF") == length;
}

int tls_shared_key_set(SSL_CTX *context, const struct tls_config *tls, struct error *error) {
    struct shared_key *key;
    bool good = tls_shared_key_is_good(tls->psk_key);

    if (!*tls->psk_identity)
        return 0;
    if (!good)
        return error_set(error, -EINVAL, "the shared key is not %d to %d hexadecimal digits",
                         TLS_SHARED_KEY_MIN * 2, TLS_SHARED_KEY_MAX * 2);
    (void)pthread_once(&once, find_place);
    key = memory_new(1, sizeof(*key));
    key->identity = text_copy(tls->psk_identity);
    good = OPENSSL_hexstr2buf_ex(key->bytes, sizeof(key->bytes), &key->length, tls->psk_key,
                                 '\0') == 1;
    if (!good || place < 0 || SSL_CTX_set_ex_data(context, place, key) != 1) {
        free_key(NULL, key, NULL, 0, 0, NULL);
        return error_set(error, -ENOMEM, "no memory for a shared key");
    }
    SSL_CTX_set_psk_client_callback(context, as_client);
    SSL_CTX_set_psk_server_callback(context, as_server);
    return 0;
}
