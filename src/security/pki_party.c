#include "security/key_token.h"
#include "security/pki_internal.h"

#include "base/jsonline.h"

#include <errno.h>
#include <openssl/err.h>
#include <unistd.h>

const struct pki_holder pki_holders[PKI_N_HOLDERS] = {
    [PKI_BROKER] = {"broker", "broker", "broker", "ca.crt", "ca.crl", PKI_SERVER, .party = true},
    [PKI_CLIENT1] = {"client1", "client1", "client1", "ca.crt", NULL, PKI_CLIENT, .party = true},
    [PKI_CLIENT2] = {"client2", "client2", "client2", "ca.crt", NULL, PKI_CLIENT, .party = true},
    /* Right in all but one thing, so that they are refused for that one alone. */
    [PKI_EXPIRED] = {"expired", "proof", "client1", NULL, NULL, PKI_CLIENT, .expired = true},
    [PKI_REVOKED] = {"revoked", "proof", "client1", NULL, NULL, .role = PKI_CLIENT},
    [PKI_CLASSICAL] = {"classical", "proof", "client1", NULL, NULL, PKI_CLIENT, .classical = true},
    [PKI_STRANGER] = {"stranger", "proof", "client1", "other-ca.crt", NULL, .role = PKI_CLIENT},
};

const char *pki_holder_key_type(const struct pki_holder *holder, const struct pki_chain *chain) {
    if (!holder->classical)
        return chain->key_type;
    return pki_is_post_quantum(chain->key_type) ? PKI_DEFAULT_KEY_TYPE : NULL;
}

/* ---- a chain on its way ---- */

json_t *pki_chain_to_json(const struct pki_chain *chain) {
    return json_pack("{s:s,s:s*,s:I,s:s*,s:s*,s:s*}", "key_type", chain->key_type, "ca_key_type",
                     chain->ca_key_type, "tokens", (json_int_t)chain->tokens, "token_module",
                     chain->token_module, "token", chain->token, "token_pin", chain->token_pin);
}

struct pki_chain pki_chain_from_json(const json_t *object) {
    return (struct pki_chain){jsonline_text(object, "key_type", ""),
                              jsonline_text(object, "ca_key_type", NULL),
                              jsonline_integer(object, "tokens", PKI_TOKENS_NONE),
                              jsonline_text(object, "token_module", NULL),
                              jsonline_text(object, "token", NULL),
                              jsonline_text(object, "token_pin", NULL)};
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
    const char *key_type; /* the holder's */
    char *folder;
    char *key, *request, *certificate; /* paths; of a key in a token its URI */
    char *authority, *revoked;         /* paths, NULL when this holder keeps none */
    bool in_token;
    int lock;
};

static void place_clear(struct place *place) {
    free(place->folder);
    free(place->key);
    free(place->request);
    free(place->certificate);
    free(place->authority);
    free(place->revoked);
    memory_close_fdp(&place->lock);
}

static char *kept_path(const struct place *place, const char *file) {
    return file ? text_format("%s/%s", place->folder, file) : NULL;
}

/* By that of client2, which makes the proofs, those certificates are good that a broker must
 * refuse: each is wrong in one thing alone, and a token has no room to waste. */
static char *token_key(const char *folder, const struct pki_chain *chain,
                       const struct pki_holder *holder) {
    CLEANUP(key_token_clear)
    struct key_token token =
        chain->token ? key_token_named(chain->token_module, chain->token, chain->token_pin)
                     : key_token_own(folder);
    CLEANUP_FREE char *object =
        text_format("bench %s %s", holder->party ? holder->name : "client2", chain->key_type);

    return key_token_uri(&token, object);
}

static bool is_in_token(const struct pki_chain *chain, const struct pki_holder *holder) {
    return chain->tokens == PKI_TOKENS_ALL ||
           chain->tokens == (holder->role == PKI_SERVER ? PKI_TOKENS_BROKER : PKI_TOKENS_CLIENTS);
}

static const struct pki_holder *find_holder(const char *name) {
    for (size_t i = 0; i < PKI_N_HOLDERS; i++)
        if (text_equal(pki_holders[i].name, name))
            return &pki_holders[i];
    return NULL;
}

static char *key_path(const char *folder, const struct pki_chain *chain,
                      const struct pki_holder *holder) {
    CLEANUP_FREE char *store = pki_store(folder, chain);

    return text_format("%s/%s/%s.key", store, holder->folder, holder->name);
}

char *pki_key_name(const char *folder, const struct pki_chain *chain, const char *name) {
    const struct pki_holder *holder = find_holder(name);

    return is_in_token(chain, holder) ? token_key(folder, chain, holder)
                                      : key_path(folder, chain, holder);
}

/* What is in a token is nowhere else. */
static int check_no_file(const char *folder, const struct pki_chain *chain,
                         const struct pki_holder *holder, struct error *error) {
    CLEANUP_FREE char *path = key_path(folder, chain, holder);

    return access(path, F_OK) < 0
               ? 0
               : error_set(error, -EEXIST,
                           "%s is a key in a file where keys are in a token; remove it", path);
}

/* Only known names become part of a path: they may have come from another host. The lock is not
 * that of pki_ensure(), which is held while an agent on the same host obeys. */
static int place_open(struct place *place, const char *folder, const struct pki_chain *chain,
                      const char *name, struct error *error) {
    CLEANUP_FREE char *store = NULL;
    int r = pki_check_chain(chain, error);

    if (r < 0)
        return r;
    place->holder = find_holder(name);
    place->key_type = place->holder ? pki_holder_key_type(place->holder, chain) : NULL;
    if (!place->key_type)
        return error_set(error, -EINVAL, "'%.40s' is nobody who holds a certificate",
                         name ? name : "");
    store = pki_store(folder, chain);
    place->folder = text_format("%s/%s", store, place->holder->folder);
    place->in_token = is_in_token(chain, place->holder);
    place->key = pki_key_name(folder, chain, name);
    place->request = text_format("%s/%s.csr", place->folder, name);
    place->certificate = text_format("%s/%s.crt", place->folder, name);
    place->authority = kept_path(place, place->holder->authority);
    place->revoked = kept_path(place, place->holder->revoked);
    r = pki_make_folder(folder, error);
    if (r < 0)
        return r;
    r = pki_lock(folder, "parties.lock", &place->lock, error);
    if (r < 0)
        return r;
    r = pki_make_folder(store, error);
    if (r == 0 && place->in_token)
        r = check_no_file(folder, chain, place->holder, error);
    return r < 0 ? r : pki_make_folder(place->folder, error);
}

/* The public half of a key in a token, which is made when there is none, and a request by it. */
static int ask_token(const struct place *place, EVP_PKEY **ret, char **ret_request,
                     struct error *error) {
    CLEANUP(X509_REQ_freep) X509_REQ *request = NULL;
    int r = key_token_request(place->key, place->key_type, place->holder->common_name, ret_request,
                              error);

    if (r < 0)
        return r;
    request = pki_parse_request(*ret_request);
    *ret = request ? X509_REQ_get_pubkey(request) : NULL;
    return *ret ? 0 : pki_openssl_error(error, "a token's request");
}

/* The key that is there, NULL when there is none; of one in a token, the public half. */
static int read_key(const struct place *place, EVP_PKEY **ret, struct error *error) {
    CLEANUP(pki_secret_freep) char *pem = NULL;
    CLEANUP_FREE char *request = NULL;
    int r = place->in_token ? 0 : pki_read(place->key, &pem, error);

    if (r < 0)
        return r;
    if (place->in_token)
        return ask_token(place, ret, &request, error);
    *ret = pki_parse_key(pem, NULL, NULL);
    return 0;
}

/* ---- steps 2 and 3 ---- */

static int ready_key(const struct place *place, EVP_PKEY **ret, struct error *error) {
    CLEANUP(pki_secret_freep) char *pem = NULL;
    CLEANUP(EVP_PKEY_freep) EVP_PKEY *key = NULL;
    int r = read_key(place, &key, error);

    if (r < 0)
        return r;
    if (!pki_has_key_type(key, place->key_type)) {
        EVP_PKEY_free(key);
        key = NULL;
        r = pki_make_key(place->key_type, NULL, &key, &pem, error);
        if (r < 0)
            return r;
        r = file_replace(place->key, FILE_PRIVATE, pem, error);
        if (r < 0)
            return r;
    }
    *ret = key;
    key = NULL;
    return 0;
}

/* Whether the file's text is a request that fits the key, and holds nothing besides. */
static bool is_good_request(const char *pem, const EVP_PKEY *key, const char *common_name) {
    CLEANUP(X509_REQ_freep) X509_REQ *request = pki_parse_request(pem);
    CLEANUP_FREE char *pure = pki_pure_request(pem);

    return request && pki_request_is_for(request, common_name) &&
           EVP_PKEY_eq(X509_REQ_get0_pubkey(request), key) == 1 && text_equal(pure, pem);
}

static int ready_request(const struct place *place, char **ret_pem, struct error *error) {
    CLEANUP(EVP_PKEY_freep) EVP_PKEY *key = NULL;
    CLEANUP_FREE char *pem = NULL, *fresh = NULL;
    int r = place->in_token ? ask_token(place, &key, &fresh, error) : ready_key(place, &key, error);

    if (r < 0)
        return r;
    r = pki_read(place->request, &pem, error);
    if (r < 0)
        return r;
    if (!is_good_request(pem, key, place->holder->common_name)) {
        r = fresh ? 0 : pki_make_request(key, place->holder->common_name, &fresh, error);
        if (r < 0)
            return r;
        free(pem);
        pem = fresh;
        fresh = NULL;
        r = file_replace(place->request, PKI_PUBLIC_MODE, pem, error);
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

int pki_party_request(const char *folder, const struct pki_chain *chain, const char *holder,
                      struct pki_party_files *ret, struct error *error) {
    CLEANUP(place_clear) struct place place = {.lock = -1};
    CLEANUP(pki_party_files_clear) struct pki_party_files files = {0};
    int r = place_open(&place, folder, chain, holder, error);

    if (r < 0)
        return r;
    r = ready_request(&place, &files.request, error);
    if (r < 0)
        return r;
    r = read_pure(place.certificate, pki_pure_certificate, &files.certificate, error);
    if (r < 0)
        return r;
    r = read_pure(place.authority, pki_pure_certificate, &files.authority, error);
    if (r < 0)
        return r;
    r = read_pure(place.revoked, pki_pure_crl, &files.revoked, error);
    if (r < 0)
        return r;
    *ret = files;
    files = (struct pki_party_files){0};
    return 0;
}

/* ---- step 5 ---- */

static int check_key(const struct place *place, X509 *certificate, struct error *error) {
    CLEANUP(EVP_PKEY_freep) EVP_PKEY *key = NULL;
    bool fits;
    int r = read_key(place, &key, error);

    if (r < 0)
        return r;
    if (!key)
        return error_set(error, -ENOKEY, "%s: there is no key for the certificate that came",
                         place->key);
    fits = X509_check_private_key(certificate, key) == 1;
    ERR_clear_error();
    return fits ? 0
                : error_set(error, -EKEYREJECTED,
                            "%s: the certificate that came is for another key; run again",
                            place->key);
}

static int check_authority(const struct place *place, X509 *certificate, X509 *authority,
                           struct error *error) {
    bool good;

    if (!place->authority)
        return error_set(error, -EINVAL, "%s keeps no certificate of a CA", place->holder->name);
    good = authority && X509_check_ca(authority) == 1 && pki_is_signed_by(certificate, authority);
    ERR_clear_error();
    return good ? 0
                : error_set(error, -EKEYREJECTED,
                            "%s: the certificate that came is not signed by the CA that came with "
                            "it",
                            place->certificate);
}

static int check_list(const struct place *place, X509_CRL *list, X509 *authority,
                      struct error *error) {
    if (!place->revoked)
        return error_set(error, -EINVAL, "%s keeps no list of revoked certificates",
                         place->holder->name);
    if (!list || !authority || !pki_crl_is_of(list, authority))
        return error_set(error, -EKEYREJECTED,
                         "%s: the list of revoked certificates that came is not signed by the CA "
                         "that came with it",
                         place->revoked);
    return 0;
}

/* Keeps what came as it was understood, whatever stood around it in the text. */
int pki_party_install(const char *folder, const struct pki_chain *chain, const char *holder,
                      const char *certificate, const char *authority, const char *revoked,
                      struct error *error) {
    CLEANUP(place_clear) struct place place = {.lock = -1};
    CLEANUP(X509_freep) X509 *own = pki_parse_certificate(certificate);
    CLEANUP(X509_freep) X509 *ca = pki_parse_certificate(authority);
    CLEANUP(X509_CRL_freep) X509_CRL *list = pki_parse_crl(revoked);
    CLEANUP_FREE char *own_pem = pki_pure_certificate(certificate);
    CLEANUP_FREE char *ca_pem = pki_pure_certificate(authority);
    CLEANUP_FREE char *list_pem = pki_pure_crl(revoked);
    int r = place_open(&place, folder, chain, holder, error);

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
    r = pki_update(place.certificate, own_pem, error);
    if (r < 0)
        return r;
    r = authority ? pki_update(place.authority, ca_pem, error) : 0;
    if (r < 0)
        return r;
    return revoked ? pki_update(place.revoked, list_pem, error) : 0;
}
