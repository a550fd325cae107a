#include "security/pki_internal.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <string.h>

int pki_openssl_error(struct error *error, const char *what) {
    return error_set(error, -EPROTO, "%s: %s", what, openssl_reason());
}

/* ---- PEM ---- */

struct passphrase_answer {
    const char *passphrase;
    bool asked;
};

/* OpenSSL's own would ask on the terminal. */
static int give_passphrase(char *buffer, int size, int writing, void *context) {
    struct passphrase_answer *answer = context;
    size_t length = answer->passphrase ? strlen(answer->passphrase) : 0;

    (void)writing;
    answer->asked = true;
    if (!length || length > (size_t)size)
        return -1;
    memcpy(buffer, answer->passphrase, length);
    return (int)length;
}

X509 *pki_parse_certificate(const char *pem) {
    CLEANUP(BIO_free_allp) BIO *bio = pem ? BIO_new_mem_buf(pem, -1) : NULL;
    X509 *certificate = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;

    ERR_clear_error();
    return certificate;
}

X509_REQ *pki_parse_request(const char *pem) {
    CLEANUP(BIO_free_allp) BIO *bio = pem ? BIO_new_mem_buf(pem, -1) : NULL;
    X509_REQ *request = bio ? PEM_read_bio_X509_REQ(bio, NULL, NULL, NULL) : NULL;

    ERR_clear_error();
    return request;
}

EVP_PKEY *pki_parse_key(const char *pem, const char *passphrase, bool *ret_asked) {
    struct passphrase_answer answer = {.passphrase = passphrase};
    CLEANUP(BIO_free_allp) BIO *bio = pem ? BIO_new_mem_buf(pem, -1) : NULL;
    EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, give_passphrase, &answer) : NULL;

    ERR_clear_error();
    if (ret_asked)
        *ret_asked = answer.asked;
    return key;
}

char *pki_bio_text(BIO *bio) {
    char *bytes = NULL;
    long length = BIO_get_mem_data(bio, &bytes);
    char *text;

    if (length <= 0)
        return NULL;
    text = memory_new((size_t)length + 1, 1); /* no printf: it may leave pieces of a secret */
    memcpy(text, bytes, (size_t)length);
    return text;
}

/* ---- keys ---- */

static const struct key_type {
    const char *name;      /* ours */
    const char *algorithm; /* OpenSSL's */
    const char *group;     /* of elliptic curves where there is a choice */
    int bits;              /* where there is a choice */
} key_types[] = {
    {"ec:P-256", "EC", "prime256v1", 0},
    {"rsa:2048", "RSA", NULL, 2048},
    {"rsa:3072", "RSA", NULL, 3072},
    {"ed25519", "ED25519", NULL, 0},
};

static const struct key_type *find_key_type(const char *name) {
    for (size_t i = 0; i < ARRAY_SIZE(key_types); i++)
        if (text_equal(key_types[i].name, name))
            return &key_types[i];
    return NULL;
}

bool pki_is_key_type(const char *key_type) {
    return find_key_type(key_type) != NULL;
}

int pki_generate_key(const char *key_type, EVP_PKEY **ret, struct error *error) {
    const struct key_type *type = find_key_type(key_type);
    EVP_PKEY *key;

    if (type->group)
        key = EVP_PKEY_Q_keygen(NULL, NULL, type->algorithm, type->group);
    else /* only RSA looks at the bits */
        key = EVP_PKEY_Q_keygen(NULL, NULL, type->algorithm, (size_t)type->bits);
    if (!key)
        return pki_openssl_error(error, "making a key");
    *ret = key;
    return 0;
}

static bool is_of_type(const EVP_PKEY *key, const struct key_type *type) {
    char group[40] = "";

    if (!EVP_PKEY_is_a(key, type->algorithm))
        return false;
    if (type->bits && EVP_PKEY_get_bits(key) != type->bits)
        return false;
    return !type->group || (EVP_PKEY_get_group_name(key, group, sizeof(group), NULL) == 1 &&
                            strcmp(group, type->group) == 0);
}

const char *pki_key_type_of(const EVP_PKEY *key) {
    const char *name;

    for (size_t i = 0; i < ARRAY_SIZE(key_types); i++)
        if (is_of_type(key, &key_types[i]))
            return key_types[i].name;
    name = EVP_PKEY_get0_type_name(key);
    return name ? name : "unknown";
}

bool pki_has_key_type(const EVP_PKEY *key, const char *key_type) {
    return key && text_equal(pki_key_type_of(key), key_type);
}

const EVP_MD *pki_digest_of(const EVP_PKEY *key) {
    return EVP_PKEY_is_a(key, "ED25519") ? NULL : EVP_sha256();
}

/* ---- addresses ---- */

/* A host name: labels of letters, digits, '-' and '_' (as container names have), the last one not
 * all digits, or it would be a mistyped IP address. */
static bool is_host_name(const char *name) {
    const char *label = name;

    if (strlen(name) > 253)
        return false;
    for (;;) {
        size_t length = strcspn(label, ".");

        if (length == 0 || length > 63 || label[0] == '-' || label[length - 1] == '-')
            return false;
        for (size_t i = 0; i < length; i++)
            if (!isalnum((unsigned char)label[i]) && !strchr("-_", label[i]))
                return false;
        if (!label[length])
            return strspn(label, "0123456789") != length;
        label += length + 1;
    }
}

static int address_parse(const char *word, size_t word_length, GENERAL_NAME **ret,
                         struct error *error) {
    CLEANUP(GENERAL_NAME_freep) GENERAL_NAME *name = GENERAL_NAME_new();
    CLEANUP(ASN1_OCTET_STRING_freep) ASN1_STRING *value = NULL;
    CLEANUP_FREE char *text = text_format("%.*s", (int)word_length, word);
    unsigned char bytes[sizeof(struct in6_addr)];
    int length = 0, kind = GEN_IPADD;

    if (strchr(text, ':'))
        text[strcspn(text, "%")] = '\0';
    if (inet_pton(AF_INET, text, bytes) == 1)
        length = 4;
    else if (inet_pton(AF_INET6, text, bytes) == 1)
        length = 16;
    else if (is_host_name(text))
        kind = GEN_DNS;
    else
        return error_set(error, -EINVAL, "'%.*s' is neither an IP address nor a host name",
                         (int)word_length, word);
    for (char *c = text; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    value = ASN1_STRING_type_new(kind == GEN_DNS ? V_ASN1_IA5STRING : V_ASN1_OCTET_STRING);
    if (!name || !value ||
        ASN1_STRING_set(value, kind == GEN_DNS ? text : (char *)bytes, length ? length : -1) != 1)
        return pki_openssl_error(error, "an alternative name");
    GENERAL_NAME_set0_value(name, kind, value);
    value = NULL;
    *ret = name;
    name = NULL;
    return 0;
}

static bool has_name(const GENERAL_NAMES *names, const GENERAL_NAME *wanted) {
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++)
        if (GENERAL_NAME_cmp(sk_GENERAL_NAME_value(names, i), (GENERAL_NAME *)wanted) == 0)
            return true;
    return false;
}

int pki_addresses_parse(const char *addresses, GENERAL_NAMES **ret, struct error *error) {
    CLEANUP_FREE char *all = text_format("%s localhost 127.0.0.1 ::1", addresses ? addresses : "");
    CLEANUP(GENERAL_NAMES_freep) GENERAL_NAMES *names = GENERAL_NAMES_new();
    const char *cursor = all, *word;
    size_t length;
    int r;

    while ((word = text_next_word(&cursor, &length))) {
        CLEANUP(GENERAL_NAME_freep) GENERAL_NAME *name = NULL;

        r = address_parse(word, length, &name, error);
        if (r < 0)
            return r;
        if (has_name(names, name))
            continue;
        if (!names || !sk_GENERAL_NAME_push(names, name))
            return pki_openssl_error(error, "the alternative names");
        name = NULL;
    }
    *ret = names;
    names = NULL;
    return 0;
}

static void append_name(char **list, const GENERAL_NAME *name) {
    char ip[INET6_ADDRSTRLEN] = "?";
    CLEANUP_FREE char *before = *list;
    const ASN1_STRING *value;
    const char *blank = *before ? " " : "";
    int kind, length;

    value = GENERAL_NAME_get0_value(name, &kind);
    if (kind == GEN_DNS) {
        *list = text_format("%s%s%.*s", before, blank, ASN1_STRING_length(value),
                            (const char *)ASN1_STRING_get0_data(value));
        return;
    }
    length = kind == GEN_IPADD ? ASN1_STRING_length(value) : 0;
    if (length == 4 || length == 16)
        (void)inet_ntop(length == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(value), ip,
                        sizeof(ip));
    *list = text_format("%s%s%s", before, blank, ip);
}

static GENERAL_NAMES *names_of(const X509 *certificate) {
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);

    ERR_clear_error();
    return names;
}

char *pki_addresses_text(const X509 *certificate) {
    CLEANUP(GENERAL_NAMES_freep) GENERAL_NAMES *names = names_of(certificate);
    char *list = text_copy("");

    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++)
        append_name(&list, sk_GENERAL_NAME_value(names, i));
    return list;
}

bool pki_addresses_equal(const X509 *certificate, const GENERAL_NAMES *addresses) {
    CLEANUP(GENERAL_NAMES_freep) GENERAL_NAMES *names = names_of(certificate);

    if (sk_GENERAL_NAME_num(names) != sk_GENERAL_NAME_num(addresses))
        return false;
    for (int i = 0; i < sk_GENERAL_NAME_num(addresses); i++)
        if (!has_name(names, sk_GENERAL_NAME_value(addresses, i)))
            return false;
    return true;
}

/* ---- times ---- */

ASN1_TIME *pki_time_new(int64_t time_s) {
    int64_t day = time_s / DAY_S;

    /* From 1970 on in days: time_t has 32 bits on armhf, and ends in 2038 there. */
    return ASN1_TIME_adj(NULL, 0, (int)day, (long)(time_s - day * DAY_S));
}

int pki_time_read(const ASN1_TIME *time, int64_t *ret_s) {
    CLEANUP(ASN1_TIME_freep) ASN1_TIME *epoch = pki_time_new(0);
    int days, seconds, ok = epoch && time && ASN1_TIME_diff(&days, &seconds, epoch, time) == 1;

    ERR_clear_error();
    if (!ok)
        return -EBADMSG;
    *ret_s = days * DAY_S + seconds;
    return 0;
}

int pki_times(const X509 *certificate, int64_t *ret_not_before_s, int64_t *ret_not_after_s) {
    int64_t from_s, to_s;
    int r = pki_time_read(X509_get0_notBefore(certificate), &from_s);

    if (r == 0)
        r = pki_time_read(X509_get0_notAfter(certificate), &to_s);
    if (r < 0)
        return r;
    *ret_not_before_s = from_s;
    *ret_not_after_s = to_s;
    return 0;
}
