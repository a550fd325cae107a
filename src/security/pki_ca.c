#include "security/pki_internal.h"

#include "base/clock.h"

#include <errno.h>
#include <openssl/err.h>

#define CA_NAME "mqtt-security-bench CA"

char *pki_ca_path(const struct pki_session *session, const char *name) {
    return text_format("%s/ca/%s", session->store, name);
}

/* ---- is it in order? ---- */

bool pki_has_life_left(const struct pki_session *session, const X509 *certificate) {
    int64_t from_s, to_s;

    return pki_times(certificate, &from_s, &to_s) == 0 && from_s <= session->now_s &&
           to_s - session->options->renew_before_ns / NS_PER_S > session->now_s;
}

bool pki_is_signed_by(X509 *certificate, X509 *issuer) {
    return X509_check_issued(issuer, certificate) == X509_V_OK &&
           X509_verify(certificate, X509_get0_pubkey(issuer)) == 1;
}

X509 *pki_ca_usable(const struct pki_session *session, const char *pem) {
    CLEANUP(X509_freep) X509 *certificate = pki_parse_certificate(pem);
    X509 *usable = NULL;

    if (certificate &&
        pki_has_key_type(X509_get0_pubkey(certificate), session->options->key_type) &&
        X509_check_ca(certificate) == 1 && pki_is_signed_by(certificate, certificate) &&
        pki_has_life_left(session, certificate)) {
        usable = certificate;
        certificate = NULL;
    }
    ERR_clear_error();
    return usable;
}

/* ---- the CA ---- */

int pki_ca_issue(struct pki_session *session, EVP_PKEY *key, const char *name, X509 **ret,
                 struct error *error) {
    const struct pki_profile profile = {
        .common_name = name,
        .role = PKI_CA,
        .not_before_s = session->now_s - DAY_S,
        .not_after_s = session->now_s + session->options->validity_ns / NS_PER_S,
    };
    int r = pki_make_authority(key, &profile, ret, error);

    if (r == 0)
        session->outcome.issued++;
    return r;
}

/* Writes the certificate to <store>/ca/ca.crt. */
static int keep(const struct pki_session *session, const X509 *certificate, struct error *error) {
    CLEANUP_FREE char *path = pki_ca_path(session, "ca.crt");
    CLEANUP_FREE char *pem = NULL;
    int r = pki_certificate_pem(certificate, &pem, error);

    return r < 0 ? r : durable_write_text(path, PKI_PUBLIC_MODE, pem, error);
}

int pki_ca_read(struct pki_session *session, struct error *error) {
    CLEANUP_FREE char *path = pki_ca_path(session, "ca.crt");
    CLEANUP_FREE char *key_path = pki_ca_path(session, "ca.key");
    CLEANUP(pki_secret_freep) char *key_pem = NULL;
    CLEANUP_FREE char *pem = NULL;
    int r = pki_read(path, &pem, error);

    if (r == 0)
        r = pki_read(key_path, &key_pem, error);
    if (r < 0)
        return r;
    if (key_pem) /* without its key a CA is at its end, even if nothing is to be signed today */
        session->ca.certificate = pki_ca_usable(session, pem);
    if (!session->ca.certificate || session->options->force)
        session->renew_all = true;
    return 0;
}

static int ask_passphrase(const struct pki_session *session, bool creating, char **ret,
                          struct error *error) {
    const struct pki_options *options = session->options;
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
static int open_key(struct pki_session *session, const char *path, const char *pem,
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
    if (pki_has_key_type(key, session->options->key_type)) { /* else another one is made */
        session->ca.key = key;
        key = NULL;
    }
    return 0;
}

/* Step 1, first half: the CA's key, opened or made. */
static int unlock_authority(struct pki_session *session, struct error *error) {
    CLEANUP_FREE char *path = pki_ca_path(session, "ca.key");
    CLEANUP(pki_secret_freep) char *pem = NULL;
    CLEANUP(pki_secret_freep) char *passphrase = NULL;
    int r = pki_read(path, &pem, error);

    if (r == 0)
        r = ask_passphrase(session, !pem, &passphrase, error);
    if (r == 0 && pem)
        r = open_key(session, path, pem, passphrase, error);
    if (r < 0 || session->ca.key)
        return r;
    pki_secret_freep(&pem);
    pem = NULL;
    r = pki_make_key(session->options->key_type, passphrase, &pem, error);
    if (r == 0)
        r = durable_write_text(path, DURABLE_PRIVATE, pem, error);
    return r < 0 ? r : open_key(session, path, pem, passphrase, error);
}

int pki_ca_ready(struct pki_session *session, struct error *error) {
    X509 *certificate = NULL;
    int r = unlock_authority(session, error);

    if (r < 0)
        return r;
    /* A run that was killed between key and certificate leaves two that do not fit. */
    if (!session->renew_all &&
        X509_check_private_key(session->ca.certificate, session->ca.key) == 1)
        return 0;
    ERR_clear_error();
    r = pki_ca_issue(session, session->ca.key, CA_NAME, &certificate, error);
    if (r < 0)
        return r;
    X509_free(session->ca.certificate);
    session->ca.certificate = certificate;
    session->renew_all = true;
    session->outcome.ca_created = true;
    return keep(session, certificate, error);
}
