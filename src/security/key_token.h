/*
 * key_token - private keys that live in a token: made there, used there, never given out.
 *
 * Such a key has a URI (RFC 7512) where one in a file has a path (tls_config.key_file). It names
 * the token and the key in it, the library by which it is reached, and the file with the PIN; the
 * PIN itself stands in that file alone.
 *
 * Unless the user names a token, there is one of SoftHSM, made here in a private folder:
 *
 *   <folder>/softhsm2.conf   <folder>/tokens/   <folder>/pin
 *
 * with an empty one beside it. Libraries of tokens are others' code, and remember who has logged
 * in: but for key_token_load(), each act takes place in a process of its own, `bench token`.
 */
#ifndef BENCH_SECURITY_KEY_TOKEN_H
#define BENCH_SECURITY_KEY_TOKEN_H

#include "security/openssl.h"

#include "base/error.h"

#define KEY_TOKEN_SOFTHSM "bench"       /* the label of ours */
#define KEY_TOKEN_EMPTY   "bench-empty" /* and of the one that stays empty */

/* Where keys are; the texts belong to it. */
struct key_token {
    char *module;   /* the path of the PKCS#11 library */
    char *label;    /* of the token */
    char *pin_file; /* its first line is the PIN */
    char *softhsm;  /* the folder of the token that is ours; NULL: it is the user's */
};
void key_token_clear(struct key_token *token);

/* Our own below the root of all stores of this host; the user's. */
struct key_token key_token_own(const char *certs);
struct key_token key_token_named(const char *module, const char *label, const char *pin_file);
/* Whether this host has what a token of ours takes, or (module given) another: -EOPNOTSUPP and the
 * packages that are missing. */
int key_token_possible(const char *module, struct error *error);

/* Whether the name of a key is that of one in a token; and its URI. */
bool key_token_is_uri(const char *key);
char *key_token_uri(const struct key_token *token, const char *object);
/* What a URI of ours says, *ret_object the caller's (may be NULL); false: it is none. */
bool key_token_parse(const char *uri, struct key_token *ret, char **ret_object);

/* The key, to be used in this process: the first decides which library that is for as long as it
 * lives. -EKEYREJECTED: a wrong PIN. -ENOKEY, -ENODEV: no such key, no such token. */
int key_token_load(const char *uri, EVP_PKEY **ret, struct error *error);

/* How Mosquitto loads the key: lines of its configuration, with the PIN in a file of that private
 * folder; and what its environment must have (NAME=VALUE, the caller's; NULL: nothing). */
int key_token_broker_lines(const char *uri, const char *folder, FILE *lines, struct error *error);
char *key_token_engine_module(const char *uri);
char *key_token_engine_softhsm(const char *uri);

/* ---- in a process of their own ---- */

/* Makes the key when the token has none of this type, and a request for the name, signed by it; the
 * text is the caller's. */
int key_token_request(const char *uri, const char *key_type, const char *common_name,
                      char **ret_pem, struct error *error);
/* What a client that loads the key and signs with it gets to hear: errors as of key_token_load().
 */
int key_token_try(const char *uri, struct error *error);
/* Whether the user's token is there, and the file with its PIN nobody else's: nobody logs in. */
int key_token_check(const struct key_token *token, struct error *error);
/* Whether the token would give the key away: 0 when not. */
int key_token_check_secrecy(const char *uri, struct error *error);

/* That process: does one of them, and says in JSON on stdout what came of it; its exit status. */
int key_token_main(const char *const *words, size_t n);

#endif
