/* The parts of security/seal against published test vectors: they are in here. */
#include "workshop.h"

#include "security/seal.c"
#include "security/seal_key.c"

#include <openssl/core_names.h>
#include <openssl/param_build.h>

#define MAX_BYTES 160

struct bytes {
    unsigned char data[MAX_BYTES];
    size_t length;
};

static struct bytes from_hex(const char *digits) {
    struct bytes bytes = {.length = strlen(digits) / 2};

    assert_true(bytes.length <= MAX_BYTES);
    for (size_t i = 0; i < bytes.length; i++) {
        unsigned int byte = 0;

        assert_int_equal(sscanf(digits + 2 * i, "%2x", &byte), 1);
        bytes.data[i] = (unsigned char)byte;
    }
    return bytes;
}

static void assert_bytes(const unsigned char *found, const struct bytes *expected) {
    assert_memory_equal(found, expected->data, expected->length);
}

/* ---- AEAD ---- */

#define GCM_KEY "feffe9928665731c6d6a8f9467308308"
#define GCM_IV  "cafebabefacedbaddecaf888"
#define GCM_AAD "feedfacedeadbeeffeedfacedeadbeefabaddad2"
#define GCM_MESSAGE                                                                                \
    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"                             \
    "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"
#define SUNSCREEN                                                                                  \
    "4c616469657320616e642047656e746c656d656e206f662074686520636c6173"                             \
    "73206f66202739393a204966204920636f756c64206f6666657220796f75206f"                             \
    "6e6c79206f6e652074697020666f7220746865206675747572652c2073756e73"                             \
    "637265656e20776f756c642062652069742e"
#define ZEROS_12 "000000000000000000000000"
#define ZEROS_16 "00000000000000000000000000000000"

struct vector {
    enum seal_cipher cipher;
    const char *key, *nonce, *aad, *message, *sealed; /* with the tag */
};

/* McGrew and Viega, "The Galois/Counter Mode of Operation", as submitted to NIST: test cases 1, 4,
 * 13, 16; RFC 8439, 2.8.2. */
static const char case_4[] = "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e"
                             "21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091"
                             "5bc94fbc3221a5db94fae95ae7121a47";
static const char case_16[] = "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
                              "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
                              "76fc6ece0f4e1768cddf8853bb2d551b";
static const char sunscreen[] = "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d6"
                                "3dbea45e8ca9671282fafb69da92728b1a71de0a9e060b2905d6a5b67ecd3b36"
                                "92ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc"
                                "3ff4def08e4b7a9de576d26586cec64b61161ae10b594f09e26a7e902ecbd060"
                                "0691";
static const struct vector vectors[] = {
    {SEAL_AES_128_GCM, ZEROS_16, ZEROS_12, "", "", "58e2fccefa7e3061367f1d57a4e7455a"},
    {SEAL_AES_128_GCM, GCM_KEY, GCM_IV, GCM_AAD, GCM_MESSAGE, case_4},
    {SEAL_AES_256_GCM, ZEROS_16 ZEROS_16, ZEROS_12, "", "", "530f8afbc74536b9a963b4f1c4cb738b"},
    {SEAL_AES_256_GCM, GCM_KEY GCM_KEY, GCM_IV, GCM_AAD, GCM_MESSAGE, case_16},
    {SEAL_CHACHA20_POLY1305, "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f",
     "070000004041424344454647", "50515253c0c1c2c3c4c5c6c7", SUNSCREEN, sunscreen},
};

/* Additional data count as one text, wherever they are cut into header and topic: none of these has
 * a zero. */
static void check_vector(const struct vector *vector, size_t cut) {
    struct bytes key = from_hex(vector->key), nonce = from_hex(vector->nonce),
                 aad = from_hex(vector->aad), message = from_hex(vector->message),
                 sealed = from_hex(vector->sealed);
    struct envelope envelope = {aad.data, cut, (const char *)aad.data + cut};
    unsigned char out[MAX_BYTES];
    EVP_CIPHER_CTX *seals = NULL, *opens = NULL;

    assert_int_equal(new_context(&seals, vector->cipher, 1, key.data), 0);
    assert_int_equal(new_context(&opens, vector->cipher, 0, key.data), 0);
    for (int again = 0; again < 2; again++) { /* a context is good for many messages */
        assert_int_equal(encrypt(seals, nonce.data, &envelope, message.data, message.length, out),
                         0);
        assert_bytes(out, &sealed);
        assert_int_equal(decrypt(opens, nonce.data, &envelope, sealed.data, message.length, out),
                         0);
        assert_bytes(out, &message);
        sealed.data[message.length] ^= 1;
        assert_int_equal(decrypt(opens, nonce.data, &envelope, sealed.data, message.length, out),
                         -EBADMSG);
        sealed.data[message.length] ^= 1;
    }
    EVP_CIPHER_CTX_free(seals);
    EVP_CIPHER_CTX_free(opens);
}

static void test_aead(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(vectors); i++)
        for (size_t cut = 0; cut <= strlen(vectors[i].aad) / 2; cut++)
            check_vector(&vectors[i], cut);
}

/* ---- HKDF-SHA-256: RFC 5869, A.1 to A.3 ---- */

static struct bytes counting(unsigned char first, size_t length) {
    struct bytes bytes = {.length = length};

    for (size_t i = 0; i < length; i++)
        bytes.data[i] = (unsigned char)(first + i);
    return bytes;
}

static void check_hkdf(struct bytes secret, struct bytes salt, struct bytes info,
                       const char *expected) {
    struct bytes okm = from_hex(expected);
    unsigned char out[MAX_BYTES];

    assert_int_equal(hkdf(secret.data, secret.length, salt.data, salt.length, info.data,
                          info.length, out, okm.length),
                     0);
    assert_bytes(out, &okm);
}

static void test_hkdf(void **state) {
    const struct bytes none = {.length = 0};
    struct bytes elevens = {.length = 22};

    (void)state;
    memset(elevens.data, 0x0b, elevens.length);
    check_hkdf(elevens, counting(0x00, 13), counting(0xf0, 10),
               "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf"
               "34007208d5b887185865");
    check_hkdf(counting(0x00, 80), counting(0x60, 80), counting(0xb0, 80),
               "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c"
               "59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71"
               "cc30c58179ec3e87c14c01d5c1f3434f1d87");
    check_hkdf(elevens, none, none,
               "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d"
               "9d201395faa4b61a96c8");
}

/* ---- key agreement ---- */

/* RFC 7748, 6.1. */
static void test_x25519(void **state) {
    struct bytes alice =
        from_hex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a");
    struct bytes bob = from_hex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb");
    struct bytes alice_point =
        from_hex("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a");
    struct bytes bob_point =
        from_hex("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f");
    struct bytes shared =
        from_hex("4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742");
    EVP_PKEY *pairs[] = {
        EVP_PKEY_new_raw_private_key_ex(NULL, "X25519", NULL, alice.data, alice.length),
        EVP_PKEY_new_raw_public_key_ex(NULL, "X25519", NULL, bob_point.data, bob_point.length),
        EVP_PKEY_new_raw_private_key_ex(NULL, "X25519", NULL, bob.data, bob.length),
        EVP_PKEY_new_raw_public_key_ex(NULL, "X25519", NULL, alice_point.data, alice_point.length)};
    unsigned char out[32];

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(pairs); i += 2) {
        memset(out, 0, sizeof(out));
        assert_int_equal(agree(pairs[i], pairs[i + 1], out), 0);
        assert_bytes(out, &shared);
    }
    for (size_t i = 0; i < ARRAY_SIZE(pairs); i++)
        EVP_PKEY_free(pairs[i]);
}

/* A key of P-256 from its parts; the private one may be missing. */
static EVP_PKEY *make_p256(const char *private, const char *point) {
    struct bytes number = from_hex(private ? private : ""), public = from_hex(point);
    BIGNUM *big = private ? BN_bin2bn(number.data, (int)number.length, NULL) : NULL;
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    OSSL_PARAM *params;
    EVP_PKEY *pair = NULL;

    assert_int_equal(
        OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0), 1);
    assert_int_equal(OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY, public.data,
                                                      public.length),
                     1);
    if (big)
        assert_int_equal(OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_PRIV_KEY, big), 1);
    params = OSSL_PARAM_BLD_to_param(builder);
    assert_int_equal(EVP_PKEY_fromdata_init(context), 1);
    assert_int_equal(
        EVP_PKEY_fromdata(context, &pair, private ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY, params),
        1);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(builder);
    EVP_PKEY_CTX_free(context);
    BN_free(big);
    return pair;
}

/* NIST CAVP, SP 800-56A ECC CDH primitive, P-256, COUNT = 0. */
static void test_p256(void **state) {
    EVP_PKEY *own = make_p256("7d7dc5f71eb29ddaf80d6214632eeae03d9058af1fb6d22ed80badb62bc1a534",
                              "04ead218590119e8876b29146ff89ca61770c4edbbf97d38ce385ed281d8a6b230"
                              "28af61281fd35e2fa7002523acc85a429cb06ee6648325389f59edfce1405141");
    EVP_PKEY *peer =
        make_p256(NULL, "04700c48f77f56584c5cc632ca65640db91b6bacce3a4df6b42ce7cc838833d287"
                        "db71e509e3fd9b060ddb20ba5c51dcc5948d46fbf640dfe0441782cab85fa4ac");
    struct bytes shared =
        from_hex("46fc62106420ff012e54a434fbdd2d25ccc5852060561e68040dd7778997bd7b");
    unsigned char out[32];

    (void)state;
    assert_int_equal(agree(own, peer, out), 0);
    assert_bytes(out, &shared);
    EVP_PKEY_free(own);
    EVP_PKEY_free(peer);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_aead),
        cmocka_unit_test(test_hkdf),
        cmocka_unit_test(test_x25519),
        cmocka_unit_test(test_p256),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
