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

/* What the holder of a leaf has told. */
struct told {
    struct pki_party_files files;
    X509_REQ *request;
    char *pem; /* of the certificate that it shall have; NULL: one must be signed */
};

#define OTHER_CA_NAME "mqtt-security-bench other CA"

static void session_clear(struct pki_session *session) {
    free(session->store);
    GENERAL_NAMES_free(session->addresses);
    pki_authority_clear(&session->ca);
    free(session->list);
}

static void told_clear(struct told *told) {
    pki_party_files_clear(&told->files);
    X509_REQ_free(told->request);
    free(told->pem);
}

char *pki_store(const char *folder, const char *key_type) {
    char *path, *c;

    if (text_equal(key_type, PKI_DEFAULT_KEY_TYPE))
        return text_copy(folder);
    path = text_format("%s/%s", folder, key_type);
    for (c = path + strlen(folder) + 1; *c; c++)
        if (*c == ':')
            *c = '-';
    return path;
}

/* ---- is it in order? ---- */

static bool has_expired(const struct pki_session *session, const X509 *certificate) {
    int64_t from_s, to_s;

    return pki_times(certificate, &from_s, &to_s) == 0 && to_s < session->now_s - DAY_S;
}

/* Judged without the key: the request is signed with it. */
static bool is_leaf_usable(const struct pki_session *session, const struct leaf *leaf, X509 *issuer,
                           const struct told *told, X509 *certificate) {
    bool usable;

    usable = certificate && issuer &&
             EVP_PKEY_eq(X509_get0_pubkey(certificate), X509_REQ_get0_pubkey(told->request)) == 1 &&
             pki_is_signed_by(certificate, issuer) &&
             (leaf->expired ? has_expired : pki_has_life_left)(session, certificate) &&
             (leaf->role != PKI_SERVER || pki_addresses_equal(certificate, session->addresses));
    ERR_clear_error();
    return usable;
}

/* ---- the holders ---- */

/* Steps 2 and 3 are the holder's; it also tells what it was given before. */
static int ask_holder(const struct pki_session *session, const struct leaf *leaf, struct told *told,
                      struct error *error) {
    const char *key_type = session->options->key_type;
    const char *common_name = pki_holder_find(leaf->holder)->common_name;
    int r = session->parties->request(session->parties->context, key_type, leaf->holder,
                                      &told->files, error);

    if (r < 0)
        return r;
    told->request = pki_parse_request(told->files.request);
    if (!told->request || !pki_request_is_for(told->request, common_name) ||
        !pki_has_key_type(X509_REQ_get0_pubkey(told->request), key_type))
        return error_set(error, -EBADMSG,
                         "%s: what came is no certificate request for '%s', signed with its own "
                         "key of type %s",
                         leaf->holder, common_name, key_type);
    return 0;
}

/* Fills told->pem when the certificate that the holder has can stay. */
static int judge(const struct pki_session *session, const struct leaf *leaf, X509 *issuer,
                 struct told *told, struct error *error) {
    CLEANUP(X509_freep) X509 *certificate = pki_parse_certificate(told->files.certificate);

    if (!is_leaf_usable(session, leaf, issuer, told, certificate))
        return 0;
    return pki_certificate_pem(certificate, &told->pem, error);
}

/* Step 4. */
static int issue_leaf(struct pki_session *session, const struct leaf *leaf, struct told *told,
                      const struct pki_authority *authority, struct error *error) {
    struct pki_profile profile = {
        .common_name = pki_holder_find(leaf->holder)->common_name,
        .role = leaf->role,
        .addresses = leaf->role == PKI_SERVER ? session->addresses : NULL,
        .not_before_s = session->now_s - DAY_S,
        .not_after_s = session->now_s + session->options->validity_ns / NS_PER_S,
    };
    char *pem;
    int r;

    if (leaf->expired) {
        /* Past on any clock that takes the right certificates of today for valid. */
        profile.not_before_s = session->now_s - 3 * DAY_S;
        profile.not_after_s = session->now_s - 2 * DAY_S;
    }
    r = pki_sign_request(authority, told->files.request, &profile, &pem, error);
    if (r < 0)
        return error_prefix(error, r, "%s", leaf->holder);
    free(told->pem);
    told->pem = pem;
    session->outcome.issued++;
    return 0;
}

/* Whether the holder has what it shall have. */
static bool has_all(const struct leaf *leaf, const struct told *told, const char *ca_pem,
                    const char *list) {
    return text_equal(told->files.certificate, told->pem) &&
           (!ca_pem || text_equal(told->files.authority, ca_pem)) &&
           (!pki_holder_find(leaf->holder)->revoked || text_equal(told->files.revoked, list));
}

/* Step 5, also for certificates that stayed: mends what is missing or differs. ca_pem NULL: the
 * holder keeps none. */
static int give_leaf(const struct pki_session *session, const struct leaf *leaf,
                     const struct told *told, const char *ca_pem, struct error *error) {
    const struct pki_parties *parties = session->parties;
    const char *list = pki_holder_find(leaf->holder)->revoked ? session->list : NULL;
    CLEANUP_FREE char *name = text_format("%s.crt", leaf->holder);
    CLEANUP_FREE char *copy = pki_ca_path(session, name);
    int r = 0;

    if (!has_all(leaf, told, ca_pem, list))
        r = parties->install(parties->context, session->options->key_type, leaf->holder, told->pem,
                             ca_pem, list, error);
    return r < 0 || !leaf->party ? r : pki_update(copy, told->pem, PKI_PUBLIC_MODE, error);
}

/* ---- all of it ---- */

static const char *revoked_of(const struct told *told) {
    size_t i = 0;

    while (!leaves[i].revoked)
        i++;
    return told[i].pem;
}

/* Makes the CA ready when one of the holders needs it, or the list does. */
static int hear_all(struct pki_session *session, struct told *told, struct error *error) {
    bool due = session->renew_all;
    int r = 0;

    for (size_t i = 0; i < ARRAY_SIZE(leaves) && r == 0; i++) {
        r = ask_holder(session, &leaves[i], &told[i], error);
        if (r == 0)
            r = judge(session, &leaves[i], session->ca.certificate, &told[i], error);
        due = due || !told[i].pem;
    }
    due = due || !pki_crl_is_usable(session, session->list, revoked_of(told));
    return r == 0 && due ? pki_ca_ready(session, error) : r;
}

static int ensure_list(struct pki_session *session, const char *revoked, struct error *error) {
    CLEANUP_FREE char *path = pki_ca_path(session, "ca.crl");
    char *list;
    int r;

    if (pki_crl_is_usable(session, session->list, revoked))
        return 0;
    r = pki_crl_issue(session, revoked, &list, error);
    if (r < 0)
        return r;
    free(session->list);
    session->list = list;
    return durable_write_text(path, PKI_PUBLIC_MODE, list, error);
}

static int sign_all(struct pki_session *session, struct told *told, struct error *error) {
    int r = 0;

    for (size_t i = 0; i < ARRAY_SIZE(leaves) && r == 0; i++)
        if (!told[i].pem || session->renew_all)
            r = issue_leaf(session, &leaves[i], &told[i], &session->ca, error);
    return r == 0 ? ensure_list(session, revoked_of(told), error) : r;
}

static int ensure_leaves(struct pki_session *session, struct error *error) {
    struct told told[ARRAY_SIZE(leaves)] = {{.pem = NULL}};
    CLEANUP_FREE char *ca_pem = NULL;
    int r = hear_all(session, told, error);

    if (r == 0)
        r = pki_certificate_pem(session->ca.certificate, &ca_pem, error);
    if (r == 0)
        r = sign_all(session, told, error);
    for (size_t i = 0; i < ARRAY_SIZE(leaves) && r == 0; i++) {
        bool keeps_ca = pki_holder_find(leaves[i].holder)->authority;

        r = give_leaf(session, &leaves[i], &told[i], keeps_ca ? ca_pem : NULL, error);
    }
    for (size_t i = 0; i < ARRAY_SIZE(leaves); i++)
        told_clear(&told[i]);
    return r;
}

/* The other CA lives only as long as it takes to sign the stranger's certificate. */
static int issue_stranger(struct pki_session *session, struct told *told, struct error *error) {
    CLEANUP(pki_authority_clear) struct pki_authority other = {0};
    CLEANUP_FREE char *other_pem = NULL;
    int r = pki_generate_key(session->options->key_type, &other.key, error);

    if (r == 0)
        r = pki_ca_issue(session, other.key, OTHER_CA_NAME, &other.certificate, error);
    if (r == 0)
        r = issue_leaf(session, &stranger, told, &other, error);
    if (r == 0)
        r = pki_certificate_pem(other.certificate, &other_pem, error);
    return r < 0 ? r : give_leaf(session, &stranger, told, other_pem, error);
}

static int ensure_stranger(struct pki_session *session, struct error *error) {
    CLEANUP(told_clear) struct told told = {.pem = NULL};
    CLEANUP(X509_freep) X509 *other = NULL;
    int r = ask_holder(session, &stranger, &told, error);

    if (r < 0)
        return r;
    other = pki_ca_usable(session, told.files.authority);
    r = judge(session, &stranger, other, &told, error);
    if (r < 0 || (told.pem && !session->options->force))
        return r;
    return issue_stranger(session, &told, error);
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

/* The folders of the CA; those of the parties are made where they live. */
static int make_folders(const struct pki_session *session, struct error *error) {
    CLEANUP_FREE char *path = pki_ca_path(session, "");
    int r = pki_make_folder(session->store, error);

    return r < 0 ? r : pki_make_folder(path, error);
}

static int read_list(struct pki_session *session, struct error *error) {
    CLEANUP_FREE char *path = pki_ca_path(session, "ca.crl");

    return pki_read(path, &session->list, error);
}

int pki_ensure(const struct pki_options *options, struct pki_outcome *ret, struct error *error) {
    const struct pki_parties here = {request_here, install_here, (void *)options->folder};
    CLEANUP(session_clear)
    struct pki_session session = {.options = options,
                                  .parties = options->parties ? options->parties : &here};
    CLEANUP_FD int lock = -1;
    int r = check_options(options, error);

    if (r == 0)
        r = pki_addresses_parse(options->addresses, &session.addresses, error);
    if (r == 0)
        r = pki_make_folder(options->folder, error);
    if (r == 0)
        r = pki_lock(options->folder, "lock", &lock, error);
    if (r < 0)
        return r;
    session.store = pki_store(options->folder, options->key_type);
    session.now_s = clock_realtime_ns() / NS_PER_S;
    r = make_folders(&session, error);
    if (r == 0)
        r = pki_ca_read(&session, error);
    if (r == 0)
        r = read_list(&session, error);
    if (r == 0)
        r = ensure_leaves(&session, error);
    if (r == 0)
        r = ensure_stranger(&session, error);
    if (r == 0)
        *ret = session.outcome;
    return r;
}
