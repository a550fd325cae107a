#include "security/speed.h"

#include "base/clock.h"
#include "security/openssl.h"

#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <string.h>
#include <time.h>

#define WARM_UP_NS (20 * NS_PER_MS)
/* A run takes 10 ms, and longer while it has few operations: how often ML-DSA tries until a
 * signature is short enough is chance. */
#define RUN_NS         (10 * NS_PER_MS)
#define LONGEST_NS     (40 * NS_PER_MS)
#define FEW_OPERATIONS 80

/* clang-format off */
/* In the order in which they are measured and shown. */
const struct speed_algorithm speed_algorithms[] = {
    {"AES-128-GCM", "AES-128-GCM", SPEED_CIPHER, NULL, 0, NULL},
    {"AES-256-GCM", "AES-256-GCM", SPEED_CIPHER, NULL, 0, NULL},
    {"ChaCha20-Poly1305", "ChaCha20-Poly1305", SPEED_CIPHER, NULL, 0, NULL},
    {"SHA-256", "SHA256", SPEED_HASH, NULL, 0, NULL},
    {"SHA-384", "SHA384", SPEED_HASH, NULL, 0, NULL},
    {"X25519", "X25519", SPEED_AGREEMENT, NULL, 0, NULL},
    {"P-256", "EC", SPEED_AGREEMENT, "P-256", 0, NULL},
    {"P-384", "EC", SPEED_AGREEMENT, "P-384", 0, NULL},
    {"MLKEM512", "ML-KEM-512", SPEED_AGREEMENT, NULL, 0, NULL},
    {"MLKEM768", "ML-KEM-768", SPEED_AGREEMENT, NULL, 0, NULL},
    {"MLKEM1024", "ML-KEM-1024", SPEED_AGREEMENT, NULL, 0, NULL},
    {"X25519MLKEM768", "X25519MLKEM768", SPEED_AGREEMENT, NULL, 0, NULL},
    {"SecP256r1MLKEM768", "SecP256r1MLKEM768", SPEED_AGREEMENT, NULL, 0, NULL},
    {"SecP384r1MLKEM1024", "SecP384r1MLKEM1024", SPEED_AGREEMENT, NULL, 0, NULL},
    {"ECDSA P-256", "EC", SPEED_SIGNATURE, "P-256", 0, "SHA256"},
    {"RSA-2048", "RSA", SPEED_SIGNATURE, NULL, 2048, "SHA256"},
    {"RSA-3072", "RSA", SPEED_SIGNATURE, NULL, 3072, "SHA256"},
    {"Ed25519", "ED25519", SPEED_SIGNATURE, NULL, 0, NULL},
    {"ML-DSA-44", "ML-DSA-44", SPEED_SIGNATURE, NULL, 0, NULL},
    {"ML-DSA-65", "ML-DSA-65", SPEED_SIGNATURE, NULL, 0, NULL},
    {"ML-DSA-87", "ML-DSA-87", SPEED_SIGNATURE, NULL, 0, NULL},
};
/* clang-format on */
const size_t n_speed_algorithms = ARRAY_SIZE(speed_algorithms);

/* The payloads of a small MQTT message, a larger one, and a full TLS record. */
static const int64_t sizes[] = {64, 1024, 16384};
#define MOST_BYTES 16384

#define TAG_BYTES   16
#define NONCE_BYTES 12
/* What a CertificateVerify signs (RFC 8446, 4.4.3): 64 blanks, 33 bytes of context, a zero, and the
 * hash of the transcript, here of SHA-256. */
#define SIGNED_BYTES (64 + 33 + 1 + 32)

DEFINE_CLEANUP(EVP_PKEY_CTX *, EVP_PKEY_CTX_free)
DEFINE_CLEANUP(EVP_MD_CTX *, EVP_MD_CTX_free)

/* What the operations work on; zeroed, and cleared by subject_clear(). */
struct subject {
    const struct speed_algorithm *algorithm;
    int64_t bytes;
    EVP_CIPHER_CTX *sealing, *opening;
    EVP_MD *md;
    EVP_MD_CTX *hashing;
    EVP_PKEY *key, *peer;
    unsigned char *plain, *sealed, *opened; /* of MOST_BYTES */
    unsigned char nonce[NONCE_BYTES], tag[TAG_BYTES];
    /* A ciphertext of a key agreement, a signature: the first to be of use to the second. */
    unsigned char text[8192];
    size_t text_bytes;
};

static void subject_clear(struct subject *subject) {
    EVP_CIPHER_CTX_free(subject->sealing);
    EVP_CIPHER_CTX_free(subject->opening);
    EVP_MD_CTX_free(subject->hashing);
    EVP_MD_free(subject->md);
    EVP_PKEY_free(subject->key);
    EVP_PKEY_free(subject->peer);
    free(subject->plain);
    free(subject->sealed);
    free(subject->opened);
}

/* ---- ciphers: a record as TLS 1.3 protects it, 5 bytes of header under the same tag ---- */

static const unsigned char header[5] = {23, 3, 3};

static EVP_CIPHER_CTX *cipher_context(const EVP_CIPHER *cipher, const unsigned char *key,
                                      int seal) {
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();

    if (EVP_CipherInit_ex2(context, cipher, key, NULL, seal, NULL) == 1)
        return context;
    EVP_CIPHER_CTX_free(context);
    return NULL;
}

static bool prepare_cipher(struct subject *subject) {
    EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, subject->algorithm->fetch, NULL);
    unsigned char key[32] = {1};

    if (cipher) {
        subject->sealing = cipher_context(cipher, key, 1);
        subject->opening = cipher_context(cipher, key, 0);
    }
    EVP_CIPHER_free(cipher);
    return subject->sealing && subject->opening;
}

static bool encrypt(struct subject *subject) {
    EVP_CIPHER_CTX *context = subject->sealing;
    int n;

    return EVP_EncryptInit_ex2(context, NULL, NULL, subject->nonce, NULL) == 1 &&
           EVP_EncryptUpdate(context, NULL, &n, header, sizeof(header)) == 1 &&
           EVP_EncryptUpdate(context, subject->sealed, &n, subject->plain, (int)subject->bytes) ==
               1 &&
           EVP_EncryptFinal_ex(context, subject->sealed, &n) == 1 &&
           EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, TAG_BYTES, subject->tag) == 1;
}

/* Of what encrypt() made last. */
static bool decrypt(struct subject *subject) {
    EVP_CIPHER_CTX *context = subject->opening;
    int n;

    return EVP_DecryptInit_ex2(context, NULL, NULL, subject->nonce, NULL) == 1 &&
           EVP_DecryptUpdate(context, NULL, &n, header, sizeof(header)) == 1 &&
           EVP_DecryptUpdate(context, subject->opened, &n, subject->sealed, (int)subject->bytes) ==
               1 &&
           EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, TAG_BYTES, subject->tag) == 1 &&
           EVP_DecryptFinal_ex(context, subject->opened, &n) == 1;
}

/* ---- hashes ---- */

static bool prepare_hash(struct subject *subject) {
    subject->md = EVP_MD_fetch(NULL, subject->algorithm->fetch, NULL);
    subject->hashing = EVP_MD_CTX_new();
    return subject->md;
}

static bool hash(struct subject *subject) {
    return EVP_DigestInit_ex2(subject->hashing, subject->md, NULL) == 1 &&
           EVP_DigestUpdate(subject->hashing, subject->plain, (size_t)subject->bytes) == 1 &&
           EVP_DigestFinal_ex(subject->hashing, subject->sealed, NULL) == 1;
}

/* ---- keys ---- */

/* As TLS makes one for each connection: with a context of its own. */
static EVP_PKEY *new_key(const struct speed_algorithm *algorithm) {
    CLEANUP(EVP_PKEY_CTX_freep)
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, algorithm->fetch, NULL);
    EVP_PKEY *key = NULL;

    if (!context || EVP_PKEY_keygen_init(context) != 1)
        return NULL;
    if (algorithm->curve && EVP_PKEY_CTX_set_group_name(context, algorithm->curve) != 1)
        return NULL;
    if (algorithm->bits && EVP_PKEY_CTX_set_rsa_keygen_bits(context, (int)algorithm->bits) != 1)
        return NULL;
    return EVP_PKEY_generate(context, &key) == 1 ? key : NULL;
}

static bool prepare_keys(struct subject *subject) {
    subject->key = new_key(subject->algorithm);
    subject->peer = subject->key && subject->algorithm->kind == SPEED_AGREEMENT
                        ? new_key(subject->algorithm)
                        : NULL;
    return subject->key;
}

static bool generate(struct subject *subject) {
    CLEANUP(EVP_PKEY_freep) EVP_PKEY *key = new_key(subject->algorithm);

    return key;
}

static bool derive(struct subject *subject) {
    CLEANUP(EVP_PKEY_CTX_freep)
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, subject->key, NULL);
    size_t length = sizeof(subject->text);

    return context && EVP_PKEY_derive_init(context) == 1 &&
           EVP_PKEY_derive_set_peer(context, subject->peer) == 1 &&
           EVP_PKEY_derive(context, subject->text, &length) == 1;
}

static bool encapsulate(struct subject *subject) {
    CLEANUP(EVP_PKEY_CTX_freep)
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, subject->key, NULL);
    unsigned char secret[256];
    size_t length = sizeof(secret);

    subject->text_bytes = sizeof(subject->text);
    return context && EVP_PKEY_encapsulate_init(context, NULL) == 1 &&
           EVP_PKEY_encapsulate(context, subject->text, &subject->text_bytes, secret, &length) == 1;
}

/* Of what encapsulate() made last. */
static bool decapsulate(struct subject *subject) {
    CLEANUP(EVP_PKEY_CTX_freep)
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, subject->key, NULL);
    unsigned char secret[256];
    size_t length = sizeof(secret);

    return context && EVP_PKEY_decapsulate_init(context, NULL) == 1 &&
           EVP_PKEY_decapsulate(context, secret, &length, subject->text, subject->text_bytes) == 1;
}

static bool sign(struct subject *subject) {
    CLEANUP(EVP_MD_CTX_freep) EVP_MD_CTX *context = EVP_MD_CTX_new();

    subject->text_bytes = sizeof(subject->text);
    return EVP_DigestSignInit_ex(context, NULL, subject->algorithm->digest, NULL, NULL,
                                 subject->key, NULL) == 1 &&
           EVP_DigestSign(context, subject->text, &subject->text_bytes, subject->plain,
                          SIGNED_BYTES) == 1;
}

/* Of what sign() made last. */
static bool verify(struct subject *subject) {
    CLEANUP(EVP_MD_CTX_freep) EVP_MD_CTX *context = EVP_MD_CTX_new();

    return EVP_DigestVerifyInit_ex(context, NULL, subject->algorithm->digest, NULL, NULL,
                                   subject->key, NULL) == 1 &&
           EVP_DigestVerify(context, subject->text, subject->text_bytes, subject->plain,
                            SIGNED_BYTES) == 1;
}

/* ---- kinds ---- */

struct operation {
    const char *name;
    bool (*once)(struct subject *subject);
};

static const struct operation of_ciphers[] = {{"encrypt", encrypt}, {"decrypt", decrypt}};
static const struct operation of_hashes[] = {{"hash", hash}};
static const struct operation of_exchanges[] = {{"generate", generate}, {"derive", derive}};
static const struct operation of_kems[] = {
    {"generate", generate}, {"encapsulate", encapsulate}, {"decapsulate", decapsulate}};
static const struct operation of_signatures[] = {{"sign", sign}, {"verify", verify}};

#define OPERATIONS(list) list, ARRAY_SIZE(list)
static const struct {
    bool (*prepare)(struct subject *subject);
    const struct operation *operations;
    size_t n_operations;
    bool sized;
} kinds[] = {
    [SPEED_CIPHER] = {prepare_cipher, OPERATIONS(of_ciphers), true},
    [SPEED_HASH] = {prepare_hash, OPERATIONS(of_hashes), true},
    [SPEED_AGREEMENT] = {prepare_keys, OPERATIONS(of_exchanges), false},
    [SPEED_SIGNATURE] = {prepare_keys, OPERATIONS(of_signatures), false},
};

/* A key agreement is by two public keys, or by a secret that one side encrypts for the other. */
static const struct operation *operations_of(const struct subject *subject, size_t *ret_n) {
    enum speed_kind kind = subject->algorithm->kind;
    CLEANUP(EVP_PKEY_CTX_freep)
    EVP_PKEY_CTX *context =
        kind == SPEED_AGREEMENT ? EVP_PKEY_CTX_new_from_pkey(NULL, subject->key, NULL) : NULL;

    if (context && EVP_PKEY_derive_init(context) != 1) {
        *ret_n = ARRAY_SIZE(of_kems);
        return of_kems;
    }
    *ret_n = kinds[kind].n_operations;
    return kinds[kind].operations;
}

/* ---- measuring ---- */

static int64_t cpu_ns(void) {
    struct timespec now;

    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return now.tv_sec * NS_PER_S + now.tv_nsec;
}

/* CPU time of n operations; -1 when one fails. */
static int64_t time_of(struct subject *subject, bool (*once)(struct subject *subject), int64_t n) {
    int64_t begin = cpu_ns();
    bool good = true;

    for (int64_t i = 0; i < n && good; i++)
        good = once(subject);
    return good ? cpu_ns() - begin : -1;
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* How many a run has, by how many there are in a nanosecond. */
static int64_t operations_of_run(double per_ns) {
    int64_t usual = (int64_t)(per_ns * RUN_NS), most = (int64_t)(per_ns * LONGEST_NS),
            few = most < FEW_OPERATIONS ? most : FEW_OPERATIONS, n = usual > few ? usual : few;

    return n > 0 ? n : 1;
}

/* Operations a second, of each run, from the slowest on. */
static bool time_runs(struct subject *subject, bool (*once)(struct subject *subject),
                      double ret[SPEED_RUNS]) {
    int64_t n = 1, ns = time_of(subject, once, n);

    while (ns >= 0 && ns < WARM_UP_NS) {
        n *= 2;
        ns = time_of(subject, once, n);
    }
    if (ns < 0)
        return false;
    n = operations_of_run((double)n / (double)ns);
    for (int i = 0; i < SPEED_RUNS; i++) {
        ns = time_of(subject, once, n);
        if (ns < 0)
            return false;
        ret[i] = (double)n * (double)NS_PER_S / (double)(ns ? ns : 1);
    }
    qsort(ret, SPEED_RUNS, sizeof(*ret), compare);
    return true;
}

static bool measure(struct subject *subject, const struct operation *operation,
                    struct speed_row *ret) {
    double rates[SPEED_RUNS], scale = subject->bytes ? (double)subject->bytes / 1e6 : 1;

    if (!time_runs(subject, operation->once, rates))
        return false;
    *ret = (struct speed_row){.operation = operation->name,
                              .unit = subject->bytes ? SPEED_MB_PER_S : SPEED_PER_S,
                              .bytes = subject->bytes,
                              .value = rates[SPEED_RUNS / 2] * scale,
                              .low = rates[0] * scale,
                              .high = rates[SPEED_RUNS - 1] * scale};
    return true;
}

int speed_measure(const struct speed_algorithm *algorithm, struct speed_row rows[SPEED_MAX_ROWS],
                  struct error *error) {
    CLEANUP(subject_clear)
    struct subject subject = {.algorithm = algorithm,
                              .plain = memory_new(1, MOST_BYTES),
                              .sealed = memory_new(1, MOST_BYTES),
                              .opened = memory_new(1, MOST_BYTES)};
    bool sized = kinds[algorithm->kind].sized;
    const struct operation *operations;
    size_t n_operations;
    int n = 0;

    ERR_clear_error();
    if (!kinds[algorithm->kind].prepare(&subject)) {
        ERR_clear_error();
        return error_set(error, -EOPNOTSUPP, "OpenSSL %s has no %s", speed_openssl(),
                         algorithm->name);
    }
    operations = operations_of(&subject, &n_operations);
    for (size_t size = 0; size < (sized ? ARRAY_SIZE(sizes) : 1); size++) {
        subject.bytes = sized ? sizes[size] : 0;
        for (size_t i = 0; i < n_operations; i++)
            if (!measure(&subject, &operations[i], &rows[n++]))
                return error_set(error, -EIO, "%s, %s: %s", algorithm->name, operations[i].name,
                                 openssl_reason());
    }
    ERR_clear_error();
    return n;
}

const struct speed_algorithm *speed_find(const char *name) {
    for (size_t i = 0; i < n_speed_algorithms; i++)
        if (text_equal(speed_algorithms[i].name, name))
            return &speed_algorithms[i];
    return NULL;
}

const char *speed_openssl(void) {
    return OpenSSL_version(OPENSSL_VERSION_STRING);
}
