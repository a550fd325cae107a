#include "security/pki_internal.h"

#include "base/clock.h"

#include <errno.h>
#include <openssl/err.h>

#define CA_NAME "mqtt-security-bench CA"

char *pki_ca_path(const struct pki_renewal *renewal, const char *name) {
    return text_format("%s/ca/%s", renewal->store, name);
}

/* ---- is it in order? ---- */

bool pki_has_life_left(const struct pki_renewal *renewal, const X509 *certificate) {
    int64_t from_s, to_s;

    return pki_times(certificate, &from_s, &to_s) == 0 && from_s <= renewal->now_s &&
           to_s - renewal->options->renew_before_ns / NS_PER_S > renewal->now_s;
}

X509 *pki_ca_usable(const struct pki_renewal *renewal, const char *pem) {
    CLEANUP(X509_freep) X509 *certificate = pki_parse_certificate(pem);
    X509 *usable = NULL;

    if (certificate &&
        pki_has_key_type(X509_get0_pubkey(certificate), renewal->options->key_type) &&
        X509_check_ca(certificate) == 1 && pki_is_signed_by(certificate, certificate) &&
        pki_has_life_left(renewal, certificate)) {
        usable = certificate;
        certificate = NULL;
    }
    ERR_clear_error();
    return usable;
}

/* ---- the CA ---- */

int pki_ca_issue(struct pki_renewal *renewal, EVP_PKEY *key, const char *name, X509 **ret,
                 struct error *error) {
    const struct pki_profile profile = {
        .common_name = name,
        .role = PKI_CA,
        .not_before_s = renewal->now_s - DAY_S,
        .not_after_s = renewal->now_s + renewal->options->validity_ns / NS_PER_S,
    };
    int r = pki_make_authority(key, &profile, ret, error);

    if (r == 0)
        renewal->outcome.issued++;
    return r;
}

/* Writes the certificate to <store>/ca/ca.crt. */
static int keep(const struct pki_renewal *renewal, const X509 *certificate, struct error *error) {
    CLEANUP_FREE char *path = pki_ca_path(renewal, "ca.crt");
    CLEANUP_FREE char *pem = NULL;
    int r = pki_certificate_pem(certificate, &pem, error);

    return r < 0 ? r : durable_write_text(path, PKI_PUBLIC_MODE, pem, error);
}

int pki_ca_read(struct pki_renewal *renewal, struct error *error) {
    CLEANUP_FREE char *path = pki_ca_path(renewal, "ca.crt");
    CLEANUP_FREE char *key_path = pki_ca_path(renewal, "ca.key");
    CLEANUP(pki_secret_freep) char *key_pem = NULL;
    CLEANUP_FREE char *pem = NULL;
    int r = pki_read(path, &pem, error);

    if (r < 0)
        return r;
    r = pki_read(key_path, &key_pem, error);
    if (r < 0)
        return r;
    if (key_pem) /* without its key a CA is at its end, even if nothing is to be signed today */
        renewal->ca.certificate = pki_ca_usable(renewal, pem);
    if (!renewal->ca.certificate || renewal->options->force)
        renewal->renew_all = true;
    return 0;
}

static int ask_passphrase(const struct pki_renewal *renewal, bool creating, char **ret,
                          struct error *error) {
    const struct pki_options *options = renewal->options;
    struct pki_passphrase_source source = {.folder = options->folder};
    int r;

    if (!options->passphrase)
        return pki_passphrase(&source, creating, ret, error);
    r = options->passphrase(options->context, creating, ret, error);
    if (r == 0 && (!*ret || !**ret)) /* OpenSSL would write the key unprotected */
        return error_set(error, -EINVAL, "the CA's key needs a passphrase");
    return r;
}

/* Opens the CA's key with the passphrase. */
static int open_key(struct pki_renewal *renewal, const char *path, const char *pem,
                    const char *passphrase, struct error *error) {
    bool asked;
    CLEANUP(EVP_PKEY_freep) EVP_PKEY *key = pki_parse_key(pem, passphrase, &asked);

    if (!asked)
        return error_set(error, -EBADMSG,
                         "%s: this is no private key under a passphrase; remove %s to start anew",
                         path, path);
    if (!key)
        return error_set(error, -EKEYREJECTED,
                         "%s: the passphrase does not fit; give the one that it was made with "
                         "(BENCH_CA_PASSPHRASE), or remove %s to start anew",
                         path, path);
    if (pki_has_key_type(key, renewal->options->key_type)) { /* else another one is made */
        renewal->ca.key = key;
        key = NULL;
    }
    return 0;
}

/* Step 1, first half: the CA's key, opened or made. */
static int unlock_authority(struct pki_renewal *renewal, struct error *error) {
    CLEANUP_FREE char *path = pki_ca_path(renewal, "ca.key");
    CLEANUP(pki_secret_freep) char *pem = NULL;
    CLEANUP(pki_secret_freep) char *passphrase = NULL;
    int r = pki_read(path, &pem, error);

    if (r < 0)
        return r;
    r = ask_passphrase(renewal, !pem, &passphrase, error);
    if (r < 0)
        return r;
    if (pem) {
        r = open_key(renewal, path, pem, passphrase, error);
        if (r < 0 || renewal->ca.key)
            return r;
    }
    pki_secret_freep(&pem);
    pem = NULL;
    r = pki_make_key(renewal->options->key_type, passphrase, &pem, error);
    if (r < 0)
        return r;
    r = durable_write_text(path, DURABLE_PRIVATE, pem, error);
    return r < 0 ? r : open_key(renewal, path, pem, passphrase, error);
}

int pki_ca_ready(struct pki_renewal *renewal, struct error *error) {
    X509 *certificate = NULL;
    int r = unlock_authority(renewal, error);

    if (r < 0)
        return r;
    /* A run that was killed between key and certificate leaves two that do not fit. */
    if (!renewal->renew_all &&
        X509_check_private_key(renewal->ca.certificate, renewal->ca.key) == 1)
        return 0;
    ERR_clear_error();
    r = pki_ca_issue(renewal, renewal->ca.key, CA_NAME, &certificate, error);
    if (r < 0)
        return r;
    X509_free(renewal->ca.certificate);
    renewal->ca.certificate = certificate;
    renewal->renew_all = true;
    renewal->outcome.ca_created = true;
    return keep(renewal, certificate, error);
}

/* ---- its list of revoked certificates: is it in order? ---- */

/* As a certificate is renewed: before its end. */
static bool list_has_life_left(const struct pki_renewal *renewal, const X509_CRL *list) {
    int64_t from_s, to_s;

    return pki_time_read(X509_CRL_get0_lastUpdate(list), &from_s) == 0 &&
           pki_time_read(X509_CRL_get0_nextUpdate(list), &to_s) == 0 && from_s <= renewal->now_s &&
           to_s - renewal->options->renew_before_ns / NS_PER_S > renewal->now_s;
}

/* Whether the list names that certificate and no other. */
static bool names_only(X509_CRL *list, const X509 *revoked) {
    X509_REVOKED *entry;

    return sk_X509_REVOKED_num(X509_CRL_get_REVOKED(list)) == 1 &&
           X509_CRL_get0_by_serial(list, &entry, (ASN1_INTEGER *)X509_get0_serialNumber(revoked)) ==
               1;
}

bool pki_crl_is_usable(const struct pki_renewal *renewal, const char *pem,
                       const char *revoked_pem) {
    CLEANUP(X509_CRL_freep) X509_CRL *list = pki_parse_crl(pem);
    CLEANUP(X509_freep) X509 *revoked = pki_parse_certificate(revoked_pem);

    return list && revoked && renewal->ca.certificate &&
           pki_crl_is_of(list, renewal->ca.certificate) && list_has_life_left(renewal, list) &&
           names_only(list, revoked);
}

/* ---- making that list ---- */

/* Ends with the CA at the latest. */
static bool set_list_times(const struct pki_renewal *renewal, X509_CRL *list) {
    int64_t to_s = renewal->now_s + renewal->options->validity_ns / NS_PER_S, ca_from_s, ca_to_s;
    CLEANUP(ASN1_TIME_freep) ASN1_TIME *from = pki_time_new(renewal->now_s - DAY_S), *to = NULL;

    if (pki_times(renewal->ca.certificate, &ca_from_s, &ca_to_s) < 0)
        return false;
    to = pki_time_new(to_s < ca_to_s ? to_s : ca_to_s);
    return from && to && X509_CRL_set1_lastUpdate(list, from) == 1 &&
           X509_CRL_set1_nextUpdate(list, to) == 1;
}

/* A number that grows, and whose list it is (RFC 5280, 5.2: both must be there). */
static bool add_extensions(const struct pki_renewal *renewal, X509_CRL *list) {
    CLEANUP(AUTHORITY_KEYID_freep) AUTHORITY_KEYID *authority = AUTHORITY_KEYID_new();
    CLEANUP(ASN1_OCTET_STRING_freep) ASN1_INTEGER *number = ASN1_INTEGER_new();

    if (!authority || !number || ASN1_INTEGER_set_int64(number, renewal->now_s) != 1)
        return false;
    authority->keyid =
        X509_get_ext_d2i(renewal->ca.certificate, NID_subject_key_identifier, NULL, NULL);
    return authority->keyid &&
           X509_CRL_add1_ext_i2d(list, NID_authority_key_identifier, authority, 0,
                                 X509V3_ADD_DEFAULT) == 1 &&
           X509_CRL_add1_ext_i2d(list, NID_crl_number, number, 0, X509V3_ADD_DEFAULT) == 1;
}

static bool add_entry(const struct pki_renewal *renewal, X509_CRL *list, const X509 *revoked) {
    CLEANUP(X509_REVOKED_freep) X509_REVOKED *entry = X509_REVOKED_new();
    CLEANUP(ASN1_TIME_freep) ASN1_TIME *since = pki_time_new(renewal->now_s - DAY_S);

    if (!entry || !since ||
        X509_REVOKED_set_serialNumber(entry, (ASN1_INTEGER *)X509_get0_serialNumber(revoked)) !=
            1 ||
        X509_REVOKED_set_revocationDate(entry, since) != 1 ||
        X509_CRL_add0_revoked(list, entry) != 1)
        return false;
    entry = NULL;
    return true;
}

int pki_crl_issue(struct pki_renewal *renewal, const char *revoked_pem, char **ret_pem,
                  struct error *error) {
    CLEANUP(X509_CRL_freep) X509_CRL *list = X509_CRL_new();
    CLEANUP(X509_freep) X509 *revoked = pki_parse_certificate(revoked_pem);
    const struct pki_authority *ca = &renewal->ca;

    if (!list || !revoked || X509_CRL_set_version(list, X509_CRL_VERSION_2) != 1 ||
        X509_CRL_set_issuer_name(list, X509_get_subject_name(ca->certificate)) != 1 ||
        !set_list_times(renewal, list) || !add_extensions(renewal, list) ||
        !add_entry(renewal, list, revoked) ||
        X509_CRL_sign(list, ca->key, pki_digest_of(ca->key)) <= 0)
        return pki_openssl_error(error, "making a list of revoked certificates");
    renewal->outcome.list_renewed = true;
    return pki_crl_pem(list, ret_pem, error);
}
