#include "security/pki_internal.h"

#include <errno.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <string.h>

#define SERIAL_BITS 159 /* at most 20 octets, the sign bit clear (RFC 5280, 4.1.2.2) */

void pki_authority_clear(struct pki_authority *authority) {
    X509_free(authority->certificate);
    EVP_PKEY_free(authority->key);
    *authority = (struct pki_authority){0};
}

/* ---- steps 1 and 2: keys ---- */

int pki_make_key(const char *key_type, const char *passphrase, char **ret_pem,
                 struct error *error) {
    CLEANUP(BIO_free_allp) BIO *bio = BIO_new(BIO_s_secmem()); /* wiped when freed */
    const EVP_CIPHER *cipher = passphrase ? EVP_aes_256_cbc() : NULL;
    int length = passphrase ? (int)strlen(passphrase) : 0;
    CLEANUP(EVP_PKEY_freep) EVP_PKEY *key = NULL;
    int r = pki_generate_key(key_type, &key, error);

    if (r < 0)
        return r;
    if (!bio ||
        PEM_write_bio_PKCS8PrivateKey(bio, key, cipher, passphrase, length, NULL, NULL) != 1)
        return pki_openssl_error(error, "writing a key");
    *ret_pem = pki_bio_text(bio);
    return 0;
}

/* ---- step 3: requests ---- */

static bool set_common_name(X509_NAME *name, const char *common_name) {
    return X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8,
                                      (const unsigned char *)common_name, -1, -1, 0) == 1;
}

int pki_make_request(const char *key_pem, const char *common_name, char **ret_pem,
                     struct error *error) {
    CLEANUP(EVP_PKEY_freep) EVP_PKEY *key = pki_parse_key(key_pem, NULL, NULL);
    CLEANUP(X509_REQ_freep) X509_REQ *request = X509_REQ_new();

    if (!key)
        return error_set(error, -EBADMSG, "%s: this is no private key", common_name);
    if (!request || X509_REQ_set_version(request, X509_REQ_VERSION_1) != 1 ||
        !set_common_name(X509_REQ_get_subject_name(request), common_name) ||
        X509_REQ_set_pubkey(request, key) != 1 ||
        X509_REQ_sign(request, key, pki_digest_of(key)) <= 0)
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

bool pki_request_fits(const X509_REQ *request, const EVP_PKEY *key, const char *common_name) {
    return pki_request_is_for(request, common_name) &&
           EVP_PKEY_eq(X509_REQ_get0_pubkey((X509_REQ *)request), key) == 1;
}

int pki_request_pem(const X509_REQ *request, char **ret, struct error *error) {
    CLEANUP(BIO_free_allp) BIO *bio = BIO_new(BIO_s_mem());

    if (!bio || PEM_write_bio_X509_REQ(bio, (X509_REQ *)request) != 1)
        return pki_openssl_error(error, "writing a certificate request");
    *ret = pki_bio_text(bio);
    return 0;
}

/* ---- step 4: certificates ---- */

static bool set_serial(X509 *certificate) {
    CLEANUP(BN_freep) BIGNUM *serial = BN_new();

    /* The highest bit is set: never zero, and 20 octets in every certificate of the bench. */
    return serial && BN_rand(serial, SERIAL_BITS, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1 &&
           BN_to_ASN1_INTEGER(serial, X509_get_serialNumber(certificate));
}

static bool set_times(X509 *certificate, int64_t not_before_s, int64_t not_after_s) {
    CLEANUP(ASN1_TIME_freep) ASN1_TIME *from = pki_time_new(not_before_s);
    CLEANUP(ASN1_TIME_freep) ASN1_TIME *to = pki_time_new(not_after_s);

    return from && to && X509_set1_notBefore(certificate, from) == 1 &&
           X509_set1_notAfter(certificate, to) == 1;
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
        const char *constraints, *usage, *rsa_usage, *extended;
    } by_role[] = {
        [PKI_CA] = {"critical,CA:TRUE,pathlen:0", "critical,keyCertSign,cRLSign",
                    "critical,keyCertSign,cRLSign", NULL},
        /* A suite of TLS 1.2 without forward secrecy enciphers the secret with the RSA key. */
        [PKI_SERVER] = {"critical,CA:FALSE", "critical,digitalSignature",
                        "critical,digitalSignature,keyEncipherment", "serverAuth"},
        [PKI_CLIENT] = {"critical,CA:FALSE", "critical,digitalSignature",
                        "critical,digitalSignature", "clientAuth"},
    };
    const char *usage = EVP_PKEY_is_a(key, "RSA") ? by_role[role].rsa_usage : by_role[role].usage;

    return add_extension(certificate, NID_basic_constraints, by_role[role].constraints) &&
           add_extension(certificate, NID_key_usage, usage) &&
           (!by_role[role].extended ||
            add_extension(certificate, NID_ext_key_usage, by_role[role].extended));
}

/* The issuer's key identifier alone, not its serial: a renewed CA certificate of the same key
 * still fits. Built by hand because OpenSSL's "keyid" differs by version for self-signed ones. */
static bool add_key_identifiers(X509 *certificate, const X509 *issuer) {
    CLEANUP(AUTHORITY_KEYID_freep) AUTHORITY_KEYID *authority = AUTHORITY_KEYID_new();

    if (!authority || !add_extension(certificate, NID_subject_key_identifier, "hash"))
        return false;
    authority->keyid = X509_get_ext_d2i(issuer, NID_subject_key_identifier, NULL, NULL);
    return authority->keyid && X509_add1_ext_i2d(certificate, NID_authority_key_identifier,
                                                 authority, 0, X509V3_ADD_DEFAULT) == 1;
}

/* A certificate for the key, signed by the issuer; no issuer certificate: by itself. */
static int certify(const struct pki_authority *issuer, const struct pki_profile *profile,
                   EVP_PKEY *key, X509 **ret, struct error *error) {
    CLEANUP(X509_freep) X509 *certificate = X509_new();
    const X509 *issuer_certificate = issuer->certificate ? issuer->certificate : certificate;

    if (!certificate || X509_set_version(certificate, X509_VERSION_3) != 1 ||
        !set_serial(certificate) ||
        !set_times(certificate, profile->not_before_s, profile->not_after_s) ||
        !set_common_name(X509_get_subject_name(certificate), profile->common_name) ||
        X509_set_issuer_name(certificate, X509_get_subject_name(issuer_certificate)) != 1 ||
        X509_set_pubkey(certificate, key) != 1 || !add_usages(certificate, profile->role, key) ||
        !add_key_identifiers(certificate, issuer_certificate) ||
        (profile->addresses &&
         X509_add1_ext_i2d(certificate, NID_subject_alt_name, (void *)profile->addresses, 0,
                           X509V3_ADD_DEFAULT) != 1) ||
        X509_sign(certificate, issuer->key, pki_digest_of(issuer->key)) <= 0)
        return pki_openssl_error(error, "making a certificate");
    *ret = certificate;
    certificate = NULL;
    return 0;
}

int pki_make_authority(EVP_PKEY *key, const struct pki_profile *profile, X509 **ret,
                       struct error *error) {
    const struct pki_authority self = {.key = key};

    return certify(&self, profile, key, ret, error);
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
    if (pki_times(authority->certificate, &ca_from_s, &ca_to_s) < 0)
        return error_set(error, -EBADMSG, "the CA's certificate has no proper dates");
    if (within.not_after_s > ca_to_s)
        within.not_after_s = ca_to_s;
    r = certify(authority, &within, X509_REQ_get0_pubkey(request), &certificate, error);
    if (r < 0)
        return r;
    return pki_certificate_pem(certificate, ret_pem, error);
}

int pki_certificate_pem(const X509 *certificate, char **ret, struct error *error) {
    CLEANUP(BIO_free_allp) BIO *bio = BIO_new(BIO_s_mem());

    if (!bio || PEM_write_bio_X509(bio, (X509 *)certificate) != 1)
        return pki_openssl_error(error, "writing a certificate");
    *ret = pki_bio_text(bio);
    return 0;
}
