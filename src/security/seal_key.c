#include "security/seal_key.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/kdf.h>
#include <openssl/objects.h>
#include <openssl/params.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define SECRET_BYTES 32
#define RSA_BITS     2048
#define LABEL        "mqtt-security-bench payload 1"

static const struct {
    size_t capsule_bytes, point_bytes;
    const char *type, *group; /* OpenSSL's names */
} kinds[SEAL_N_KEYS] = {
    [SEAL_SHARED] = {.capsule_bytes = 16},
    [SEAL_X25519] = {32, 32, "X25519", NULL},
    [SEAL_P256] = {33, 65, "EC", "P-256"},
    [SEAL_RSA_OAEP] = {.capsule_bytes = RSA_BITS / 8, .type = "RSA"},
};

size_t seal_capsule_bytes(enum seal_key key) {
    return kinds[key].capsule_bytes;
}

/* ---- parts ---- */

static int hkdf(const void *secret, size_t secret_length, const void *salt, size_t salt_length,
                const void *info, size_t info_length, unsigned char *ret, size_t length) {
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
    EVP_KDF_CTX *context = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
    char digest[] = "SHA256";
    /* OpenSSL reads them only. */
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)(uintptr_t)secret,
                                          secret_length),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, (void *)(uintptr_t)salt,
                                          salt_length),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, (void *)(uintptr_t)info,
                                          info_length),
        OSSL_PARAM_construct_end(),
    };
    int ok = context && EVP_KDF_derive(context, ret, length, params) == 1;

    EVP_KDF_CTX_free(context);
    EVP_KDF_free(kdf);
    return ok ? 0 : -EIO;
}

/* The secret of two pairs: X25519 and P-256 alike. */
static int agree(EVP_PKEY *own, EVP_PKEY *peer, unsigned char ret[SECRET_BYTES]) {
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, own, NULL);
    size_t length = SECRET_BYTES;
    int ok = context && EVP_PKEY_derive_init(context) == 1 &&
             EVP_PKEY_derive_set_peer(context, peer) == 1 &&
             EVP_PKEY_derive(context, ret, &length) == 1 && length == SECRET_BYTES;

    EVP_PKEY_CTX_free(context);
    return ok ? 0 : -EBADMSG;
}

static EVP_PKEY *make_pair(enum seal_key key) {
    if (key == SEAL_RSA_OAEP)
        return EVP_PKEY_Q_keygen(NULL, NULL, kinds[key].type, (size_t)RSA_BITS);
    return kinds[key].group ? EVP_PKEY_Q_keygen(NULL, NULL, kinds[key].type, kinds[key].group)
                            : EVP_PKEY_Q_keygen(NULL, NULL, kinds[key].type);
}

static int read_point(EVP_PKEY *pair, enum seal_key key, unsigned char *ret) {
    size_t length;

    return EVP_PKEY_get_octet_string_param(pair, OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, ret,
                                           SEAL_MAX_POINT_BYTES, &length) == 1 &&
                   length == kinds[key].point_bytes
               ? 0
               : -EINVAL;
}

/* ---- ends ---- */

/* Any word as the passphrase would do: a key that wants one is none of ours. */
static EVP_PKEY *read_pem(const char *text, int is_private) {
    static char no_passphrase[] = "";
    BIO *bio = BIO_new_mem_buf(text, -1);
    EVP_PKEY *pair = NULL;

    if (bio)
        pair = is_private ? PEM_read_bio_PrivateKey(bio, NULL, NULL, no_passphrase)
                          : PEM_read_bio_PUBKEY(bio, NULL, NULL, no_passphrase);
    BIO_free(bio);
    return pair;
}

static int fits(EVP_PKEY *pair, enum seal_key key) {
    char group[32] = "";

    if (!pair || !EVP_PKEY_is_a(pair, kinds[key].type))
        return 0;
    if (key == SEAL_RSA_OAEP)
        return (size_t)EVP_PKEY_get_size(pair) == kinds[key].capsule_bytes;
    return key != SEAL_P256 || (EVP_PKEY_get_group_name(pair, group, sizeof(group), NULL) == 1 &&
                                (OBJ_txt2nid(group) == NID_X9_62_prime256v1 ||
                                 EC_curve_nist2nid(group) == NID_X9_62_prime256v1));
}

int seal_end_init(struct seal_end *end, const struct seal_scheme *scheme, int opens,
                  const char *with) {
    *end = (struct seal_end){.scheme = *scheme};
    if (!*with)
        return -EINVAL;
    if (scheme->key == SEAL_SHARED) {
        end->secret = strdup(with);
        return end->secret ? 0 : -ENOMEM;
    }
    end->pair = read_pem(with, opens);
    end->point_length = kinds[scheme->key].point_bytes;
    if (fits(end->pair, scheme->key) &&
        (!end->point_length || read_point(end->pair, scheme->key, end->point) == 0))
        return 0;
    seal_end_clear(end);
    return -EINVAL;
}

void seal_end_clear(struct seal_end *end) {
    if (end->secret)
        OPENSSL_cleanse(end->secret, strlen(end->secret));
    free(end->secret);
    EVP_PKEY_free(end->pair);
    *end = (struct seal_end){.secret = NULL};
}

/* ---- sessions ---- */

/* Whatever is agreed on, or what both ends share, becomes a key only for these two ends, this
 * scheme and this capsule. */
static int derive(const struct seal_end *end, const unsigned char *capsule,
                  const unsigned char agreed[SECRET_BYTES], struct seal_session_key *ret) {
    unsigned char info[sizeof(LABEL) + 2 + SEAL_MAX_POINT_BYTES] = LABEL;
    unsigned char out[sizeof(ret->key) + sizeof(ret->nonce)];
    const void *secret = end->secret ? (const void *)end->secret : agreed;
    size_t n = sizeof(LABEL), secret_length = end->secret ? strlen(end->secret) : SECRET_BYTES;
    int r;

    info[n++] = (unsigned char)end->scheme.cipher;
    info[n++] = (unsigned char)end->scheme.key;
    memcpy(info + n, end->point, end->point_length);
    r = hkdf(secret, secret_length, capsule, kinds[end->scheme.key].capsule_bytes, info,
             n + end->point_length, out, sizeof(out));
    if (r == 0) {
        memcpy(ret->key, out, sizeof(ret->key));
        memcpy(ret->nonce, out + sizeof(ret->key), sizeof(ret->nonce));
    }
    OPENSSL_cleanse(out, sizeof(out));
    return r;
}

/* Of 65 bytes, 0x04 X Y, the 33 that say the same: 0x02, or 0x03 for an odd Y, and X. */
static void compress_point(unsigned char *ret, const unsigned char *point) {
    ret[0] = (unsigned char)(2 | (point[64] & 1));
    memcpy(ret + 1, point + 1, 32);
}

static int begin_agreement(const struct seal_end *end, unsigned char *ret_capsule,
                           unsigned char secret[SECRET_BYTES]) {
    EVP_PKEY *ephemeral = make_pair(end->scheme.key);
    unsigned char point[SEAL_MAX_POINT_BYTES];
    int r = ephemeral ? read_point(ephemeral, end->scheme.key, point) : -EIO;

    if (r == 0)
        r = agree(ephemeral, end->pair, secret);
    if (r == 0 && end->scheme.key == SEAL_P256)
        compress_point(ret_capsule, point);
    else if (r == 0)
        memcpy(ret_capsule, point, end->point_length);
    EVP_PKEY_free(ephemeral);
    return r;
}

static int find_agreement(const struct seal_end *end, const unsigned char *capsule,
                          unsigned char secret[SECRET_BYTES]) {
    EVP_PKEY *peer = EVP_PKEY_new();
    int r = -EBADMSG;

    if (peer && EVP_PKEY_copy_parameters(peer, end->pair) == 1 &&
        EVP_PKEY_set1_encoded_public_key(peer, capsule, kinds[end->scheme.key].capsule_bytes) == 1)
        r = agree(end->pair, peer, secret);
    EVP_PKEY_free(peer);
    return r;
}

static EVP_PKEY_CTX *oaep(EVP_PKEY *pair, int opens) {
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, pair, NULL);

    if (context && (opens ? EVP_PKEY_decrypt_init(context) : EVP_PKEY_encrypt_init(context)) == 1 &&
        EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING) == 1 &&
        EVP_PKEY_CTX_set_rsa_oaep_md(context, EVP_sha256()) == 1)
        return context;
    EVP_PKEY_CTX_free(context);
    return NULL;
}

static int begin_oaep(const struct seal_end *end, unsigned char *ret_capsule,
                      unsigned char secret[SECRET_BYTES]) {
    EVP_PKEY_CTX *context = oaep(end->pair, 0);
    size_t length = SEAL_MAX_CAPSULE_BYTES;
    int ok = context && RAND_bytes(secret, SECRET_BYTES) == 1 &&
             EVP_PKEY_encrypt(context, ret_capsule, &length, secret, SECRET_BYTES) == 1 &&
             length == kinds[SEAL_RSA_OAEP].capsule_bytes;

    EVP_PKEY_CTX_free(context);
    return ok ? 0 : -EIO;
}

static int find_oaep(const struct seal_end *end, const unsigned char *capsule,
                     unsigned char secret[SECRET_BYTES]) {
    EVP_PKEY_CTX *context = oaep(end->pair, 1);
    unsigned char out[SEAL_MAX_CAPSULE_BYTES];
    size_t length = sizeof(out);
    int ok =
        context &&
        EVP_PKEY_decrypt(context, out, &length, capsule, kinds[SEAL_RSA_OAEP].capsule_bytes) == 1 &&
        length == SECRET_BYTES;

    if (ok)
        memcpy(secret, out, SECRET_BYTES);
    OPENSSL_cleanse(out, sizeof(out));
    EVP_PKEY_CTX_free(context);
    return ok ? 0 : -EBADMSG;
}

int seal_session_begin(const struct seal_end *end, unsigned char *ret_capsule,
                       struct seal_session_key *ret) {
    unsigned char secret[SECRET_BYTES];
    int r;

    if (end->scheme.key == SEAL_SHARED)
        r = RAND_bytes(ret_capsule, (int)kinds[SEAL_SHARED].capsule_bytes) == 1 ? 0 : -EIO;
    else
        r = end->scheme.key == SEAL_RSA_OAEP ? begin_oaep(end, ret_capsule, secret)
                                             : begin_agreement(end, ret_capsule, secret);
    if (r == 0)
        r = derive(end, ret_capsule, secret, ret);
    OPENSSL_cleanse(secret, sizeof(secret));
    return r;
}

int seal_session_find(const struct seal_end *end, const unsigned char *capsule,
                      struct seal_session_key *ret) {
    unsigned char secret[SECRET_BYTES];
    int r = 0;

    if (end->scheme.key != SEAL_SHARED)
        r = end->scheme.key == SEAL_RSA_OAEP ? find_oaep(end, capsule, secret)
                                             : find_agreement(end, capsule, secret);
    if (r == 0)
        r = derive(end, capsule, secret, ret);
    OPENSSL_cleanse(secret, sizeof(secret));
    return r;
}

/* ---- new pairs ---- */

/* The caller's, for free(); NULL when that fails. */
static char *pem_of(EVP_PKEY *pair, int is_private) {
    BIO *bio = BIO_new(BIO_s_secmem());
    char *text = NULL, *data;
    int ok = bio && (is_private ? PEM_write_bio_PrivateKey(bio, pair, NULL, NULL, 0, NULL, NULL)
                                : PEM_write_bio_PUBKEY(bio, pair)) == 1;

    if (ok) {
        long length = BIO_get_mem_data(bio, &data);

        text = strndup(data, (size_t)length);
    }
    BIO_free(bio);
    return text;
}

int seal_make_pair(enum seal_key key, char **ret_private, char **ret_public) {
    EVP_PKEY *pair = key == SEAL_SHARED ? NULL : make_pair(key);
    char *private = pair ? pem_of(pair, 1) : NULL, *public = pair ? pem_of(pair, 0) : NULL;

    EVP_PKEY_free(pair);
    if (!private || !public) {
        free(private);
        free(public);
        return -EIO;
    }
    *ret_private = private;
    *ret_public = public;
    return 0;
}
