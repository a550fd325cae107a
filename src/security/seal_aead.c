#include "security/seal_aead.h"

#include <errno.h>
#include <limits.h>
#include <stdint.h>

static const struct {
    const char *name; /* OpenSSL's */
    size_t key_bytes;
} ciphers[SEAL_N_CIPHERS] = {
    [SEAL_AES_128_GCM] = {"AES-128-GCM", 16},
    [SEAL_AES_256_GCM] = {"AES-256-GCM", 32},
    [SEAL_CHACHA20_POLY1305] = {"ChaCha20-Poly1305", 32},
};

size_t seal_aead_key_bytes(enum seal_cipher cipher) {
    return ciphers[cipher].key_bytes;
}

int seal_aead_new(EVP_CIPHER_CTX **ret, enum seal_cipher cipher, int seals,
                  const unsigned char *key) {
    EVP_CIPHER *fetched = EVP_CIPHER_fetch(NULL, ciphers[cipher].name, NULL);
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    int ok = fetched && context && EVP_CipherInit_ex(context, fetched, NULL, key, NULL, seals) == 1;

    EVP_CIPHER_free(fetched); /* the context holds it */
    if (!ok) {
        EVP_CIPHER_CTX_free(context);
        return -EIO;
    }
    *ret = context;
    return 0;
}

/* The nonce of the next message, and what is authenticated beside it. */
static int begin(EVP_CIPHER_CTX *context, const unsigned char *nonce, const struct seal_aad *aad) {
    int n;

    return EVP_CipherInit_ex(context, NULL, NULL, NULL, nonce, -1) == 1 &&
           (!aad->first_length ||
            EVP_CipherUpdate(context, NULL, &n, aad->first, (int)aad->first_length) == 1) &&
           (!aad->second_length ||
            EVP_CipherUpdate(context, NULL, &n, aad->second, (int)aad->second_length) == 1);
}

int seal_aead_seal(EVP_CIPHER_CTX *context, const unsigned char nonce[SEAL_NONCE_BYTES],
                   const struct seal_aad *aad, const void *message, size_t length, void *ret) {
    unsigned char *out = ret;
    int n = 0;

    if (length > INT_MAX - SEAL_TAG_BYTES)
        return -EMSGSIZE;
    if (!begin(context, nonce, aad) ||
        (length && EVP_EncryptUpdate(context, out, &n, message, (int)length) != 1) ||
        EVP_EncryptFinal_ex(context, out + n, &n) != 1 ||
        EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, SEAL_TAG_BYTES, out + length) != 1)
        return -EIO;
    return 0;
}

int seal_aead_open(EVP_CIPHER_CTX *context, const unsigned char nonce[SEAL_NONCE_BYTES],
                   const struct seal_aad *aad, const void *sealed, size_t length, void *ret) {
    unsigned char *tag = (unsigned char *)(uintptr_t)sealed + length;
    unsigned char nothing[SEAL_TAG_BYTES];
    int n = 0;

    if (length > INT_MAX - SEAL_TAG_BYTES)
        return -EMSGSIZE;
    if (!begin(context, nonce, aad) ||
        EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, SEAL_TAG_BYTES, tag) != 1 ||
        (length && EVP_DecryptUpdate(context, ret, &n, sealed, (int)length) != 1) ||
        EVP_DecryptFinal_ex(context, nothing, &n) != 1)
        return -EBADMSG;
    return 0;
}
