/*
 * secret - what a mechanism's two ends share: generated anew for each run, or the first line of a
 * file of the user's. It goes from the driver to the hosts and into no file of a run.
 */
#ifndef BENCH_SECURITY_SECRET_H
#define BENCH_SECURITY_SECRET_H

#include "security/mechanism.h"

/* For a setting "secret": only a place is a permitted value (`generated`, file:PATH), so that no
 * secret can end up in a resolved scenario. */
int secret_check(const char *value, struct error *error);

/* What a mechanism's `issue` does: leaves in issuer->secrets what `source` (a value as above) says:
 * the hexadecimal digits of so many random bytes, or the text of the file, which must be the
 * user's alone and no shorter than the wiretap can tell from chance. */
int secret_issue(struct issuer *issuer, const char *mechanism, const char *channel,
                 const char *source, size_t random_bytes, struct error *error);

/* Leaves something else than a text there; takes over `value`. */
void secret_put(struct issuer *issuer, const char *mechanism, const char *channel, json_t *value);

/* What was issued for the mechanism on this channel: the secret (part NULL), or that part of an
 * object; "" when there is none. Borrowed. */
const char *secret_find(const struct bringup *bringup, const char *mechanism, const char *part);

#endif
