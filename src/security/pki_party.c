#include "security/pki_internal.h"

#include <errno.h>
#include <openssl/err.h>

static const struct pki_holder holders[] = {
    {"broker", "broker", "broker", "ca.crt", "ca.crl"},
    {"client1", "client1", "client1", "ca.crt", NULL},
    {"client2", "client2", "client2", "ca.crt", NULL},
    /* Right in all but one thing, so that they are refused for that one alone. */
    {"expired", "proof", "client1", NULL, NULL},
    {"revoked", "proof", "client1", NULL, NULL},
    {"stranger", "proof", "client1", "other-ca.crt", NULL},
};

const struct pki_holder *pki_holder_find(const char *name) {
    for (size_t i = 0; i < ARRAY_SIZE(holders); i++)
        if (text_equal(holders[i].name, name))
            return &holders[i];
    return NULL;
}

void pki_party_files_clear(struct pki_party_files *files) {
    free(files->request);
    free(files->certificate);
    free(files->authority);
    free(files->revoked);
    *files = (struct pki_party_files){0};
}

/* ---- a holder's place in the store of its host ---- */

struct place {
    const struct pki_holder *holder;
    const char *key_type;
    char *folder;
    int lock;
};

static void place_clear(struct place *place) {
    free(place->folder);
    memory_close_fdp(&place->lock);
}

static char *path_of(const struct place *place, const char *suffix) {
    return text_format("%s/%s%s", place->folder, place->holder->name, suffix);
}

/* NULL when this holder keeps none. */
static char *kept_path(const struct place *place, const char *file) {
    return file ? text_format("%s/%s", place->folder, file) : NULL;
}

/* Only known names become part of a path: they may have come from another host. The lock is not
 * that of pki_ensure(), which is held while an agent on the same host obeys. */
static int place_open(struct place *place, const char *folder, const char *key_type,
                      const char *holder, struct error *error) {
    CLEANUP_FREE char *store = NULL;
    int r;

    place->holder = pki_holder_find(holder);
    place->key_type = key_type;
    if (!place->holder)
        return error_set(error, -EINVAL, "'%.40s' is nobody who holds a certificate",
                         holder ? holder : "");
    if (!pki_is_key_type(key_type))
        return error_set(error, -EINVAL, "key type '%.40s': not one of " PKI_KEY_TYPES,
                         key_type ? key_type : "");
    store = pki_store(folder, key_type);
    place->folder = text_format("%s/%s", store, place->holder->folder);
    r = pki_make_folder(folder, error);
    if (r < 0)
        return r;
    r = pki_lock(folder, "parties.lock", &place->lock, error);
    if (r < 0)
        return r;
    r = pki_make_folder(store, error);
    return r < 0 ? r : pki_make_folder(place->folder, error);
}

/* ---- step 2 ---- */

static int ready_key(const struct place *place, char **ret_pem, struct error *error) {
    CLEANUP_FREE char *path = path_of(place, ".key");
    CLEANUP(pki_secret_freep) char *pem = NULL;
    CLEANUP(EVP_PKEY_freep) EVP_PKEY *key = NULL;
    int r = pki_read(path, &pem, error);

    if (r < 0)
        return r;
    key = pki_parse_key(pem, NULL, NULL);
    if (!pki_has_key_type(key, place->key_type)) {
        pki_secret_freep(&pem);
        pem = NULL;
        r = pki_make_key(place->key_type, NULL, &pem, error);
        if (r < 0)
            return r;
        r = durable_write_text(path, DURABLE_PRIVATE, pem, error);
        if (r < 0)
            return r;
    }
    *ret_pem = pem;
    pem = NULL;
    return 0;
}

/* ---- step 3 ---- */

/* Whether the file's text is a request that fits, and holds nothing besides. */
static bool is_good_request(const char *pem, const char *key_pem, const char *common_name) {
    CLEANUP(EVP_PKEY_freep) EVP_PKEY *key = pki_parse_key(key_pem, NULL, NULL);
    CLEANUP(X509_REQ_freep) X509_REQ *request = pki_parse_request(pem);
    CLEANUP_FREE char *pure = pki_pure_request(pem);

    return request && pki_request_fits(request, key, common_name) && text_equal(pure, pem);
}

static int ready_request(const struct place *place, char **ret_pem, struct error *error) {
    CLEANUP_FREE char *path = path_of(place, ".csr");
    CLEANUP(pki_secret_freep) char *key_pem = NULL;
    CLEANUP_FREE char *pem = NULL;
    int r = ready_key(place, &key_pem, error);

    if (r < 0)
        return r;
    r = pki_read(path, &pem, error);
    if (r < 0)
        return r;
    if (!is_good_request(pem, key_pem, place->holder->common_name)) {
        memory_freep(&pem);
        pem = NULL;
        r = pki_make_request(key_pem, place->holder->common_name, &pem, error);
        if (r < 0)
            return r;
        r = durable_write_text(path, PKI_PUBLIC_MODE, pem, error);
        if (r < 0)
            return r;
    }
    *ret_pem = pem;
    pem = NULL;
    return 0;
}

/* What leaves the host is what the file should hold and nothing but that: a file with more in it (a
 * key, say) counts as none, as does one that this holder does not keep (path NULL). */
static int read_pure(const char *path, char *pure_of(const char *pem), char **ret_pem,
                     struct error *error) {
    CLEANUP_FREE char *pem = NULL, *pure = NULL;
    int r = path ? pki_read(path, &pem, error) : 0;

    if (r < 0)
        return r;
    pure = pure_of(pem);
    if (pure && text_equal(pure, pem)) {
        *ret_pem = pure;
        pure = NULL;
    }
    return 0;
}

int pki_party_request(const char *folder, const char *key_type, const char *holder,
                      struct pki_party_files *ret, struct error *error) {
    CLEANUP(place_clear) struct place place = {.lock = -1};
    CLEANUP(pki_party_files_clear) struct pki_party_files files = {0};
    CLEANUP_FREE char *path = NULL;
    CLEANUP_FREE char *ca_path = NULL, *list_path = NULL;
    int r = place_open(&place, folder, key_type, holder, error);

    if (r < 0)
        return r;
    path = path_of(&place, ".crt");
    ca_path = kept_path(&place, place.holder->authority);
    list_path = kept_path(&place, place.holder->revoked);
    r = ready_request(&place, &files.request, error);
    if (r < 0)
        return r;
    r = read_pure(path, pki_pure_certificate, &files.certificate, error);
    if (r < 0)
        return r;
    r = read_pure(ca_path, pki_pure_certificate, &files.authority, error);
    if (r < 0)
        return r;
    r = read_pure(list_path, pki_pure_crl, &files.revoked, error);
    if (r < 0)
        return r;
    *ret = files;
    files = (struct pki_party_files){0};
    return 0;
}

/* ---- step 5 ---- */

static int check_key(const struct place *place, X509 *certificate, struct error *error) {
    CLEANUP_FREE char *path = path_of(place, ".key");
    CLEANUP(pki_secret_freep) char *pem = NULL;
    CLEANUP(EVP_PKEY_freep) EVP_PKEY *key = NULL;
    bool fits;
    int r = pki_read(path, &pem, error);

    if (r < 0)
        return r;
    key = pki_parse_key(pem, NULL, NULL);
    fits = key && X509_check_private_key(certificate, key) == 1;
    ERR_clear_error();
    if (!key)
        return error_set(error, -ENOKEY, "%s: there is no key for the certificate that came", path);
    return fits ? 0
                : error_set(error, -EKEYREJECTED,
                            "%s: the certificate that came is for another key; run again", path);
}

static int check_authority(const struct place *place, X509 *certificate, X509 *authority,
                           struct error *error) {
    bool good;

    if (!place->holder->authority)
        return error_set(error, -EINVAL, "%s keeps no certificate of a CA", place->holder->name);
    good = authority && X509_check_ca(authority) == 1 && pki_is_signed_by(certificate, authority);
    ERR_clear_error();
    return good ? 0
                : error_set(error, -EKEYREJECTED,
                            "%s/%s.crt: the certificate that came is not signed by the CA that "
                            "came with it",
                            place->folder, place->holder->name);
}

static int check_list(const struct place *place, X509_CRL *list, X509 *authority,
                      struct error *error) {
    if (!place->holder->revoked)
        return error_set(error, -EINVAL, "%s keeps no list of revoked certificates",
                         place->holder->name);
    if (!list || !authority || !pki_crl_is_of(list, authority))
        return error_set(error, -EKEYREJECTED,
                         "%s/%s: the list of revoked certificates that came is not signed by the "
                         "CA that came with it",
                         place->folder, place->holder->revoked);
    return 0;
}

/* Keeps what came as it was understood, whatever stood around it in the text. */
int pki_party_install(const char *folder, const char *key_type, const char *holder,
                      const char *certificate, const char *authority, const char *revoked,
                      struct error *error) {
    CLEANUP(place_clear) struct place place = {.lock = -1};
    CLEANUP(X509_freep) X509 *own = pki_parse_certificate(certificate);
    CLEANUP(X509_freep) X509 *ca = pki_parse_certificate(authority);
    CLEANUP(X509_CRL_freep) X509_CRL *list = pki_parse_crl(revoked);
    CLEANUP_FREE char *path = NULL, *ca_path = NULL, *list_path = NULL;
    CLEANUP_FREE char *own_pem = pki_pure_certificate(certificate);
    CLEANUP_FREE char *ca_pem = pki_pure_certificate(authority);
    CLEANUP_FREE char *list_pem = pki_pure_crl(revoked);
    int r = place_open(&place, folder, key_type, holder, error);

    if (r < 0)
        return r;
    if (!own)
        return error_set(error, -EBADMSG, "%s: what came is no certificate", holder);
    r = check_key(&place, own, error);
    if (r < 0)
        return r;
    r = authority ? check_authority(&place, own, ca, error) : 0;
    if (r < 0)
        return r;
    r = revoked ? check_list(&place, list, ca, error) : 0;
    if (r < 0)
        return r;
    path = path_of(&place, ".crt");
    ca_path = kept_path(&place, place.holder->authority);
    list_path = kept_path(&place, place.holder->revoked);
    r = pki_update(path, own_pem, PKI_PUBLIC_MODE, error);
    if (r < 0)
        return r;
    r = authority ? pki_update(ca_path, ca_pem, PKI_PUBLIC_MODE, error) : 0;
    if (r < 0)
        return r;
    return revoked ? pki_update(list_path, list_pem, PKI_PUBLIC_MODE, error) : 0;
}
