#include "security/key_proofs.h"

#include "base/folder.h"
#include "security/key_token.h"
#include "security/pki_internal.h"
#include "security/tls.h"

#include <errno.h>
#include <fts.h>
#include <openssl/err.h>
#include <string.h>

#define LOOK_BYTES (256 * 1024) /* above any key */

/* ---- no file has it ---- */

/* In one file: whether it is a key without a passphrase that one of the certificates is for. */
static bool is_key_of(const char *path, X509 *const *certificates, size_t n) {
    CLEANUP(pki_secret_freep) char *text = NULL;
    CLEANUP(EVP_PKEY_freep) EVP_PKEY *key = NULL;
    const unsigned char *bytes;
    size_t length;
    bool is = false;

    if (file_read(path, LOOK_BYTES, &text, &length, NULL) < 0)
        return false;
    bytes = (const unsigned char *)text;
    key = pki_parse_key(text, NULL, NULL);
    if (!key)
        key = d2i_AutoPrivateKey(NULL, &bytes, (long)length);
    for (size_t i = 0; i < n && key && !is; i++)
        is = certificates[i] && X509_check_private_key(certificates[i], key) == 1;
    ERR_clear_error();
    return is;
}

/* How many files there are below a folder, and the first that is such a key; the caller's. */
static int search(const char *folder, X509 *const *certificates, size_t n, size_t *ret_files,
                  char **ret_found, struct error *error) {
    char *const folders[] = {(char *)(uintptr_t)folder, NULL};
    FTS *walk = fts_open(folders, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, NULL);
    FTSENT *entry;
    int r = 0;

    if (!walk)
        return error_errno(error, -errno, "%s", folder);
    *ret_files = 0;
    while (r == 0 && (entry = fts_read(walk))) {
        if (entry->fts_info == FTS_DNR || entry->fts_info == FTS_ERR || entry->fts_info == FTS_NS)
            r = error_errno(error, -entry->fts_errno, "%s", entry->fts_path);
        if (entry->fts_info != FTS_F)
            continue;
        (*ret_files)++;
        if (!*ret_found && is_key_of(entry->fts_path, certificates, n))
            *ret_found = text_copy(entry->fts_path);
    }
    (void)fts_close(walk);
    return r;
}

int key_proof_no_file(const struct proof_setup *setup, struct proof_seen *ret,
                      struct error *error) {
    const struct bringup *bringup = setup->bringup;
    CLEANUP_FREE char *store = tls_store(bringup->channel, bringup->certs), *found = NULL;
    X509 *certificates[2] = {NULL}; /* of client1 where it lives here, too */
    size_t files;
    int r = 0;

    for (size_t i = 0; i < ARRAY_SIZE(certificates) && r == 0; i++) {
        const char *name = party_name(PARTY_CLIENT1 + i);
        CLEANUP_FREE char *path = text_format("%s/%s/%s.crt", store, name, name);
        CLEANUP_FREE char *pem = NULL;

        r = pki_read(path, &pem, error);
        certificates[i] = pki_parse_certificate(pem);
    }
    if (r == 0)
        r = search(bringup->certs, certificates, ARRAY_SIZE(certificates), &files, &found, error);
    for (size_t i = 0; i < ARRAY_SIZE(certificates); i++)
        X509_free(certificates[i]);
    if (r == 0 && files == 0) /* the certificates at least are there */
        r = error_set(error, -EIO, "%s: no file could be read", bringup->certs);
    if (r < 0)
        return r;
    ret->held = !found;
    (void)snprintf(ret->observed, sizeof(ret->observed), "%s", found ? "a key" : "no key");
    if (found)
        (void)snprintf(ret->cause, sizeof(ret->cause), "%s", found);
    else
        (void)snprintf(ret->cause, sizeof(ret->cause), "%zu files read", files);
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
