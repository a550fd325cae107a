/*
 * acl_proofs - how mechanism acl is shown to be in force: by what its own rules permit to one
 * client and deny to the other, each with a permitted counterpart before and after.
 */
#ifndef BENCH_SECURITY_ACL_PROOFS_H
#define BENCH_SECURITY_ACL_PROOFS_H

#include "security/mechanism.h"

#define ACL_PROOFS 4
extern const struct proof acl_proofs[ACL_PROOFS];

/* Refuses rules of which nothing can be shown, because they permit too much or too little. */
int acl_proofs_check(const struct bringup *bringup, struct error *error);

#endif
