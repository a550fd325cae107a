#ifndef BENCH_SECURITY_EXTERNAL_H
#define BENCH_SECURITY_EXTERNAL_H

#include "security/mechanism.h"

extern const struct mechanism mechanism_external;

bool external_is_used(const struct channel *channel);
/* Where the channel's external broker is reached; `address` unless the channel has one of its own,
 * from which the result is borrowed. */
const char *external_address(const struct channel *channel, const char *address);
int64_t external_port(const struct channel *channel);
/* For `check`: a secret that is generated is none of an external broker's; `setting` is its path.
 */
int external_check_secret(const struct channel *channel, const char *setting, const char *secret,
                          struct error *error);
/* For proofs: whether the clients' certificates are from a CA of this program, so that the broker
 * can tell one of ours that has expired from one of strangers. */
bool external_knows_our_ca(const struct channel *channel);

#endif
