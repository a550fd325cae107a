#include "security/key_proofs.h"

#include "base/folder.h"
#include "security/key_token.h"
#include "security/pki_internal.h"
#include "security/secret.h"

#include <errno.h>
#include <fts.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdint.h>
#include <string.h>

#define LOOK_BYTES (16 * 1024 * 1024) /* above any file with certificates */

/* The client_config of the next party of the host that has its key in a token, from *party on,
 * which then is the one behind it; the caller's. NULL: there is no more. */
static struct client_config *next_holder(const struct proof_setup *setup, enum party *party) {
    while (*party <= PARTY_CLIENT2) {
        bool is_here = (*party != PARTY_CLIENT2) == setup->at_broker;
        CLEANUP(client_config_freep)
        struct client_config *config = mechanism_client_config(setup->bringup, (*party)++, "", 0);
        struct client_config *ret = config;

        if (!is_here || !key_token_is_uri(config->tls.key_file))
            continue;
        config = NULL;
        return ret;
    }
    return NULL;
}

/* ---- no file has it ---- */

struct search {
    X509 *certificates[2]; /* whose keys are looked for */
    size_t n, files, unread;
    char *found, *words; /* the first with such a key; of the first unread one, why */
};

static void search_clear(struct search *search) {
    for (size_t i = 0; i < search->n; i++)
        X509_free(search->certificates[i]);
    free(search->found);
    free(search->words);
}

static bool is_wanted(const struct search *search, const EVP_PKEY *key) {
    for (size_t i = 0; i < search->n && key; i++)
        if (X509_check_private_key(search->certificates[i], key) == 1)
            return true;
    return false;
}

/* Whether one of the keys in a file's bytes is wanted, if it needs no passphrase: nobody is asked.
 */
static bool has_key(const struct search *search, const char *bytes, size_t length) {
    const unsigned char *der = (const unsigned char *)bytes;
    CLEANUP(EVP_PKEY_freep) EVP_PKEY *whole = d2i_AutoPrivateKey(NULL, &der, (long)length);
    CLEANUP(BIO_free_allp) BIO *bio = BIO_new_mem_buf(bytes, (int)length);
    bool has = is_wanted(search, whole);

    while (!has && bio && BIO_pending(bio) > 0) {
        CLEANUP(EVP_PKEY_freep)
        EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, (void *)(uintptr_t) "");

        has = is_wanted(search, key);
    }
    ERR_clear_error();
    return has;
}

static void look_into(struct search *search, const char *path) {
    CLEANUP(pki_secret_freep) char *bytes = NULL;
    struct error error;
    size_t length;
    int r = file_read(path, LOOK_BYTES, &bytes, &length, &error);

    if (r == -ENOENT) /* another bench makes certificates there, too */
        return;
    search->files++;
    if (r < 0) {
        search->unread++;
        if (!search->words)
            search->words = text_copy(error.text);
    } else if (!search->found && has_key(search, bytes, length)) {
        search->found = text_copy(path);
    }
}

/* Through all files below a folder, and what links in it lead to. */
static int walk(struct search *search, const char *folder, struct error *error) {
    char *const folders[] = {(char *)(uintptr_t)folder, NULL};
    FTS *tree = fts_open(folders, FTS_LOGICAL | FTS_NOCHDIR, NULL);
    FTSENT *entry;
    int r = 0;

    if (!tree)
        return error_errno(error, -errno, "%s", folder);
    while (r == 0 && (entry = fts_read(tree))) {
        bool lost =
            entry->fts_info == FTS_DNR || entry->fts_info == FTS_ERR || entry->fts_info == FTS_NS;

        if (lost && entry->fts_errno != ENOENT) /* gone: another bench makes certificates, too */
            r = error_errno(error, -entry->fts_errno, "%s", entry->fts_path);
        else if (entry->fts_info == FTS_F)
            look_into(search, entry->fts_path);
    }
    (void)fts_close(tree);
    return r;
}

static int want_key_of(struct search *search, const char *path, struct error *error) {
    CLEANUP_FREE char *pem = NULL;
    X509 *certificate;
    int r = pki_read(path, &pem, error);

    if (r < 0)
        return r;
    certificate = pki_parse_certificate(pem);
    if (!certificate)
        return error_set(error, -EIO, "%s: no certificate, whose key could be looked for", path);
    search->certificates[search->n++] = certificate;
    return 0;
}

int key_proof_no_file(const struct proof_setup *setup, struct proof_seen *ret,
                      struct error *error) {
    CLEANUP(search_clear) struct search search = {.n = 0};
    enum party party = PARTY_BROKER;
    struct client_config *holder;
    int r = 0;

    while (r == 0 && (holder = next_holder(setup, &party))) {
        r = want_key_of(&search, holder->tls.cert_file, error);
        client_config_free(holder);
    }
    if (r == 0)
        r = walk(&search, setup->bringup->certs, error);
    if (r == 0 && !search.files) /* the certificates at least are there */
        r = error_set(error, -EIO, "%s: no file was found", setup->bringup->certs);
    if (r < 0)
        return r;
    ret->held = !search.found && !search.unread;
    (void)snprintf(ret->observed, sizeof(ret->observed), "%s",
                   search.found    ? "a key"
                   : search.unread ? "no key in those that could be read"
                                   : "no key");
    if (search.found)
        (void)snprintf(ret->cause, sizeof(ret->cause), "%s", search.found);
    else if (search.unread)
        (void)snprintf(ret->cause, sizeof(ret->cause), "%zu of %zu files unread: %s", search.unread,
                       search.files, search.words);
    else
        (void)snprintf(ret->cause, sizeof(ret->cause), "%zu files searched", search.files);
    return 0;
}

/* ---- what the token does ---- */

int key_proof_not_given_out(const struct proof_setup *setup, struct proof_seen *ret,
                            struct error *error) {
    CLEANUP_FREE char *holders = text_copy("");
    enum party party = PARTY_BROKER;
    struct client_config *holder;
    int r = 0;

    while (r == 0 && (holder = next_holder(setup, &party))) {
        text_append(&holders, ", ", party_name(party - 1));
        r = key_token_check_secrecy(holder->tls.key_file, error);
        client_config_free(holder);
    }
    if (r < 0 && r != -EPERM)
        return r;
    ret->held = r == 0;
    (void)snprintf(ret->observed, sizeof(ret->observed), "%s",
                   r == 0 ? KEY_PROOF_NOT_GIVEN_OUT : "it could be had");
    (void)snprintf(ret->cause, sizeof(ret->cause), "%s", r == 0 ? holders : error->text);
    return 0;
}

/* The token of this host as its first holder uses it, and the name of the key there. */
struct use {
    struct key_token token;
    char *object, *right; /* the URI of both */
};

static void use_clear(struct use *use) {
    key_token_clear(&use->token);
    free(use->object);
    free(use->right);
}

static int use_open(struct use *ret, const struct proof_setup *setup, struct error *error) {
    enum party party = PARTY_BROKER;
    CLEANUP(client_config_freep) struct client_config *holder = next_holder(setup, &party);

    if (!holder || !key_token_parse(holder->tls.key_file, &ret->token, &ret->object))
        return error_set(error, -EINVAL, "the key is in no token");
    ret->right = text_copy(holder->tls.key_file);
    return 0;
}

/* Altered, it must be refused for this cause, and the right one not, before and after. */
static int refuses(const struct use *use, const char *cause, struct proof_seen *ret,
                   struct error *error) {
    CLEANUP_FREE char *altered = key_token_uri(&use->token, use->object);
    int seen, r = key_token_try(use->right, error);

    if (r < 0)
        return r;
    seen = key_token_try(altered, error);
    (void)snprintf(ret->observed, sizeof(ret->observed), "%s", seen == 0 ? "signed" : "refused");
    (void)snprintf(ret->cause, sizeof(ret->cause), "%s", seen == 0 ? "" : error->text);
    ret->held = seen < 0 && strstr(error->text, cause);
    return key_token_try(use->right, error);
}

/* As long as the right one and of digits, so that it is refused for nothing but being wrong. */
static int write_wrong_pin(const char *right_file, const char *path, struct error *error) {
    CLEANUP(secret_freep) char *right = NULL;
    CLEANUP_FREE char *wrong = NULL;
    int r = secret_read(right_file, &right, error);

    if (r < 0)
        return r;
    wrong = text_copy(right);
    memset(wrong, '0', strlen(wrong));
    if (text_equal(wrong, right))
        memset(wrong, '1', strlen(wrong));
    return file_replace(path, FILE_PRIVATE, wrong, error);
}

int key_proof_wrong_pin(const struct proof_setup *setup, struct proof_seen *ret,
                        struct error *error) {
    CLEANUP(use_clear) struct use use = {0};
    CLEANUP_FREE char *wrong_file = NULL;
    struct folder folder = FOLDER_NONE;
    int r = use_open(&use, setup, error);

    if (r == 0)
        r = folder_make(&folder, "bench-pin-", error);
    if (r < 0)
        return r;
    wrong_file = text_format("%s/pin", folder.path);
    r = write_wrong_pin(use.token.pin_file, wrong_file, error);
    text_replace(&use.token.pin_file, wrong_file);
    if (r == 0)
        r = refuses(&use, KEY_PROOF_WRONG_PIN, ret, error);
    folder_remove(&folder);
    return r;
}

/* Ours has an empty one beside it; in the user's no key has that name. */
int key_proof_no_key(const struct proof_setup *setup, struct proof_seen *ret, struct error *error) {
    CLEANUP(use_clear) struct use use = {0};
    int r = use_open(&use, setup, error);

    if (r < 0)
        return r;
    if (use.token.softhsm)
        text_replace(&use.token.label, KEY_TOKEN_EMPTY);
    else
        text_replace(&use.object, "bench nobody");
    return refuses(&use, KEY_PROOF_NO_KEY, ret, error);
}
