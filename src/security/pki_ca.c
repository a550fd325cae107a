/* The CA's side of figure 5: what is due is signed, and given to those who lack it. */
#include "base/clock.h"
#include "security/key_token.h"
#include "security/pki_internal.h"

#include <errno.h>
#include <openssl/err.h>

#define CA_NAME       "mqtt-security-bench CA"
#define OTHER_CA_NAME "mqtt-security-bench other CA"

/* What a holder has answered. */
struct answer {
    struct pki_party_files files;
    X509_REQ *request;
    char *pem; /* of the certificate that it shall have; NULL: one must be signed */
};

/* One pki_ensure(). */
struct renewal {
    const struct pki_options *options;
    const struct pki_parties *parties;
    char *store;
    GENERAL_NAMES *addresses;
    int64_t now_s;
    struct pki_authority ca; /* each part NULL until it is there and in order */
    char *list;              /* ca.crl as it is, and then as it shall be */
    bool renew_all;
    struct answer answers[PKI_N_HOLDERS];
    unsigned issued;
};

static void renewal_clear(struct renewal *renewal) {
    free(renewal->store);
    GENERAL_NAMES_free(renewal->addresses);
    pki_authority_clear(&renewal->ca);
    free(renewal->list);
    for (size_t i = 0; i < PKI_N_HOLDERS; i++) {
        pki_party_files_clear(&renewal->answers[i].files);
        X509_REQ_free(renewal->answers[i].request);
        free(renewal->answers[i].pem);
    }
}

/* <store>/ca/<name> */
static char *ca_path(const struct renewal *renewal, const char *name) {
    return text_format("%s/ca/%s", renewal->store, name);
}

static const char *ca_key_type(const struct renewal *renewal) {
    const struct pki_chain *chain = &renewal->options->chain;

    return chain->ca_key_type ? chain->ca_key_type : chain->key_type;
}

/* The end of what is made now. */
static int64_t end_s(const struct renewal *renewal) {
    return renewal->now_s + renewal->options->validity_ns / NS_PER_S;
}

/* ---- is it in order? ---- */

/* Valid now, and for longer than the time left at which certificates and lists are renewed. */
static bool has_life_left(const struct renewal *renewal, int64_t from_s, int64_t to_s) {
    return from_s <= renewal->now_s &&
           to_s - renewal->options->renew_before_ns / NS_PER_S > renewal->now_s;
}

/* The CA certificate of the text, or NULL when it must be made anew. */
static X509 *usable_ca(const struct renewal *renewal, const char *pem) {
    CLEANUP(X509_freep) X509 *certificate = pki_parse_certificate(pem);
    X509 *usable = NULL;
    int64_t from_s, to_s;

    if (certificate && pki_has_key_type(X509_get0_pubkey(certificate), ca_key_type(renewal)) &&
        X509_check_ca(certificate) == 1 && pki_is_signed_by(certificate, certificate) &&
        pki_times(certificate, &from_s, &to_s) && has_life_left(renewal, from_s, to_s)) {
        usable = certificate;
        certificate = NULL;
    }
    ERR_clear_error();
    return usable;
}

/* Judged without the key: the request is signed with it. */
static bool is_usable(const struct renewal *renewal, const struct pki_holder *holder, X509 *issuer,
                      const struct answer *answer, X509 *certificate) {
    int64_t from_s, to_s;
    bool usable;

    usable =
        certificate && issuer &&
        EVP_PKEY_eq(X509_get0_pubkey(certificate), X509_REQ_get0_pubkey(answer->request)) == 1 &&
        pki_is_signed_by(certificate, issuer) && pki_times(certificate, &from_s, &to_s) &&
        (holder->expired ? to_s < renewal->now_s - DAY_S : has_life_left(renewal, from_s, to_s)) &&
        (holder->role != PKI_SERVER || pki_addresses_equal(certificate, renewal->addresses));
    ERR_clear_error();
    return usable;
}

/* Whether the list is the CA's, lasts long enough, and names that certificate and no other. */
static bool is_list_usable(const struct renewal *renewal) {
    CLEANUP(X509_CRL_freep) X509_CRL *list = pki_parse_crl(renewal->list);
    CLEANUP(X509_freep) X509 *revoked = pki_parse_certificate(renewal->answers[PKI_REVOKED].pem);
    X509_REVOKED *entry;
    int64_t from_s, to_s;

    return list && revoked && renewal->ca.certificate &&
           pki_crl_is_of(list, renewal->ca.certificate) &&
           pki_time_read(X509_CRL_get0_lastUpdate(list), &from_s) &&
           pki_time_read(X509_CRL_get0_nextUpdate(list), &to_s) &&
           has_life_left(renewal, from_s, to_s) &&
           sk_X509_REVOKED_num(X509_CRL_get_REVOKED(list)) == 1 &&
           X509_CRL_get0_by_serial(list, &entry, (ASN1_INTEGER *)X509_get0_serialNumber(revoked)) ==
               1;
}

/* ---- step 1: the CA ---- */

/* A certificate for a CA, signed by itself. */
static int issue_ca(struct renewal *renewal, EVP_PKEY *key, const char *name, X509 **ret,
                    char **ret_pem, struct error *error) {
    const struct pki_authority self = {.key = key};
    const struct pki_profile profile = {
        .common_name = name,
        .role = PKI_CA,
        .not_before_s = renewal->now_s - DAY_S,
        .not_after_s = end_s(renewal),
    };
    int r = pki_certify(&self, &profile, key, ret, error);

    if (r < 0)
        return r;
    renewal->issued++;
    return pki_certificate_pem(*ret, ret_pem, error);
}

/* The CA's key, opened or made; one of another type is replaced. */
static int ready_key(struct renewal *renewal, struct error *error) {
    const struct pki_options *options = renewal->options;
    CLEANUP_FREE char *path = ca_path(renewal, "ca.key");
    CLEANUP(pki_secret_freep) char *pem = NULL, *new_pem = NULL, *passphrase = NULL;
    CLEANUP(EVP_PKEY_freep) EVP_PKEY *key = NULL;
    bool asked;
    int r = pki_read(path, &pem, error);

    if (r < 0)
        return r;
    r = options->passphrase(options->context, !pem, &passphrase, error);
    if (r < 0)
        return r;
    if (!passphrase || !*passphrase) /* OpenSSL would write the key unprotected */
        return error_set(error, -EINVAL, "the CA's key needs a passphrase");
    key = pki_parse_key(pem, passphrase, &asked);
    if (pem && !asked)
        return error_set(error, -EBADMSG,
                         "%s: this is no private key under a passphrase; remove %s to start anew",
                         path, path);
    if (pem && !key)
        return error_set(error, -EKEYREJECTED,
                         "%s: the passphrase does not fit; give the one that it was made with "
                         "(BENCH_CA_PASSPHRASE), or remove %s to start anew",
                         path, path);
    if (pki_has_key_type(key, ca_key_type(renewal))) {
        renewal->ca.key = key;
        key = NULL;
        return 0;
    }
    r = pki_make_key(ca_key_type(renewal), passphrase, &renewal->ca.key, &new_pem, error);
    return r < 0 ? r : file_replace(path, FILE_PRIVATE, new_pem, error);
}

/* Makes the CA ready to sign: here the passphrase is asked for. When its certificate must be
 * renewed, all certificates are due. */
static int ready_ca(struct renewal *renewal, struct error *error) {
    CLEANUP_FREE char *path = ca_path(renewal, "ca.crt");
    CLEANUP_FREE char *pem = NULL;
    int r = ready_key(renewal, error);

    if (r < 0)
        return r;
    /* A run that was killed between key and certificate leaves two that do not fit. */
    if (!renewal->renew_all &&
        X509_check_private_key(renewal->ca.certificate, renewal->ca.key) == 1)
        return 0;
    ERR_clear_error();
    X509_free(renewal->ca.certificate);
    renewal->ca.certificate = NULL;
    r = issue_ca(renewal, renewal->ca.key, CA_NAME, &renewal->ca.certificate, &pem, error);
    if (r < 0)
        return r;
    renewal->renew_all = true;
    return file_replace(path, PKI_PUBLIC_MODE, pem, error);
}

/* ---- the holders ---- */

static bool is_held(const struct renewal *renewal, size_t i) {
    return pki_holder_key_type(&pki_holders[i], &renewal->options->chain) != NULL;
}

/* Steps 2 and 3 are the holder's; it also tells what it was given before. A certificate of that
 * which can stay becomes answer->pem. */
static int ask_holder(struct renewal *renewal, size_t i, struct error *error) {
    const struct pki_holder *holder = &pki_holders[i];
    const struct pki_chain *chain = &renewal->options->chain;
    const char *key_type = pki_holder_key_type(holder, chain);
    struct answer *answer = &renewal->answers[i];
    CLEANUP(X509_freep) X509 *certificate = NULL, *other = NULL;
    X509 *issuer = renewal->ca.certificate;
    int r = renewal->parties->request(renewal->parties->context, chain, holder->name,
                                      &answer->files, error);

    if (r < 0)
        return r;
    answer->request = pki_parse_request(answer->files.request);
    if (!answer->request || !pki_request_is_for(answer->request, holder->common_name) ||
        !pki_has_key_type(X509_REQ_get0_pubkey(answer->request), key_type))
        return error_set(error, -EBADMSG,
                         "%s: what came is no certificate request for '%s', signed with its own "
                         "key of type %s",
                         holder->name, holder->common_name, key_type);
    if (i == PKI_STRANGER)
        issuer = other = usable_ca(renewal, answer->files.authority);
    certificate = pki_parse_certificate(answer->files.certificate);
    return is_usable(renewal, holder, issuer, answer, certificate)
               ? pki_certificate_pem(certificate, &answer->pem, error)
               : 0;
}

/* Step 4. */
static int sign(struct renewal *renewal, size_t i, const struct pki_authority *authority,
                struct error *error) {
    const struct pki_holder *holder = &pki_holders[i];
    struct answer *answer = &renewal->answers[i];
    struct pki_profile profile = {
        .common_name = holder->common_name,
        .role = holder->role,
        .addresses = holder->role == PKI_SERVER ? renewal->addresses : NULL,
        .not_before_s = renewal->now_s - DAY_S,
        .not_after_s = end_s(renewal),
    };
    char *pem;
    int r;

    if (holder->expired) {
        /* Past on any clock that takes the right certificates of today for valid. */
        profile.not_before_s = renewal->now_s - 3 * DAY_S;
        profile.not_after_s = renewal->now_s - 2 * DAY_S;
    }
    r = pki_sign_request(authority, answer->files.request, &profile, &pem, error);
    if (r < 0)
        return error_prefix(error, r, "%s", holder->name);
    free(answer->pem);
    answer->pem = pem;
    renewal->issued++;
    return 0;
}

/* Step 5, also for certificates that stayed: mends what is missing or differs. */
static int give(const struct renewal *renewal, size_t i, const char *authority_pem,
                struct error *error) {
    const struct pki_holder *holder = &pki_holders[i];
    const struct pki_parties *parties = renewal->parties;
    const struct answer *answer = &renewal->answers[i];
    const char *ca_pem = holder->authority ? authority_pem : NULL;
    const char *list = holder->revoked ? renewal->list : NULL;
    CLEANUP_FREE char *name = text_format("%s.crt", holder->name);
    CLEANUP_FREE char *copy = ca_path(renewal, name);
    int r = 0;

    if (!text_equal(answer->files.certificate, answer->pem) ||
        (ca_pem && !text_equal(answer->files.authority, ca_pem)) ||
        (list && !text_equal(answer->files.revoked, list)))
        r = parties->install(parties->context, &renewal->options->chain, holder->name, answer->pem,
                             ca_pem, list, error);
    return r < 0 || !holder->party ? r : pki_update(copy, answer->pem, error);
}

/* ---- all of it ---- */

static int ensure_list(struct renewal *renewal, struct error *error) {
    CLEANUP_FREE char *path = ca_path(renewal, "ca.crl");
    char *list;
    int r;

    if (is_list_usable(renewal))
        return 0;
    r = pki_sign_list(&renewal->ca, renewal->answers[PKI_REVOKED].pem, renewal->now_s,
                      end_s(renewal), &list, error);
    if (r < 0)
        return r;
    free(renewal->list);
    renewal->list = list;
    return file_replace(path, PKI_PUBLIC_MODE, list, error);
}

/* The holders are asked, what must be is signed (only for that the CA is made ready), and given to
 * those who lack it. */
static int ensure_leaves(struct renewal *renewal, struct error *error) {
    CLEANUP_FREE char *ca_pem = NULL;
    bool due = renewal->renew_all;
    int r;

    for (size_t i = 0; i < PKI_STRANGER; i++) {
        if (!is_held(renewal, i))
            continue;
        r = ask_holder(renewal, i, error);
        if (r < 0)
            return r;
        due = due || !renewal->answers[i].pem;
    }
    if (due || !is_list_usable(renewal)) {
        r = ready_ca(renewal, error);
        if (r < 0)
            return r;
    }
    for (size_t i = 0; i < PKI_STRANGER; i++) {
        if (!is_held(renewal, i) || (renewal->answers[i].pem && !renewal->renew_all))
            continue;
        r = sign(renewal, i, &renewal->ca, error);
        if (r < 0)
            return r;
    }
    r = ensure_list(renewal, error);
    if (r < 0)
        return r;
    r = pki_certificate_pem(renewal->ca.certificate, &ca_pem, error);
    for (size_t i = 0; i < PKI_STRANGER && r == 0; i++)
        if (is_held(renewal, i))
            r = give(renewal, i, ca_pem, error);
    return r;
}

/* The other CA lives only as long as it takes to sign the stranger's certificate. */
static int ensure_stranger(struct renewal *renewal, struct error *error) {
    CLEANUP(pki_authority_clear) struct pki_authority other = {0};
    CLEANUP(pki_secret_freep) char *key_pem = NULL;
    CLEANUP_FREE char *other_pem = NULL;
    int r = ask_holder(renewal, PKI_STRANGER, error);

    if (r < 0 || (renewal->answers[PKI_STRANGER].pem && !renewal->options->force))
        return r;
    r = pki_make_key(ca_key_type(renewal), NULL, &other.key, &key_pem, error);
    if (r < 0)
        return r;
    r = issue_ca(renewal, other.key, OTHER_CA_NAME, &other.certificate, &other_pem, error);
    if (r < 0)
        return r;
    r = sign(renewal, PKI_STRANGER, &other, error);
    return r < 0 ? r : give(renewal, PKI_STRANGER, other_pem, error);
}

/* Where no other way was given: the parties live here. */

static int request_here(void *context, const struct pki_chain *chain, const char *holder,
                        struct pki_party_files *ret, struct error *error) {
    return pki_party_request(context, chain, holder, ret, error);
}

static int install_here(void *context, const struct pki_chain *chain, const char *holder,
                        const char *certificate, const char *authority, const char *revoked,
                        struct error *error) {
    return pki_party_install(context, chain, holder, certificate, authority, revoked, error);
}

static int check_options(const struct pki_options *options, struct error *error) {
    int r = pki_check_chain(&options->chain, error);

    if (r == 0 && !options->parties && options->chain.tokens) /* the token is this host's */
        r = key_token_possible(options->chain.token_module, error);
    if (r < 0)
        return r;
    if (options->validity_ns < NS_PER_S || options->renew_before_ns < 0 ||
        options->renew_before_ns / NS_PER_S >= options->validity_ns / NS_PER_S)
        return error_set(error, -EINVAL,
                         "certificates must be valid for longer than the time before their end "
                         "at which they are renewed");
    return 0;
}

/* The folders of the CA (those of the parties are made where they live), and what is in them. When
 * the CA's certificate cannot stay, all are due. */
static int open_store(struct renewal *renewal, struct error *error) {
    CLEANUP_FREE char *folder = ca_path(renewal, ""), *list = ca_path(renewal, "ca.crl"),
                      *certificate = ca_path(renewal, "ca.crt"), *key = ca_path(renewal, "ca.key");
    CLEANUP(pki_secret_freep) char *key_pem = NULL;
    CLEANUP_FREE char *pem = NULL;
    int r = pki_make_folder(renewal->store, error);

    if (r < 0)
        return r;
    r = pki_make_folder(folder, error);
    if (r < 0)
        return r;
    r = pki_read(certificate, &pem, error);
    if (r < 0)
        return r;
    r = pki_read(key, &key_pem, error);
    if (r < 0)
        return r;
    if (key_pem) /* without its key a CA is at its end, even if nothing is to be signed today */
        renewal->ca.certificate = usable_ca(renewal, pem);
    renewal->renew_all = !renewal->ca.certificate || renewal->options->force;
    return pki_read(list, &renewal->list, error);
}

/* ---- for a store that stands ---- */

static void renewal_begin(struct renewal *renewal, const struct pki_options *options) {
    *renewal = (struct renewal){.options = options,
                                .parties = options->parties,
                                .store = pki_store(options->folder, &options->chain),
                                .now_s = clock_realtime_ns() / NS_PER_S};
}

static int reopen_store(struct renewal *renewal, struct error *error) {
    int r = open_store(renewal, error);

    if (r < 0 || renewal->ca.certificate)
        return r;
    return error_set(error, -ENOKEY, "%s/ca: there is no CA any more; run again", renewal->store);
}

int pki_authority_open(const struct pki_options *options, struct pki_authority *ret,
                       struct error *error) {
    CLEANUP(renewal_clear) struct renewal renewal;
    int r;

    renewal_begin(&renewal, options);
    r = reopen_store(&renewal, error);
    if (r < 0)
        return r;
    ret->certificate = renewal.ca.certificate;
    renewal.ca.certificate = NULL;
    return 0;
}

int pki_authority_open_key(const struct pki_options *options, struct pki_authority *authority,
                           struct error *error) {
    CLEANUP(renewal_clear) struct renewal renewal;
    int r;

    renewal_begin(&renewal, options);
    r = authority->key ? 0 : ready_key(&renewal, error);
    if (r < 0 || authority->key)
        return r;
    if (X509_check_private_key(authority->certificate, renewal.ca.key) != 1) {
        ERR_clear_error();
        return error_set(error, -EKEYREJECTED,
                         "%s/ca: the key is not that of the certificate; run again", renewal.store);
    }
    authority->key = renewal.ca.key;
    renewal.ca.key = NULL;
    return 0;
}

int pki_ensure_further(const struct pki_options *options, unsigned *ret_issued,
                       struct error *error) {
    CLEANUP(renewal_clear) struct renewal renewal;
    const struct answer *answer = &renewal.answers[PKI_CLIENT2];
    CLEANUP_FREE char *ca_pem = NULL;
    CLEANUP_FD int lock = -1;
    int r;

    renewal_begin(&renewal, options);
    r = pki_lock(options->folder, "lock", &lock, error);
    if (r == 0)
        r = reopen_store(&renewal, error);
    if (r == 0)
        r = ask_holder(&renewal, PKI_CLIENT2, error);
    if (r < 0)
        return r;
    if (!answer->pem || options->force) {
        r = pki_authority_open_key(options, &renewal.ca, error);
        if (r == 0)
            r = sign(&renewal, PKI_CLIENT2, &renewal.ca, error);
        if (r < 0)
            return r;
    }
    r = pki_certificate_pem(renewal.ca.certificate, &ca_pem, error);
    if (r == 0 && (!text_equal(answer->files.certificate, answer->pem) ||
                   !text_equal(answer->files.authority, ca_pem)))
        r = renewal.parties->install(renewal.parties->context, &options->chain, "client2",
                                     answer->pem, ca_pem, NULL, error);
    if (r == 0)
        *ret_issued = renewal.issued;
    return r;
}

/* ---- all of a store ---- */

int pki_ensure(const struct pki_options *options, unsigned *ret_issued, struct error *error) {
    const struct pki_parties here = {request_here, install_here, (void *)options->folder};
    CLEANUP(renewal_clear)
    struct renewal renewal = {.options = options,
                              .parties = options->parties ? options->parties : &here};
    CLEANUP_FD int lock = -1;
    int r = check_options(options, error);

    if (r < 0)
        return r;
    r = pki_addresses_parse(options->addresses, &renewal.addresses, error);
    if (r < 0)
        return r;
    r = pki_make_folder(options->folder, error);
    if (r < 0)
        return r;
    r = pki_lock(options->folder, "lock", &lock, error);
    if (r < 0)
        return r;
    renewal.store = pki_store(options->folder, &options->chain);
    renewal.now_s = clock_realtime_ns() / NS_PER_S;
    r = open_store(&renewal, error);
    if (r < 0)
        return r;
    r = ensure_leaves(&renewal, error);
    if (r < 0)
        return r;
    r = ensure_stranger(&renewal, error);
    if (r < 0)
        return r;
    *ret_issued = renewal.issued;
    return 0;
}
