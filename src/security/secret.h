/*
 * secret - what a mechanism's two ends share: generated anew for each run, or the first line of a
 * file of the user's. It goes from the driver to the hosts and into no file of a run.
 */
#ifndef BENCH_SECURITY_SECRET_H
#define BENCH_SECURITY_SECRET_H

#include "security/mechanism.h"

/* The path of `file:PATH`, a part of it; NULL when it is none. */
const char *secret_path(const char *source);

/* For a setting "secret": only a place is a permitted value (`generated`, file:PATH), so that no
 * secret can end up in a resolved scenario. */
int secret_check(const char *value, struct error *error);

/* A user's secret is a text, as MQTT has passwords. */
#define SECRET_MAX_BYTES 65535
/* Shorter ones are found in any traffic by chance: nobody looks for them there. */
#define SECRET_FOUND_BYTES 8

/* What is a member's own of a secret that it has no part in: so many bytes (SECRET_DERIVED_MAX at
 * most) of HMAC-SHA256 under the secret, over the mechanism's name and the number, as hexadecimal
 * digits; the caller's (secret_free()). */
#define SECRET_DERIVED_MAX 32
char *secret_derive(const char *secret, const char *mechanism, int64_t member, size_t bytes);

void secret_free(char *secret); /* wipes it before */
DEFINE_CLEANUP(char *, secret_free)

/* The first line of a file, which may be empty; the caller's (secret_free()). The file must be
 * the user's alone: -EACCES when others can read it; -EINVAL when it is no regular file, or no text
 * of at most SECRET_MAX_BYTES; or another negative errno. */
int secret_read(const char *path, char **ret, struct error *error);

/* Whether secret_issue() would take what `source` says, where that is a file. */
int secret_check_file(const char *source, const char *mechanism, size_t shortest,
                      struct error *error);

/* What a mechanism's `issue` does: leaves in issuer->secrets what `source` (a value as above) says:
 * the hexadecimal digits of so many random bytes, or the first line of the file, which must have
 * `shortest` bytes at least. */
int secret_issue(struct issuer *issuer, const char *mechanism, const char *channel,
                 const char *source, size_t random_bytes, size_t shortest, struct error *error);

/* Leaves something else than a text there; takes over `value`. */
void secret_put(struct issuer *issuer, const char *mechanism, const char *channel, json_t *value);

/* What was issued for the mechanism on this channel: the secret (part NULL), or that part of an
 * object; "" when there is none. Borrowed. */
const char *secret_find(const struct bringup *bringup, const char *mechanism, const char *part);

#endif
