/*
 * pkcs11_module - a library by which a token is used (PKCS#11 2.40): its tokens, and the keys in
 * them. What a module says in a number is told in words here.
 *
 * A module is loaded into this process and stays there. Its state (who is logged in) is the
 * process's: who asks the same again as somebody else does so in another process.
 */
#ifndef BENCH_SECURITY_PKCS11_MODULE_H
#define BENCH_SECURITY_PKCS11_MODULE_H

#include "base/error.h"
#include "base/memory.h"

struct pkcs11_module;

/* -ENOENT, -ELIBBAD: there is no such library, or it is no module. */
int pkcs11_open(struct pkcs11_module **ret, const char *path, struct error *error);
void pkcs11_close(struct pkcs11_module *module);
DEFINE_CLEANUP(struct pkcs11_module *, pkcs11_close)

/* Chooses the initialised token of that label for all that follows: -ENODEV with the labels that
 * there are, -ENOTUNIQ when several have it. */
int pkcs11_choose(struct pkcs11_module *module, const char *label, struct error *error);
/* The same, of a token that is made when there is none of that label, in a slot whose token is not
 * initialised. The PIN of its security officer is `officer`. */
int pkcs11_ensure_token(struct pkcs11_module *module, const char *label, const char *officer,
                        const char *pin, struct error *error);

/* -EKEYREJECTED: the PIN is wrong, or was so too often. */
int pkcs11_log_in(struct pkcs11_module *module, const char *pin, struct error *error);

/* Whether keys of this type (security/pki.h) are made in tokens. */
bool pkcs11_has_key_type(const char *key_type);
/* Logged in: whether there is a private key of that label (-ENOKEY), and making one of a type of
 * key, which can be used and never read. -EOPNOTSUPP: not of this type. */
int pkcs11_find_key(struct pkcs11_module *module, const char *label, struct error *error);
int pkcs11_make_key(struct pkcs11_module *module, const char *label, const char *key_type,
                    struct error *error);
/* Whether a key of that label can be read or be taken out: 0 when not; -EPERM with what can. */
int pkcs11_check_secrecy(struct pkcs11_module *module, const char *label, struct error *error);

#endif
