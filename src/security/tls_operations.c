#include "security/tls_operations.h"

#include "security/tls.h"

#include <string.h>

#define RECORD_BYTES 16384 /* at most, RFC 8446, 5.1 */

/* Of the key schedule (RFC 8446, 7.1), 23 HMACs: 3 extracts; 8 secrets; key and IV of 4 traffic
 * secrets; both finished keys, both Finished. In TLS 1.2 (RFC 5246, 5, 6.3 and 8.1) 16: P_hash of
 * the master secret 4, of the key block 8, of both Finished 4. An HMAC is two hashes. */
#define HASHES_1_3 46
#define HASHES_1_2 32
#define HASH_BYTES 64

/* clang-format off */
static const struct {
    const char *name, *cipher, *hash;
    double hashes;
} suites[] = {
    {"TLS_AES_128_GCM_SHA256", "AES-128-GCM", "SHA-256", HASHES_1_3},
    {"TLS_AES_256_GCM_SHA384", "AES-256-GCM", "SHA-384", HASHES_1_3},
    {"TLS_CHACHA20_POLY1305_SHA256", "ChaCha20-Poly1305", "SHA-256", HASHES_1_3},
    {"ECDHE-ECDSA-AES128-GCM-SHA256", "AES-128-GCM", "SHA-256", HASHES_1_2},
    {"ECDHE-ECDSA-AES256-GCM-SHA384", "AES-256-GCM", "SHA-384", HASHES_1_2},
    {"ECDHE-ECDSA-CHACHA20-POLY1305", "ChaCha20-Poly1305", "SHA-256", HASHES_1_2},
    {"ECDHE-RSA-AES128-GCM-SHA256", "AES-128-GCM", "SHA-256", HASHES_1_2},
    {"ECDHE-RSA-AES256-GCM-SHA384", "AES-256-GCM", "SHA-384", HASHES_1_2},
    {"ECDHE-RSA-CHACHA20-POLY1305", "ChaCha20-Poly1305", "SHA-256", HASHES_1_2},
    {"ECDHE-PSK-CHACHA20-POLY1305", "ChaCha20-Poly1305", "SHA-256", HASHES_1_2},
    {"PSK-AES128-GCM-SHA256", "AES-128-GCM", "SHA-256", HASHES_1_2},
    {"PSK-AES256-GCM-SHA384", "AES-256-GCM", "SHA-384", HASHES_1_2},
    {"PSK-CHACHA20-POLY1305", "ChaCha20-Poly1305", "SHA-256", HASHES_1_2},
};

/* By the names that releases of OpenSSL tell. */
static const struct {
    const char *name, *algorithm;
    bool kem;
} groups[] = {
    {"x25519", "X25519", false},
    {"X25519", "X25519", false},
    {"secp256r1", "P-256", false},
    {"prime256v1", "P-256", false},
    {"secp384r1", "P-384", false},
    {"MLKEM512", "MLKEM512", true},
    {"MLKEM768", "MLKEM768", true},
    {"MLKEM1024", "MLKEM1024", true},
    {"X25519MLKEM768", "X25519MLKEM768", true},
    {"SecP256r1MLKEM768", "SecP256r1MLKEM768", true},
    {"SecP384r1MLKEM1024", "SecP384r1MLKEM1024", true},
};
/* clang-format on */

/* RFC 8446, 4.2.8 (draft-ietf-tls-ecdhe-mlkem): the client makes a key pair; the broker one of its
 * own, or with a KEM a secret for the client's; both derive the shared secret. */
static void put_group(size_t i, bool broker, tls_operation_put *put, void *context) {
    struct tls_operation one = {groups[i].name, groups[i].algorithm, "generate", 0, 1};

    if (!broker || !groups[i].kem)
        put(context, &one);
    one.operation = !groups[i].kem ? "derive" : broker ? "encapsulate" : "decapsulate";
    put(context, &one);
}

void tls_operations_connect(bool broker, tls_operation_put *put, void *context) {
    for (size_t i = 0; i < ARRAY_SIZE(groups); i++)
        put_group(i, broker, put, context);
    for (size_t i = 0; i < ARRAY_SIZE(suites); i++)
        put(context, &(struct tls_operation){suites[i].name, suites[i].hash, "hash", HASH_BYTES,
                                             suites[i].hashes});
}

static bool signs_in_token(const struct pki_chain *chain, bool broker) {
    return chain->tokens == PKI_TOKENS_ALL ||
           chain->tokens == (broker ? PKI_TOKENS_BROKER : PKI_TOKENS_CLIENTS);
}

/* Who shows a certificate signs the transcript once (CertificateVerify, RFC 8446, 4.4.3; in TLS 1.2
 * the broker its key exchange, RFC 5246, 7.4.3, a client as in 1.3, 7.4.8). Whoever sees it
 * verifies that, and the CA's signature below the certificate (RFC 8446, 4.4.2; RFC 5280, 6): the
 * CA's own is trusted as it is. What a token takes to sign this processor does not tell. */
void tls_operations_sign(const struct channel *channel, bool broker, tls_operation_put *put,
                         void *context) {
    const struct pki_chain chain = tls_chain(channel);
    const struct tls_key *leaf = tls_key(channel, false);
    CLEANUP_FREE char *usual = strndup(leaf->schemes, strcspn(leaf->schemes, ":"));
    bool mutual = channel_uses(channel, "certificate");
    struct tls_operation one = {usual, leaf->algorithm, "sign", 0, 1};

    if ((broker || mutual) && signs_in_token(&chain, broker))
        return;
    if (broker || mutual)
        put(context, &one);
    if (broker && !mutual)
        return;
    one.operation = "verify";
    put(context, &one);
    one.algorithm = tls_key(channel, true)->algorithm;
    put(context, &one);
}

void tls_operations_byte(const char *operation, int64_t bytes, tls_operation_put *put,
                         void *context) {
    int64_t record = bytes < RECORD_BYTES ? bytes : RECORD_BYTES;

    for (size_t i = 0; i < ARRAY_SIZE(suites); i++)
        put(context, &(struct tls_operation){suites[i].name, suites[i].cipher, operation, record,
                                             1 / (double)record});
}
