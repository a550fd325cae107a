#include "base/suggestion.h"
#include "security/pkcs11_module.h"
#include "security/pki_internal.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <string.h>
#include <strings.h>

DEFINE_CLEANUP(ASN1_OCTET_STRING *, ASN1_OCTET_STRING_free)
DEFINE_CLEANUP(ASN1_TIME *, ASN1_TIME_free)
DEFINE_CLEANUP(AUTHORITY_KEYID *, AUTHORITY_KEYID_free)
DEFINE_CLEANUP(BIGNUM *, BN_free)
DEFINE_CLEANUP(GENERAL_NAME *, GENERAL_NAME_free)
DEFINE_CLEANUP(X509_EXTENSION *, X509_EXTENSION_free)
DEFINE_CLEANUP(X509_REVOKED *, X509_REVOKED_free)

#define SERIAL_BITS 159 /* at most 20 octets, the sign bit clear (RFC 5280, 4.1.2.2) */

int pki_openssl_error(struct error *error, const char *what) {
    return error_set(error, -EPROTO, "%s: %s", what, openssl_reason());
}

/* ---- PEM ---- */

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

/* Both ways of one kind, and both at once: a text with nothing in it but one of the kind, NULL when
 * there is none. */
#define PEM_KIND(type, kind, suffix, what)                                                         \
    type *pki_parse_##kind(const char *pem) {                                                      \
        CLEANUP(BIO_free_allp) BIO *bio = pem ? BIO_new_mem_buf(pem, -1) : NULL;                   \
        type *object = bio ? PEM_read_bio_##suffix(bio, NULL, NULL, NULL) : NULL;                  \
                                                                                                   \
        ERR_clear_error();                                                                         \
        return object;                                                                             \
    }                                                                                              \
    int pki_##kind##_pem(const type *object, char **ret, struct error *error) {                    \
        CLEANUP(BIO_free_allp) BIO *bio = BIO_new(BIO_s_mem());                                    \
                                                                                                   \
        if (!bio || PEM_write_bio_##suffix(bio, (type *)object) != 1)                              \
            return pki_openssl_error(error, "writing a " what);                                    \
        *ret = pki_bio_text(bio);                                                                  \
        return 0;                                                                                  \
    }                                                                                              \
    char *pki_pure_##kind(const char *pem) {                                                       \
        CLEANUP(suffix##_freep) type *object = pki_parse_##kind(pem);                              \
        char *pure = NULL;                                                                         \
                                                                                                   \
        return object && pki_##kind##_pem(object, &pure, NULL) == 0 ? pure : NULL;                 \
    }

PEM_KIND(X509, certificate, X509, "certificate")
PEM_KIND(X509_REQ, request, X509_REQ, "certificate request")
PEM_KIND(X509_CRL, crl, X509_CRL, "list of revoked certificates")

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

EVP_PKEY *pki_parse_key(const char *pem, const char *passphrase, bool *ret_asked) {
    struct passphrase_answer answer = {.passphrase = passphrase};
    CLEANUP(BIO_free_allp) BIO *bio = pem ? BIO_new_mem_buf(pem, -1) : NULL;
    EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, give_passphrase, &answer) : NULL;

    ERR_clear_error();
    if (ret_asked)
        *ret_asked = answer.asked;
    return key;
}

/* ---- keys ---- */

/* In the order of PKI_KEY_TYPES. */
static const struct key_type {
    const char *name;      /* ours */
    const char *algorithm; /* OpenSSL's */
    const char *group;     /* of elliptic curves where there is a choice */
    int bits;              /* where there is a choice */
    bool post_quantum;
} key_types[] = {
    {"ec:P-256", "EC", "prime256v1", 0, false}, {"rsa:2048", "RSA", NULL, 2048, false},
    {"rsa:3072", "RSA", NULL, 3072, false},     {"ed25519", "ED25519", NULL, 0, false},
    {"mldsa:44", "ML-DSA-44", NULL, 0, true},   {"mldsa:65", "ML-DSA-65", NULL, 0, true},
    {"mldsa:87", "ML-DSA-87", NULL, 0, true},
};

static const struct key_type *find_key_type(const char *name) {
    for (size_t i = 0; i < ARRAY_SIZE(key_types); i++)
        if (text_equal(key_types[i].name, name))
            return &key_types[i];
    return NULL;
}

const char *pki_key_type(int64_t place) {
    return key_types[place].name;
}

bool pki_is_post_quantum(const char *key_type) {
    const struct key_type *type = find_key_type(key_type);

    return type && type->post_quantum;
}

static bool is_here(const struct key_type *type) {
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type->algorithm, NULL);
    bool here = context != NULL;

    EVP_PKEY_CTX_free(context);
    ERR_clear_error();
    return here;
}

int pki_check_key_type(const char *key_type, struct error *error) {
    CLEANUP_FREE char *here = text_copy(""), *meant = NULL;

    if (find_key_type(key_type))
        return 0;
    if (key_type && strncasecmp(key_type, "slh", 3) == 0)
        return error_set(error, -EINVAL,
                         "'%.40s': SLH-DSA signs no TLS handshake: neither Mosquitto nor OpenSSL's "
                         "TLS takes such a certificate (\"unknown certificate type\"); right would "
                         "be mldsa:44, mldsa:65 or mldsa:87",
                         key_type);
    for (size_t i = 0; i < ARRAY_SIZE(key_types); i++)
        if (is_here(&key_types[i]))
            text_append(&here, " ", key_types[i].name);
    meant = suggestion(key_type ? key_type : "", here);
    return error_set(error, -EINVAL, "'%.40s' is none of: %s%s", key_type ? key_type : "", here,
                     meant);
}

/* An agent hears of them from its driver. */
static int check_tokens(const struct pki_chain *chain, struct error *error) {
    bool named = chain->token || chain->token_module || chain->token_pin;

    if (chain->tokens < PKI_TOKENS_NONE || chain->tokens > PKI_TOKENS_ALL ||
        (named && (!chain->token || !chain->token_module || !chain->token_pin)))
        return error_set(error, -EINVAL, "keys in a token: half of what names it is missing");
    if (chain->tokens && !pkcs11_has_key_type(chain->key_type))
        return error_set(error, -EINVAL,
                         "keys of type %s are not made in tokens; right would be ec:P-256 or "
                         "rsa:2048",
                         chain->key_type);
    return 0;
}

int pki_check_chain(const struct pki_chain *chain, struct error *error) {
    const char *const names[] = {chain->key_type,
                                 chain->ca_key_type ? chain->ca_key_type : chain->key_type};

    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        int r = pki_check_key_type(names[i], error);

        if (r < 0)
            return error_prefix(error, r, "key type");
        if (!is_here(find_key_type(names[i])))
            return openssl_lacks(error, "ML-DSA"); /* the only ones that are not everywhere */
    }
    return check_tokens(chain, error);
}

bool pki_next_chain(size_t *cursor, struct pki_chain *ret) {
    const size_t n = ARRAY_SIZE(key_types);

    do {
        size_t place = *cursor % (n * n);

        if (*cursor == n * n * (PKI_TOKENS_ALL + 1))
            return false;
        /* A type of key with itself comes before mixed chains of it. */
        *ret = (struct pki_chain){
            .key_type = key_types[place / n].name,
            .ca_key_type = key_types[(place / n + place % n) % n].name,
            .tokens = (int64_t)(*cursor / (n * n)),
        };
        (*cursor)++;
    } while (ret->tokens && !pkcs11_has_key_type(ret->key_type));
    return true;
}

int pki_make_key(const char *key_type, const char *passphrase, EVP_PKEY **ret, char **ret_pem,
                 struct error *error) {
    CLEANUP(BIO_free_allp) BIO *bio = BIO_new(BIO_s_secmem()); /* wiped when freed */
    const EVP_CIPHER *cipher = passphrase ? EVP_aes_256_cbc() : NULL;
    int length = passphrase ? (int)strlen(passphrase) : 0;
    const struct key_type *type = find_key_type(key_type);
    CLEANUP(EVP_PKEY_freep) EVP_PKEY *key = NULL;

    if (type->group)
        key = EVP_PKEY_Q_keygen(NULL, NULL, type->algorithm, type->group);
    else /* only RSA looks at the bits */
        key = EVP_PKEY_Q_keygen(NULL, NULL, type->algorithm, (size_t)type->bits);
    if (!key)
        return pki_openssl_error(error, "making a key");
    if (!bio ||
        PEM_write_bio_PKCS8PrivateKey(bio, key, cipher, passphrase, length, NULL, NULL) != 1)
        return pki_openssl_error(error, "writing a key");
    *ret_pem = pki_bio_text(bio);
    *ret = key;
    key = NULL;
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
    CLEANUP_FREE char *text = text_format("%.*s", (int)word_length, word);
    unsigned char bytes[sizeof(struct in6_addr)];
    bool is_ip;

    if (strchr(text, ':'))
        text[strcspn(text, "%")] = '\0';
    is_ip = inet_pton(AF_INET, text, bytes) == 1 || inet_pton(AF_INET6, text, bytes) == 1;
    if (!is_ip && !is_host_name(text))
        return error_set(error, -EINVAL, "'%.*s' is neither an IP address nor a host name",
                         (int)word_length, word);
    for (char *c = text; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    *ret = a2i_GENERAL_NAME(NULL, NULL, NULL, is_ip ? GEN_IPADD : GEN_DNS, text, 0);
    return *ret ? 0 : pki_openssl_error(error, "an alternative name");
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

static ASN1_TIME *time_new(int64_t time_s) {
    int64_t day = time_s / DAY_S;

    /* From 1970 on in days: time_t has 32 bits on armhf, and ends in 2038 there. */
    return ASN1_TIME_adj(NULL, 0, (int)day, (long)(time_s - day * DAY_S));
}

bool pki_time_read(const ASN1_TIME *time, int64_t *ret_s) {
    CLEANUP(ASN1_TIME_freep) ASN1_TIME *epoch = time_new(0);
    int days, seconds;
    bool good = epoch && time && ASN1_TIME_diff(&days, &seconds, epoch, time) == 1;

    ERR_clear_error();
    if (good)
        *ret_s = days * DAY_S + seconds;
    return good;
}

bool pki_times(const X509 *certificate, int64_t *ret_not_before_s, int64_t *ret_not_after_s) {
    return pki_time_read(X509_get0_notBefore(certificate), ret_not_before_s) &&
           pki_time_read(X509_get0_notAfter(certificate), ret_not_after_s);
}

/* ---- who signed ---- */

bool pki_is_signed_by(X509 *certificate, X509 *issuer) {
    return X509_check_issued(issuer, certificate) == X509_V_OK &&
           X509_verify(certificate, X509_get0_pubkey(issuer)) == 1;
}

bool pki_crl_is_of(X509_CRL *list, X509 *issuer) {
    bool good = X509_NAME_cmp(X509_CRL_get_issuer(list), X509_get_subject_name(issuer)) == 0 &&
                X509_CRL_verify(list, X509_get0_pubkey(issuer)) == 1;

    ERR_clear_error();
    return good;
}

/* ---- figure 5 ----
 *
 * Every key signs with its own hash: NULL stands for SHA-256, and for those that hash by
 * themselves. */

void pki_authority_clear(struct pki_authority *authority) {
    X509_free(authority->certificate);
    EVP_PKEY_free(authority->key);
    *authority = (struct pki_authority){0};
}

/* ---- step 3: requests ---- */

static bool set_common_name(X509_NAME *name, const char *common_name) {
    return X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8,
                                      (const unsigned char *)common_name, -1, -1, 0) == 1;
}

int pki_make_request(EVP_PKEY *key, const char *common_name, char **ret_pem, struct error *error) {
    CLEANUP(X509_REQ_freep) X509_REQ *request = X509_REQ_new();

    if (!request || X509_REQ_set_version(request, X509_REQ_VERSION_1) != 1 ||
        !set_common_name(X509_REQ_get_subject_name(request), common_name) ||
        X509_REQ_set_pubkey(request, key) != 1 || X509_REQ_sign(request, key, NULL) <= 0)
        return pki_openssl_error(error, "making a certificate request");
    return pki_request_pem(request, ret_pem, error);
}

bool pki_request_is_for(const X509_REQ *request, const char *common_name) {
    const X509_NAME *subject = X509_REQ_get_subject_name(request);
    EVP_PKEY *key = X509_REQ_get0_pubkey((X509_REQ *)request);
    char text[80] = "";
    bool good;

    good =
        key && X509_REQ_verify((X509_REQ *)request, key) == 1 &&
        X509_NAME_entry_count(subject) == 1 &&
        X509_NAME_get_text_by_NID((X509_NAME *)subject, NID_commonName, text, sizeof(text)) > 0 &&
        strcmp(text, common_name) == 0;
    ERR_clear_error();
    return good;
}

/* ---- step 4: certificates ---- */

static bool set_serial(X509 *certificate) {
    CLEANUP(BN_freep) BIGNUM *serial = BN_new();

    /* The highest bit is set: never zero, and 20 octets in every certificate of the bench. */
    return serial && BN_rand(serial, SERIAL_BITS, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1 &&
           BN_to_ASN1_INTEGER(serial, X509_get_serialNumber(certificate));
}

/* An extension in the words of openssl's configuration files. */
static bool add_extension(X509 *certificate, int nid, const char *value) {
    CLEANUP(X509_EXTENSION_freep) X509_EXTENSION *extension = NULL;
    X509V3_CTX context;

    X509V3_set_ctx(&context, NULL, certificate, NULL, NULL, 0);
    extension = X509V3_EXT_nconf_nid(NULL, &context, nid, value);
    return extension && X509_add_ext(certificate, extension, -1) == 1;
}

static bool add_usages(X509 *certificate, enum pki_role role, const EVP_PKEY *key) {
    static const struct {
        const char *constraints, *usage, *extended;
    } by_role[] = {
        [PKI_CA] = {"critical,CA:TRUE,pathlen:0", "critical,keyCertSign,cRLSign", NULL},
        [PKI_SERVER] = {"critical,CA:FALSE", "critical,digitalSignature", "serverAuth"},
        [PKI_CLIENT] = {"critical,CA:FALSE", "critical,digitalSignature", "clientAuth"},
    };
    const char *usage = by_role[role].usage, *extended = by_role[role].extended;

    /* A suite of TLS 1.2 without forward secrecy enciphers the secret with the RSA key. */
    if (role == PKI_SERVER && EVP_PKEY_is_a(key, "RSA"))
        usage = "critical,digitalSignature,keyEncipherment";
    return add_extension(certificate, NID_basic_constraints, by_role[role].constraints) &&
           add_extension(certificate, NID_key_usage, usage) &&
           (!extended || add_extension(certificate, NID_ext_key_usage, extended));
}

/* The issuer's key identifier alone, not its serial: a renewed CA certificate of the same key
 * still fits. Built by hand because OpenSSL's "keyid" differs by version for self-signed ones. */
static AUTHORITY_KEYID *identify_issuer(const X509 *issuer) {
    AUTHORITY_KEYID *authority = AUTHORITY_KEYID_new();

    if (authority)
        authority->keyid = X509_get_ext_d2i(issuer, NID_subject_key_identifier, NULL, NULL);
    return authority;
}

static bool add_key_identifiers(X509 *certificate, const X509 *issuer) {
    CLEANUP(AUTHORITY_KEYID_freep) AUTHORITY_KEYID *authority = NULL;

    if (!add_extension(certificate, NID_subject_key_identifier, "hash"))
        return false;
    authority = identify_issuer(issuer);
    return authority && authority->keyid &&
           X509_add1_ext_i2d(certificate, NID_authority_key_identifier, authority, 0,
                             X509V3_ADD_DEFAULT) == 1;
}

int pki_certify(const struct pki_authority *issuer, const struct pki_profile *profile,
                EVP_PKEY *key, X509 **ret, struct error *error) {
    CLEANUP(X509_freep) X509 *certificate = X509_new();
    const X509 *issuer_certificate = issuer->certificate ? issuer->certificate : certificate;
    CLEANUP(ASN1_TIME_freep) ASN1_TIME *from = time_new(profile->not_before_s);
    CLEANUP(ASN1_TIME_freep) ASN1_TIME *to = time_new(profile->not_after_s);

    if (!certificate || X509_set_version(certificate, X509_VERSION_3) != 1 ||
        !set_serial(certificate) || !from || !to || X509_set1_notBefore(certificate, from) != 1 ||
        X509_set1_notAfter(certificate, to) != 1 ||
        !set_common_name(X509_get_subject_name(certificate), profile->common_name) ||
        X509_set_issuer_name(certificate, X509_get_subject_name(issuer_certificate)) != 1 ||
        X509_set_pubkey(certificate, key) != 1 || !add_usages(certificate, profile->role, key) ||
        !add_key_identifiers(certificate, issuer_certificate) ||
        (profile->addresses &&
         X509_add1_ext_i2d(certificate, NID_subject_alt_name, (void *)profile->addresses, 0,
                           X509V3_ADD_DEFAULT) != 1) ||
        X509_sign(certificate, issuer->key, NULL) <= 0)
        return pki_openssl_error(error, "making a certificate");
    *ret = certificate;
    certificate = NULL;
    return 0;
}

int pki_sign_request(const struct pki_authority *authority, const char *request_pem,
                     const struct pki_profile *profile, char **ret_pem, struct error *error) {
    CLEANUP(X509_REQ_freep) X509_REQ *request = pki_parse_request(request_pem);
    CLEANUP(X509_freep) X509 *certificate = NULL;
    struct pki_profile within = *profile;
    int64_t ca_from_s, ca_to_s;
    int r;

    if (!request || !pki_request_is_for(request, profile->common_name))
        return error_set(error, -EBADMSG,
                         "the certificate request is not for '%s', or not signed with its own key",
                         profile->common_name);
    if (!pki_times(authority->certificate, &ca_from_s, &ca_to_s))
        return error_set(error, -EBADMSG, "the CA's certificate has no proper dates");
    if (within.not_after_s > ca_to_s)
        within.not_after_s = ca_to_s;
    r = pki_certify(authority, &within, X509_REQ_get0_pubkey(request), &certificate, error);
    if (r < 0)
        return r;
    return pki_certificate_pem(certificate, ret_pem, error);
}

/* ---- the list of revoked certificates ---- */

/* A number that grows, and whose list it is (RFC 5280, 5.2: both must be there). */
static bool add_list_extensions(X509_CRL *list, const X509 *issuer, int64_t number_s) {
    CLEANUP(AUTHORITY_KEYID_freep) AUTHORITY_KEYID *authority = identify_issuer(issuer);
    CLEANUP(ASN1_OCTET_STRING_freep) ASN1_INTEGER *number = ASN1_INTEGER_new();

    return authority && authority->keyid && number &&
           ASN1_INTEGER_set_int64(number, number_s) == 1 &&
           X509_CRL_add1_ext_i2d(list, NID_authority_key_identifier, authority, 0,
                                 X509V3_ADD_DEFAULT) == 1 &&
           X509_CRL_add1_ext_i2d(list, NID_crl_number, number, 0, X509V3_ADD_DEFAULT) == 1;
}

static bool add_entry(X509_CRL *list, const X509 *revoked, const ASN1_TIME *since) {
    CLEANUP(X509_REVOKED_freep) X509_REVOKED *entry = X509_REVOKED_new();

    if (!entry ||
        X509_REVOKED_set_serialNumber(entry, (ASN1_INTEGER *)X509_get0_serialNumber(revoked)) !=
            1 ||
        X509_REVOKED_set_revocationDate(entry, (ASN1_TIME *)since) != 1 ||
        X509_CRL_add0_revoked(list, entry) != 1)
        return false;
    entry = NULL;
    return true;
}

int pki_sign_list(const struct pki_authority *authority, const char *revoked_pem, int64_t now_s,
                  int64_t to_s, char **ret_pem, struct error *error) {
    CLEANUP(X509_CRL_freep) X509_CRL *list = X509_CRL_new();
    CLEANUP(X509_freep) X509 *revoked = pki_parse_certificate(revoked_pem);
    CLEANUP(ASN1_TIME_freep) ASN1_TIME *from = time_new(now_s - DAY_S), *to = NULL;
    int64_t ca_from_s, ca_to_s;

    if (pki_times(authority->certificate, &ca_from_s, &ca_to_s))
        to = time_new(to_s < ca_to_s ? to_s : ca_to_s);
    if (!list || !revoked || !from || !to || X509_CRL_set_version(list, X509_CRL_VERSION_2) != 1 ||
        X509_CRL_set_issuer_name(list, X509_get_subject_name(authority->certificate)) != 1 ||
        X509_CRL_set1_lastUpdate(list, from) != 1 || X509_CRL_set1_nextUpdate(list, to) != 1 ||
        !add_list_extensions(list, authority->certificate, now_s) ||
        !add_entry(list, revoked, from) || X509_CRL_sign(list, authority->key, NULL) <= 0)
        return pki_openssl_error(error, "making a list of revoked certificates");
    return pki_crl_pem(list, ret_pem, error);
}
