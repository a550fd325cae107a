#include "security/token_scheme.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAC_BYTES   32
#define NONCE_TEXT  (2 * TOKEN_NONCE_BYTES + 1)
#define MAC_TEXT    (2 * MAC_BYTES + 1)
#define MAX_MESSAGE 1024 /* of the code: a longer client id is nobody's */

/* The code of "TIME.NONCE.CLIENT", in hexadecimal digits. */
static bool make_code(const char *key, const char *time, const char *nonce, const char *client_id,
                      char ret[MAC_TEXT]) {
    unsigned char code[MAC_BYTES];
    char message[MAX_MESSAGE];
    int length = snprintf(message, sizeof(message), "%s.%s.%s", time, nonce, client_id);

    return length < MAX_MESSAGE &&
           HMAC(EVP_sha256(), key, (int)strlen(key), (const unsigned char *)message, (size_t)length,
                code, NULL) &&
           OPENSSL_buf2hexstr_ex(ret, MAC_TEXT, NULL, code, sizeof(code), '\0') == 1;
}

int token_make(const char *key, const char *client_id, int64_t time_ns, char ret[TOKEN_TEXT_SIZE]) {
    char time[24], nonce_text[NONCE_TEXT], code[MAC_TEXT];
    unsigned char nonce[TOKEN_NONCE_BYTES];

    (void)snprintf(time, sizeof(time), "%lld", (long long)time_ns);
    if (RAND_bytes(nonce, sizeof(nonce)) != 1 ||
        OPENSSL_buf2hexstr_ex(nonce_text, NONCE_TEXT, NULL, nonce, sizeof(nonce), '\0') != 1 ||
        !make_code(key, time, nonce_text, client_id, code))
        return -EIO;
    (void)snprintf(ret, TOKEN_TEXT_SIZE, "%s.%s.%s", time, nonce_text, code);
    return 0;
}

bool token_read(const char *key, const char *client_id, const char *text, struct token_facts *ret) {
    char time[20], nonce[NONCE_TEXT], code[MAC_TEXT], right[MAC_TEXT];
    int end = 0;

    if (sscanf(text, "%19[0-9].%32[0-9A-F].%64[0-9A-F]%n", time, nonce, code, &end) != 3 ||
        text[end] != '\0' || strlen(nonce) != NONCE_TEXT - 1 || strlen(code) != MAC_TEXT - 1 ||
        !make_code(key, time, nonce, client_id, right) || CRYPTO_memcmp(code, right, MAC_TEXT) != 0)
        return false;
    ret->time_ns = strtoll(time, NULL, 10);
    return OPENSSL_hexstr2buf_ex(ret->nonce, sizeof(ret->nonce), NULL, nonce, '\0') == 1;
}
