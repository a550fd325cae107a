/*
 * seal_key - how the two ends of sealed messages come to the key of a session.
 *
 * The sealing end makes a capsule, which travels with every message; the other end gets the same
 * key out of it. What is in the capsule:
 *   shared      16 random bytes; the key comes of them and the shared secret
 *   x25519, ec:P-256   the public key of an ephemeral pair (32 bytes; 33, compressed); the key
 *               comes of the agreement between that pair and the receiver's
 *   rsa-oaep    32 random bytes, encrypted to the receiver's RSA-2048 key (OAEP with SHA-256)
 * In every case HKDF-SHA-256 (RFC 5869) makes key and nonce base, with the capsule as salt and the
 * scheme and the receiver's public key as info.
 */
#ifndef BENCH_SECURITY_SEAL_KEY_H
#define BENCH_SECURITY_SEAL_KEY_H

#include <openssl/evp.h>
#include <stddef.h>

enum seal_cipher { SEAL_AES_128_GCM, SEAL_AES_256_GCM, SEAL_CHACHA20_POLY1305 };
#define SEAL_N_CIPHERS 3

enum seal_key { SEAL_SHARED, SEAL_X25519, SEAL_P256, SEAL_RSA_OAEP };
#define SEAL_N_KEYS 4

#define SEAL_NONCE_BYTES       12
#define SEAL_MAX_KEY_BYTES     32
#define SEAL_MAX_CAPSULE_BYTES 256
#define SEAL_MAX_POINT_BYTES   65

struct seal_scheme {
    enum seal_cipher cipher;
    enum seal_key key;
};

/* What an end holds from its start to its end: the shared secret, or a key of the receiver's pair,
 * of which the sealing end has the public half only. */
struct seal_end {
    struct seal_scheme scheme;
    char *secret;                              /* SEAL_SHARED */
    EVP_PKEY *pair;                            /* all others */
    unsigned char point[SEAL_MAX_POINT_BYTES]; /* the receiver's public key, of agreements */
    size_t point_length;
};

struct seal_session_key {
    unsigned char key[SEAL_MAX_KEY_BYTES];
    unsigned char nonce[SEAL_NONCE_BYTES];
};

size_t seal_capsule_bytes(enum seal_key key);

/* `with` is the shared secret, any text that is not empty, or a key in PEM: the private one when
 * the end is to open. -EINVAL when it is no such key. */
int seal_end_init(struct seal_end *end, const struct seal_scheme *scheme, int opens,
                  const char *with);
void seal_end_clear(struct seal_end *end);

/* A new session, and the session of a capsule. -EBADMSG when the capsule can be nobody's; a capsule
 * for another key may give a key, under which nothing is authentic. */
int seal_session_begin(const struct seal_end *end, unsigned char *ret_capsule,
                       struct seal_session_key *ret);
int seal_session_find(const struct seal_end *end, const unsigned char *capsule,
                      struct seal_session_key *ret);

/* A new pair for a scheme other than SEAL_SHARED, in PEM; the texts are the caller's (free()). */
int seal_make_pair(enum seal_key key, char **ret_private, char **ret_public);

#endif
