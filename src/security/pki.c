#include "security/pki.h"

#include "base/clock.h"
#include "security/pki_internal.h"

#include <errno.h>
#include <openssl/err.h>
#include <string.h>

/* A certificate that some CA signs for a party. */
struct leaf {
    const char *folder, *name, *common_name;
    enum pki_role role;
    bool expired; /* on purpose */
    bool party;   /* has ca.crt beside its own certificate, and the CA a copy of that */
};

static const struct leaf leaves[] = {
    {"broker", "broker", "broker", PKI_SERVER, .party = true},
    {"client1", "client1", "client1", PKI_CLIENT, .party = true},
    {"client2", "client2", "client2", PKI_CLIENT, .party = true},
    /* Right in all but one thing, so that it is refused for that one alone; as below. */
    {"proof", "expired", "client1", PKI_CLIENT, .expired = true},
};
static const struct leaf stranger = {"proof", "stranger", "client1", PKI_CLIENT, .party = false};

#define OTHER_CA_NAME "mqtt-security-bench other CA"

static void session_clear(struct pki_session *session) {
    free(session->store);
    GENERAL_NAMES_free(session->addresses);
    pki_authority_clear(&session->ca);
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

static bool is_leaf_usable(const struct pki_session *session, const struct leaf *leaf, X509 *issuer,
                           const char *key_pem, const char *certificate_pem) {
    CLEANUP(EVP_PKEY_freep) EVP_PKEY *key = pki_parse_key(key_pem, NULL, NULL);
    CLEANUP(X509_freep) X509 *certificate = pki_parse_certificate(certificate_pem);
    bool usable;

    usable = certificate && pki_has_key_type(session, key) &&
             X509_check_private_key(certificate, key) == 1 &&
             pki_is_signed_by(certificate, issuer) &&
             (leaf->expired ? has_expired : pki_has_life_left)(session, certificate) &&
             (leaf->role != PKI_SERVER || pki_addresses_equal(certificate, session->addresses));
    ERR_clear_error();
    return usable;
}

/* ---- files of the store ---- */

static int make_folders(const struct pki_session *session, struct error *error) {
    static const char *const folders[] = {"ca", "broker", "client1", "client2", "proof"};
    int r = pki_make_folder(session->store, error);

    for (size_t i = 0; i < ARRAY_SIZE(folders) && r == 0; i++) {
        CLEANUP_FREE char *path = text_format("%s/%s", session->store, folders[i]);

        r = pki_make_folder(path, error);
    }
    return r;
}

/* Reads what a leaf has; the certificate's text is handed out only when it can stay. */
static int read_leaf(const struct pki_session *session, const struct leaf *leaf, X509 *issuer,
                     char **ret_pem, struct error *error) {
    CLEANUP_FREE char *key_path = pki_path(session, leaf->folder, leaf->name, ".key");
    CLEANUP_FREE char *path = pki_path(session, leaf->folder, leaf->name, ".crt");
    CLEANUP(pki_secret_freep) char *key_pem = NULL;
    CLEANUP_FREE char *pem = NULL;
    int r = pki_read(key_path, &key_pem, error);

    if (r == 0)
        r = pki_read(path, &pem, error);
    if (r < 0)
        return r;
    *ret_pem = NULL;
    if (issuer && is_leaf_usable(session, leaf, issuer, key_pem, pem)) {
        *ret_pem = pem;
        pem = NULL;
    }
    return 0;
}

/* ---- the steps of figure 5, for a party ---- */

/* Step 2: the party's key, made when there is none of the right type. */
static int party_key(const struct pki_session *session, const struct leaf *leaf, char **ret_pem,
                     struct error *error) {
    CLEANUP_FREE char *path = pki_path(session, leaf->folder, leaf->name, ".key");
    CLEANUP(pki_secret_freep) char *pem = NULL;
    CLEANUP(EVP_PKEY_freep) EVP_PKEY *key = NULL;
    int r = pki_read(path, &pem, error);

    if (r < 0)
        return r;
    key = pki_parse_key(pem, NULL, NULL);
    if (!pki_has_key_type(session, key)) {
        pki_secret_freep(&pem);
        pem = NULL;
        r = pki_make_key(session->options->key_type, NULL, &pem, error);
        if (r == 0)
            r = pki_write(path, pem, PKI_PRIVATE_MODE, error);
        if (r < 0)
            return r;
    }
    *ret_pem = pem;
    pem = NULL;
    return 0;
}

/* Steps 2 and 3: the party's request, made when there is none that fits its key. */
static int party_request(const struct pki_session *session, const struct leaf *leaf, char **ret_pem,
                         struct error *error) {
    CLEANUP_FREE char *path = pki_path(session, leaf->folder, leaf->name, ".csr");
    CLEANUP(pki_secret_freep) char *key_pem = NULL;
    CLEANUP(EVP_PKEY_freep) EVP_PKEY *key = NULL;
    CLEANUP(X509_REQ_freep) X509_REQ *request = NULL;
    CLEANUP_FREE char *pem = NULL;
    int r = party_key(session, leaf, &key_pem, error);

    if (r == 0)
        r = pki_read(path, &pem, error);
    if (r < 0)
        return r;
    key = pki_parse_key(key_pem, NULL, NULL);
    request = pki_parse_request(pem);
    if (!request || !pki_request_fits(request, key, leaf->common_name)) {
        memory_freep(&pem);
        pem = NULL;
        r = pki_make_request(key_pem, leaf->common_name, &pem, error);
        if (r == 0)
            r = pki_write(path, pem, PKI_PUBLIC_MODE, error);
        if (r < 0)
            return r;
    }
    *ret_pem = pem;
    pem = NULL;
    return 0;
}

/* Step 4, after the party's own. */
static int issue_leaf(struct pki_session *session, const struct leaf *leaf,
                      const struct pki_authority *authority, char **ret_pem, struct error *error) {
    struct pki_profile profile = {
        .common_name = leaf->common_name,
        .role = leaf->role,
        .addresses = leaf->role == PKI_SERVER ? session->addresses : NULL,
        .not_before_s = session->now_s - DAY_S,
        .not_after_s = session->now_s + session->options->validity_ns / NS_PER_S,
    };
    CLEANUP_FREE char *request_pem = NULL;
    int r = party_request(session, leaf, &request_pem, error);

    if (r < 0)
        return r;
    if (leaf->expired) {
        /* Past on any clock that takes the right certificates of today for valid. */
        profile.not_before_s = session->now_s - 3 * DAY_S;
        profile.not_after_s = session->now_s - 2 * DAY_S;
    }
    r = pki_sign_request(authority, request_pem, &profile, ret_pem, error);
    if (r < 0)
        return error_prefix(error, r, "%s/%s/%s.crt", session->store, leaf->folder, leaf->name);
    session->outcome.issued++;
    return 0;
}

/* Step 5, also for certificates that stayed: mends copies that are missing or differ. */
static int install_leaf(const struct pki_session *session, const struct leaf *leaf, const char *pem,
                        const char *ca_pem, struct error *error) {
    CLEANUP_FREE char *folder = text_format("%s/%s", session->store, leaf->folder);
    CLEANUP_FREE char *copy = pki_path(session, "ca", leaf->name, ".crt");
    int r = pki_install(folder, leaf->name, pem, leaf->party ? ca_pem : NULL, error);

    return r < 0 || !leaf->party ? r : pki_update(copy, pem, PKI_PUBLIC_MODE, error);
}

/* ---- all of it ---- */

static int ensure_leaves(struct pki_session *session, struct error *error) {
    char *pems[ARRAY_SIZE(leaves)] = {NULL};
    CLEANUP_FREE char *ca_pem = NULL;
    bool due = session->renew_all;
    int r = 0;

    for (size_t i = 0; i < ARRAY_SIZE(leaves) && r == 0; i++) {
        r = read_leaf(session, &leaves[i], session->ca.certificate, &pems[i], error);
        due = due || !pems[i];
    }
    if (r == 0 && due)
        r = pki_ca_ready(session, error);
    if (r == 0)
        r = pki_certificate_pem(session->ca.certificate, &ca_pem, error);
    for (size_t i = 0; i < ARRAY_SIZE(leaves) && r == 0; i++) {
        if (!pems[i] || session->renew_all) {
            memory_freep(&pems[i]);
            pems[i] = NULL;
            r = issue_leaf(session, &leaves[i], &session->ca, &pems[i], error);
        }
        if (r == 0)
            r = install_leaf(session, &leaves[i], pems[i], ca_pem, error);
    }
    for (size_t i = 0; i < ARRAY_SIZE(leaves); i++)
        free(pems[i]);
    return r;
}

/* The other CA lives only as long as it takes to sign the stranger's certificate. */
static int issue_stranger(struct pki_session *session, struct error *error) {
    CLEANUP(pki_authority_clear) struct pki_authority other = {0};
    CLEANUP_FREE char *pem = NULL;
    int r = pki_generate_key(session->options->key_type, &other.key, error);

    if (r == 0)
        r = pki_ca_issue(session, other.key, OTHER_CA_NAME, &other.certificate, error);
    if (r == 0)
        r = issue_leaf(session, &stranger, &other, &pem, error);
    if (r == 0)
        r = pki_ca_keep(session, "proof", "other-ca", other.certificate, error);
    return r < 0 ? r : install_leaf(session, &stranger, pem, NULL, error);
}

static int ensure_stranger(struct pki_session *session, struct error *error) {
    CLEANUP_FREE char *path = pki_path(session, "proof", "other-ca", ".crt");
    CLEANUP(X509_freep) X509 *other = NULL;
    CLEANUP_FREE char *other_pem = NULL;
    CLEANUP_FREE char *pem = NULL;
    int r = pki_read(path, &other_pem, error);

    if (r < 0)
        return r;
    other = pki_ca_usable(session, other_pem);
    r = read_leaf(session, &stranger, other, &pem, error);
    if (r < 0 || (pem && !session->options->force))
        return r;
    return issue_stranger(session, error);
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

int pki_ensure(const struct pki_options *options, struct pki_outcome *ret, struct error *error) {
    CLEANUP(session_clear) struct pki_session session = {.options = options};
    CLEANUP_FD int lock = -1;
    int r = check_options(options, error);

    if (r == 0)
        r = pki_addresses_parse(options->addresses, &session.addresses, error);
    if (r == 0)
        r = pki_make_folder(options->folder, error);
    if (r == 0)
        r = pki_lock(options->folder, &lock, error);
    if (r < 0)
        return r;
    session.store = pki_store(options->folder, options->key_type);
    session.now_s = clock_realtime_ns() / NS_PER_S;
    r = make_folders(&session, error);
    if (r == 0)
        r = pki_ca_read(&session, error);
    if (r == 0)
        r = ensure_leaves(&session, error);
    if (r == 0)
        r = ensure_stranger(&session, error);
    if (r == 0)
        *ret = session.outcome;
    return r;
}
