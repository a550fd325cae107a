#include "security/pki_internal.h"

#include "base/clock.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>

X509_CRL *pki_parse_crl(const char *pem) {
    CLEANUP(BIO_free_allp) BIO *bio = pem ? BIO_new_mem_buf(pem, -1) : NULL;
    X509_CRL *list = bio ? PEM_read_bio_X509_CRL(bio, NULL, NULL, NULL) : NULL;

    ERR_clear_error();
    return list;
}

int pki_crl_pem(const X509_CRL *list, char **ret, struct error *error) {
    CLEANUP(BIO_free_allp) BIO *bio = BIO_new(BIO_s_mem());

    if (!bio || PEM_write_bio_X509_CRL(bio, (X509_CRL *)list) != 1)
        return pki_openssl_error(error, "writing a list of revoked certificates");
    *ret = pki_bio_text(bio);
    return 0;
}

bool pki_crl_is_of(X509_CRL *list, X509 *issuer) {
    bool good = X509_NAME_cmp(X509_CRL_get_issuer(list), X509_get_subject_name(issuer)) == 0 &&
                X509_CRL_verify(list, X509_get0_pubkey(issuer)) == 1;

    ERR_clear_error();
    return good;
}

/* ---- is it in order? ---- */

/* As a certificate is renewed: before its end. */
static bool has_life_left(const struct pki_session *session, const X509_CRL *list) {
    int64_t from_s, to_s;

    return pki_time_read(X509_CRL_get0_lastUpdate(list), &from_s) == 0 &&
           pki_time_read(X509_CRL_get0_nextUpdate(list), &to_s) == 0 && from_s <= session->now_s &&
           to_s - session->options->renew_before_ns / NS_PER_S > session->now_s;
}

/* Whether the list names that certificate and no other. */
static bool names_only(X509_CRL *list, const X509 *revoked) {
    X509_REVOKED *entry;

    return sk_X509_REVOKED_num(X509_CRL_get_REVOKED(list)) == 1 &&
           X509_CRL_get0_by_serial(list, &entry, (ASN1_INTEGER *)X509_get0_serialNumber(revoked)) ==
               1;
}

bool pki_crl_is_usable(const struct pki_session *session, const char *pem,
                       const char *revoked_pem) {
    CLEANUP(X509_CRL_freep) X509_CRL *list = pki_parse_crl(pem);
    CLEANUP(X509_freep) X509 *revoked = pki_parse_certificate(revoked_pem);

    return list && revoked && session->ca.certificate &&
           pki_crl_is_of(list, session->ca.certificate) && has_life_left(session, list) &&
           names_only(list, revoked);
}

/* ---- making it ---- */

/* Ends with the CA at the latest. */
static bool set_times(const struct pki_session *session, X509_CRL *list) {
    int64_t to_s = session->now_s + session->options->validity_ns / NS_PER_S, ca_from_s, ca_to_s;
    CLEANUP(ASN1_TIME_freep) ASN1_TIME *from = pki_time_new(session->now_s - DAY_S), *to = NULL;

    if (pki_times(session->ca.certificate, &ca_from_s, &ca_to_s) < 0)
        return false;
    to = pki_time_new(to_s < ca_to_s ? to_s : ca_to_s);
    return from && to && X509_CRL_set1_lastUpdate(list, from) == 1 &&
           X509_CRL_set1_nextUpdate(list, to) == 1;
}

/* A number that grows, and whose list it is (RFC 5280, 5.2: both must be there). */
static bool add_extensions(const struct pki_session *session, X509_CRL *list) {
    CLEANUP(AUTHORITY_KEYID_freep) AUTHORITY_KEYID *authority = AUTHORITY_KEYID_new();
    CLEANUP(ASN1_OCTET_STRING_freep) ASN1_INTEGER *number = ASN1_INTEGER_new();

    if (!authority || !number || ASN1_INTEGER_set_int64(number, session->now_s) != 1)
        return false;
    authority->keyid =
        X509_get_ext_d2i(session->ca.certificate, NID_subject_key_identifier, NULL, NULL);
    return authority->keyid &&
           X509_CRL_add1_ext_i2d(list, NID_authority_key_identifier, authority, 0,
                                 X509V3_ADD_DEFAULT) == 1 &&
           X509_CRL_add1_ext_i2d(list, NID_crl_number, number, 0, X509V3_ADD_DEFAULT) == 1;
}

static bool add_entry(const struct pki_session *session, X509_CRL *list, const X509 *revoked) {
    CLEANUP(X509_REVOKED_freep) X509_REVOKED *entry = X509_REVOKED_new();
    CLEANUP(ASN1_TIME_freep) ASN1_TIME *since = pki_time_new(session->now_s - DAY_S);

    if (!entry || !since ||
        X509_REVOKED_set_serialNumber(entry, (ASN1_INTEGER *)X509_get0_serialNumber(revoked)) !=
            1 ||
        X509_REVOKED_set_revocationDate(entry, since) != 1 ||
        X509_CRL_add0_revoked(list, entry) != 1)
        return false;
    entry = NULL;
    return true;
}

int pki_crl_issue(struct pki_session *session, const char *revoked_pem, char **ret_pem,
                  struct error *error) {
    CLEANUP(X509_CRL_freep) X509_CRL *list = X509_CRL_new();
    CLEANUP(X509_freep) X509 *revoked = pki_parse_certificate(revoked_pem);
    const struct pki_authority *ca = &session->ca;

    if (!list || !revoked || X509_CRL_set_version(list, X509_CRL_VERSION_2) != 1 ||
        X509_CRL_set_issuer_name(list, X509_get_subject_name(ca->certificate)) != 1 ||
        !set_times(session, list) || !add_extensions(session, list) ||
        !add_entry(session, list, revoked) ||
        X509_CRL_sign(list, ca->key, pki_digest_of(ca->key)) <= 0)
        return pki_openssl_error(error, "making a list of revoked certificates");
    session->outcome.list_renewed = true;
    return pki_crl_pem(list, ret_pem, error);
}
