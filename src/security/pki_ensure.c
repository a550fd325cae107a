#include "security/pki.h"

#include "base/clock.h"
#include "security/pki_internal.h"

#include <errno.h>
#include <openssl/err.h>
#include <string.h>

/* A certificate that some CA signs for its holder. */
struct leaf {
    const char *holder;
    enum pki_role role;
    bool expired; /* on purpose */
    bool revoked; /* on purpose: the CA's list names it */
    bool party;   /* the CA keeps a copy */
};

static const struct leaf leaves[] = {
    {"broker", PKI_SERVER, .party = true},    {"client1", PKI_CLIENT, .party = true},
    {"client2", PKI_CLIENT, .party = true},   {"expired", PKI_CLIENT, .expired = true},
    {"revoked", PKI_CLIENT, .revoked = true},
};
static const struct leaf stranger = {"stranger", PKI_CLIENT, .party = false};

/* What the holder of a leaf has answered. */
struct answer {
    struct pki_party_files files;
    X509_REQ *request;
    char *pem; /* of the certificate that it shall have; NULL: one must be signed */
};

#define OTHER_CA_NAME "mqtt-security-bench other CA"

static void renewal_clear(struct pki_renewal *renewal) {
    free(renewal->store);
    GENERAL_NAMES_free(renewal->addresses);
    pki_authority_clear(&renewal->ca);
    free(renewal->list);
}

static void answer_clear(struct answer *answer) {
    pki_party_files_clear(&answer->files);
    X509_REQ_free(answer->request);
    free(answer->pem);
}

/* ---- is it in order? ---- */

static bool has_expired(const struct pki_renewal *renewal, const X509 *certificate) {
    int64_t from_s, to_s;

    return pki_times(certificate, &from_s, &to_s) == 0 && to_s < renewal->now_s - DAY_S;
}

/* Judged without the key: the request is signed with it. */
static bool is_leaf_usable(const struct pki_renewal *renewal, const struct leaf *leaf, X509 *issuer,
                           const struct answer *answer, X509 *certificate) {
    bool usable;

    usable =
        certificate && issuer &&
        EVP_PKEY_eq(X509_get0_pubkey(certificate), X509_REQ_get0_pubkey(answer->request)) == 1 &&
        pki_is_signed_by(certificate, issuer) &&
        (leaf->expired ? has_expired : pki_has_life_left)(renewal, certificate) &&
        (leaf->role != PKI_SERVER || pki_addresses_equal(certificate, renewal->addresses));
    ERR_clear_error();
    return usable;
}

/* ---- the holders ---- */

/* Steps 2 and 3 are the holder's; it also tells what it was given before. */
static int ask_holder(const struct pki_renewal *renewal, const struct leaf *leaf,
                      struct answer *answer, struct error *error) {
    const char *key_type = renewal->options->key_type;
    const char *common_name = pki_holder_find(leaf->holder)->common_name;
    int r = renewal->parties->request(renewal->parties->context, key_type, leaf->holder,
                                      &answer->files, error);

    if (r < 0)
        return r;
    answer->request = pki_parse_request(answer->files.request);
    if (!answer->request || !pki_request_is_for(answer->request, common_name) ||
        !pki_has_key_type(X509_REQ_get0_pubkey(answer->request), key_type))
        return error_set(error, -EBADMSG,
                         "%s: what came is no certificate request for '%s', signed with its own "
                         "key of type %s",
                         leaf->holder, common_name, key_type);
    return 0;
}

/* Fills answer->pem when the certificate that the holder has can stay. */
static int judge(const struct pki_renewal *renewal, const struct leaf *leaf, X509 *issuer,
                 struct answer *answer, struct error *error) {
    CLEANUP(X509_freep) X509 *certificate = pki_parse_certificate(answer->files.certificate);

    if (!is_leaf_usable(renewal, leaf, issuer, answer, certificate))
        return 0;
    return pki_certificate_pem(certificate, &answer->pem, error);
}

/* Step 4. */
static int issue_leaf(struct pki_renewal *renewal, const struct leaf *leaf, struct answer *answer,
                      const struct pki_authority *authority, struct error *error) {
    struct pki_profile profile = {
        .common_name = pki_holder_find(leaf->holder)->common_name,
        .role = leaf->role,
        .addresses = leaf->role == PKI_SERVER ? renewal->addresses : NULL,
        .not_before_s = renewal->now_s - DAY_S,
        .not_after_s = renewal->now_s + renewal->options->validity_ns / NS_PER_S,
    };
    char *pem;
    int r;

    if (leaf->expired) {
        /* Past on any clock that takes the right certificates of today for valid. */
        profile.not_before_s = renewal->now_s - 3 * DAY_S;
        profile.not_after_s = renewal->now_s - 2 * DAY_S;
    }
    r = pki_sign_request(authority, answer->files.request, &profile, &pem, error);
    if (r < 0)
        return error_prefix(error, r, "%s", leaf->holder);
    free(answer->pem);
    answer->pem = pem;
    renewal->outcome.issued++;
    return 0;
}

/* Whether the holder has what it shall have. */
static bool has_all(const struct leaf *leaf, const struct answer *answer, const char *ca_pem,
                    const char *list) {
    return text_equal(answer->files.certificate, answer->pem) &&
           (!ca_pem || text_equal(answer->files.authority, ca_pem)) &&
           (!pki_holder_find(leaf->holder)->revoked || text_equal(answer->files.revoked, list));
}

/* Step 5, also for certificates that stayed: mends what is missing or differs. ca_pem NULL: the
 * holder keeps none. */
static int give_leaf(const struct pki_renewal *renewal, const struct leaf *leaf,
                     const struct answer *answer, const char *ca_pem, struct error *error) {
    const struct pki_parties *parties = renewal->parties;
    const char *list = pki_holder_find(leaf->holder)->revoked ? renewal->list : NULL;
    CLEANUP_FREE char *name = text_format("%s.crt", leaf->holder);
    CLEANUP_FREE char *copy = pki_ca_path(renewal, name);
    int r = 0;

    if (!has_all(leaf, answer, ca_pem, list))
        r = parties->install(parties->context, renewal->options->key_type, leaf->holder,
                             answer->pem, ca_pem, list, error);
    return r < 0 || !leaf->party ? r : pki_update(copy, answer->pem, PKI_PUBLIC_MODE, error);
}

/* ---- all of it ---- */

static const char *revoked_of(const struct answer *answers) {
    size_t i = 0;

    while (!leaves[i].revoked)
        i++;
    return answers[i].pem;
}

/* Makes the CA ready when one of the holders needs it, or the list does. */
static int ask_all(struct pki_renewal *renewal, struct answer *answers, struct error *error) {
    bool due = renewal->renew_all;

    for (size_t i = 0; i < ARRAY_SIZE(leaves); i++) {
        int r = ask_holder(renewal, &leaves[i], &answers[i], error);

        if (r < 0)
            return r;
        r = judge(renewal, &leaves[i], renewal->ca.certificate, &answers[i], error);
        if (r < 0)
            return r;
        due = due || !answers[i].pem;
    }
    due = due || !pki_crl_is_usable(renewal, renewal->list, revoked_of(answers));
    return due ? pki_ca_ready(renewal, error) : 0;
}

static int ensure_list(struct pki_renewal *renewal, const char *revoked, struct error *error) {
    CLEANUP_FREE char *path = pki_ca_path(renewal, "ca.crl");
    char *list;
    int r;

    if (pki_crl_is_usable(renewal, renewal->list, revoked))
        return 0;
    r = pki_crl_issue(renewal, revoked, &list, error);
    if (r < 0)
        return r;
    free(renewal->list);
    renewal->list = list;
    return durable_write_text(path, PKI_PUBLIC_MODE, list, error);
}

static int sign_all(struct pki_renewal *renewal, struct answer *answers, struct error *error) {
    for (size_t i = 0; i < ARRAY_SIZE(leaves); i++) {
        int r = 0;

        if (!answers[i].pem || renewal->renew_all)
            r = issue_leaf(renewal, &leaves[i], &answers[i], &renewal->ca, error);
        if (r < 0)
            return r;
    }
    return ensure_list(renewal, revoked_of(answers), error);
}

/* The holders are asked, what must be is signed, and given to those who lack it. */
static int renew_leaves(struct pki_renewal *renewal, struct answer *answers, struct error *error) {
    CLEANUP_FREE char *ca_pem = NULL;
    int r = ask_all(renewal, answers, error);

    if (r < 0)
        return r;
    r = pki_certificate_pem(renewal->ca.certificate, &ca_pem, error);
    if (r < 0)
        return r;
    r = sign_all(renewal, answers, error);
    if (r < 0)
        return r;
    for (size_t i = 0; i < ARRAY_SIZE(leaves); i++) {
        bool keeps_ca = pki_holder_find(leaves[i].holder)->authority;

        r = give_leaf(renewal, &leaves[i], &answers[i], keeps_ca ? ca_pem : NULL, error);
        if (r < 0)
            return r;
    }
    return 0;
}

static int ensure_leaves(struct pki_renewal *renewal, struct error *error) {
    struct answer answers[ARRAY_SIZE(leaves)] = {{.pem = NULL}};
    int r = renew_leaves(renewal, answers, error);

    for (size_t i = 0; i < ARRAY_SIZE(leaves); i++)
        answer_clear(&answers[i]);
    return r;
}

/* The other CA lives only as long as it takes to sign the stranger's certificate. */
static int issue_stranger(struct pki_renewal *renewal, struct answer *answer, struct error *error) {
    CLEANUP(pki_authority_clear) struct pki_authority other = {0};
    CLEANUP_FREE char *other_pem = NULL;
    int r = pki_generate_key(renewal->options->key_type, &other.key, error);

    if (r < 0)
        return r;
    r = pki_ca_issue(renewal, other.key, OTHER_CA_NAME, &other.certificate, error);
    if (r < 0)
        return r;
    r = issue_leaf(renewal, &stranger, answer, &other, error);
    if (r < 0)
        return r;
    r = pki_certificate_pem(other.certificate, &other_pem, error);
    return r < 0 ? r : give_leaf(renewal, &stranger, answer, other_pem, error);
}

static int ensure_stranger(struct pki_renewal *renewal, struct error *error) {
    CLEANUP(answer_clear) struct answer answer = {.pem = NULL};
    CLEANUP(X509_freep) X509 *other = NULL;
    int r = ask_holder(renewal, &stranger, &answer, error);

    if (r < 0)
        return r;
    other = pki_ca_usable(renewal, answer.files.authority);
    r = judge(renewal, &stranger, other, &answer, error);
    if (r < 0 || (answer.pem && !renewal->options->force))
        return r;
    return issue_stranger(renewal, &answer, error);
}

/* Where no other way was given: the parties live here. */

static int request_here(void *context, const char *key_type, const char *holder,
                        struct pki_party_files *ret, struct error *error) {
    return pki_party_request(context, key_type, holder, ret, error);
}

static int install_here(void *context, const char *key_type, const char *holder,
                        const char *certificate, const char *authority, const char *revoked,
                        struct error *error) {
    return pki_party_install(context, key_type, holder, certificate, authority, revoked, error);
}

static int check_options(const struct pki_options *options, struct error *error) {
    if (!pki_is_key_type(options->key_type))
        return error_set(error, -EINVAL, "key type '%s': not one of " PKI_KEY_TYPES,
                         options->key_type ? options->key_type : "");
    if (options->validity_ns < NS_PER_S || options->renew_before_ns < 0 ||
        options->renew_before_ns / NS_PER_S >= options->validity_ns / NS_PER_S)
        return error_set(error, -EINVAL,
                         "certificates must be valid for longer than the time before their end "
                         "at which they are renewed");
    return 0;
}

/* The folders of the CA (those of the parties are made where they live), and what is in them. */
static int open_store(struct pki_renewal *renewal, struct error *error) {
    CLEANUP_FREE char *folder = pki_ca_path(renewal, ""), *list = pki_ca_path(renewal, "ca.crl");
    int r = pki_make_folder(renewal->store, error);

    if (r < 0)
        return r;
    r = pki_make_folder(folder, error);
    if (r < 0)
        return r;
    r = pki_ca_read(renewal, error);
    return r < 0 ? r : pki_read(list, &renewal->list, error);
}

int pki_ensure(const struct pki_options *options, struct pki_outcome *ret, struct error *error) {
    const struct pki_parties here = {request_here, install_here, (void *)options->folder};
    CLEANUP(renewal_clear)
    struct pki_renewal renewal = {.options = options,
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
    renewal.store = pki_store(options->folder, options->key_type);
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
    *ret = renewal.outcome;
    return 0;
}
