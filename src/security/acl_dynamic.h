/*
 * acl_dynamic - the rules of mechanism acl by Mosquitto's dynamic-security plugin: its first
 * configuration, and a change while the broker runs.
 */
#ifndef BENCH_SECURITY_ACL_DYNAMIC_H
#define BENCH_SECURITY_ACL_DYNAMIC_H

#include "security/acl_rules.h"
#include "security/mechanism.h"

/* Lines of the broker's configuration and the file they name. Who logs in as whom is left to the
 * channel's other mechanisms, but for the administrator. */
int acl_dynamic_write(const struct bringup *bringup, const struct acl_table *table, FILE *lines,
                      struct error *error);

/* Denies a user publications to the topic, over all that its rules permit; or takes that back. */
int acl_dynamic_deny(const struct proof_setup *setup, const char *user, const char *topic,
                     bool denied, struct error *error);

/* Whether nothing is denied to a user in this way: 1 or 0, or a negative errno. */
int acl_dynamic_as_issued(const struct proof_setup *setup, const char *user, struct error *error);

#endif
