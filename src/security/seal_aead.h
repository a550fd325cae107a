/*
 * seal_aead - authenticated encryption of a message: AES-GCM and ChaCha20-Poly1305 with nonces of
 * 12 bytes and tags of 16.
 *
 * A context is set up once for a key; a message then costs a nonce, and no allocation. Contexts
 * belong to the caller (EVP_CIPHER_CTX_free) and go in one direction only.
 */
#ifndef BENCH_SECURITY_SEAL_AEAD_H
#define BENCH_SECURITY_SEAL_AEAD_H

#include <openssl/evp.h>
#include <stddef.h>

enum seal_cipher { SEAL_AES_128_GCM, SEAL_AES_256_GCM, SEAL_CHACHA20_POLY1305 };
#define SEAL_N_CIPHERS 3

#define SEAL_NONCE_BYTES   12
#define SEAL_TAG_BYTES     16
#define SEAL_MAX_KEY_BYTES 32

/* What is authenticated beside the message itself: two pieces, one behind the other. */
struct seal_aad {
    const void *first, *second;
    size_t first_length, second_length;
};

/* 16 or 32. */
size_t seal_aead_key_bytes(enum seal_cipher cipher);

/* A context for a key of that length. -EIO when OpenSSL has no such cipher. */
int seal_aead_new(EVP_CIPHER_CTX **ret, enum seal_cipher cipher, int seals,
                  const unsigned char *key);

/* Writes `length` bytes of ciphertext and the tag behind them to ret, which may be `message`
 * itself. -EIO when OpenSSL fails. */
int seal_aead_seal(EVP_CIPHER_CTX *context, const unsigned char nonce[SEAL_NONCE_BYTES],
                   const struct seal_aad *aad, const void *message, size_t length, void *ret);
/* The other way round: `length` bytes of ciphertext with the tag behind them. -EBADMSG when they
 * are not authentic; ret then holds nothing that may be used. */
int seal_aead_open(EVP_CIPHER_CTX *context, const unsigned char nonce[SEAL_NONCE_BYTES],
                   const struct seal_aad *aad, const void *sealed, size_t length, void *ret);

#endif
