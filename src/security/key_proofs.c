#include "security/key_proofs.h"

#include "base/folder.h"
#include "security/key_token.h"
#include "security/pki_internal.h"
#include "security/tls.h"

#include <errno.h>
#include <fts.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdint.h>
#include <string.h>

#define LOOK_BYTES (16 * 1024 * 1024) /* above any file with certificates */

/* ---- no file has it ---- */

struct search {
    X509 *certificate; /* whose key is looked for */
    size_t files, unread;
    char *found, *words; /* the first with the key; of the first unread one, why */
};

static void search_clear(struct search *search) {
    X509_free(search->certificate);
    free(search->found);
    free(search->words);
}

static bool is_of(const struct search *search, const EVP_PKEY *key) {
    return key && X509_check_private_key(search->certificate, key) == 1;
}

/* Whether one of the keys in a file's bytes is it, if it needs no passphrase: nobody is asked. */
static bool has_key(const struct search *search, const char *bytes, size_t length) {
    const unsigned char *der = (const unsigned char *)bytes;
    CLEANUP(EVP_PKEY_freep) EVP_PKEY *whole = d2i_AutoPrivateKey(NULL, &der, (long)length);
    CLEANUP(BIO_free_allp) BIO *bio = BIO_new_mem_buf(bytes, (int)length);
    bool has = is_of(search, whole);

    while (!has && bio && BIO_pending(bio) > 0) {
        CLEANUP(EVP_PKEY_freep)
        EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, (void *)(uintptr_t) "");

        has = is_of(search, key);
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
    FTS *walk = fts_open(folders, FTS_LOGICAL | FTS_NOCHDIR, NULL);
    FTSENT *entry;
    int r = 0;

    if (!walk)
        return error_errno(error, -errno, "%s", folder);
    while (r == 0 && (entry = fts_read(walk))) {
        if (entry->fts_info == FTS_DNR || entry->fts_info == FTS_ERR || entry->fts_info == FTS_NS)
            r = error_errno(error, -entry->fts_errno, "%s", entry->fts_path);
        else if (entry->fts_info == FTS_F)
            look_into(search, entry->fts_path);
    }
    (void)fts_close(walk);
    return r;
}

int key_proof_no_file(const struct proof_setup *setup, struct proof_seen *ret,
                      struct error *error) {
    const struct bringup *bringup = setup->bringup;
    CLEANUP_FREE char *store = tls_store(bringup->channel, bringup->certs);
    CLEANUP_FREE char *path = text_format("%s/client2/client2.crt", store), *pem = NULL;
    CLEANUP(search_clear) struct search search = {0};
    int r = pki_read(path, &pem, error);

    if (r < 0)
        return r;
    search.certificate = pki_parse_certificate(pem);
    if (!search.certificate)
        return error_set(error, -EIO, "%s: no certificate, whose key could be looked for", path);
    r = walk(&search, bringup->certs, error);
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
    int r = key_token_check_secrecy(setup->right->tls.key_file, error);

    if (r < 0 && r != -EPERM)
        return r;
    ret->held = r == 0;
    (void)snprintf(ret->observed, sizeof(ret->observed), "%s",
                   r == 0 ? KEY_PROOF_NOT_GIVEN_OUT : "it could be had");
    (void)snprintf(ret->cause, sizeof(ret->cause), "%s", r == 0 ? "" : error->text);
    return 0;
}

/* A key under this name must be refused for the cause, and the right one not, before and after. */
static int refuses(const struct proof_setup *setup, const struct key_token *token,
                   const char *object, int code, struct proof_seen *ret, struct error *error) {
    CLEANUP_FREE char *uri = key_token_uri(token, object);
    int seen, r = key_token_try(setup->right->tls.key_file, error);

    if (r < 0)
        return r;
    seen = key_token_try(uri, error);
    (void)snprintf(ret->observed, sizeof(ret->observed), "%s", seen == 0 ? "signed" : "refused");
    (void)snprintf(ret->cause, sizeof(ret->cause), "%s", seen == 0 ? "" : error->text);
    ret->held = seen == code;
    return key_token_try(setup->right->tls.key_file, error);
}

static int parse(const struct proof_setup *setup, struct key_token *ret, char **ret_object,
                 struct error *error) {
    return key_token_parse(setup->right->tls.key_file, ret, ret_object)
               ? 0
               : error_set(error, -EINVAL, "the key is in no token");
}

int key_proof_wrong_pin(const struct proof_setup *setup, struct proof_seen *ret,
                        struct error *error) {
    CLEANUP(key_token_clear) struct key_token token = {0};
    CLEANUP_FREE char *object = NULL;
    struct folder folder = FOLDER_NONE;
    int r = parse(setup, &token, &object, error);

    if (r == 0)
        r = folder_make(&folder, "bench-pin-", error);
    if (r < 0)
        return r;
    free(token.pin_file);
    token.pin_file = text_format("%s/pin", folder.path);
    r = file_replace(token.pin_file, FILE_PRIVATE, "wrong-pin\n", error);
    if (r == 0)
        r = refuses(setup, &token, object, -EKEYREJECTED, ret, error);
    folder_remove(&folder);
    return r;
}

/* Ours has an empty one beside it; in the user's no key has that name. */
int key_proof_no_key(const struct proof_setup *setup, struct proof_seen *ret, struct error *error) {
    CLEANUP(key_token_clear) struct key_token token = {0};
    CLEANUP_FREE char *object = NULL;
    int r = parse(setup, &token, &object, error);

    if (r < 0)
        return r;
    if (token.softhsm)
        text_replace(&token.label, KEY_TOKEN_EMPTY);
    else
        text_replace(&object, "bench nobody");
    return refuses(setup, &token, object, -ENOKEY, ret, error);
}
