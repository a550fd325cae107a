/*
 * acl - which client may publish and subscribe to what: rules (acl_rules.h) for each client, by its
 * user name, enforced by Mosquitto's acl_file, by a plugin of ours that heeds the quality of
 * service, or by Mosquitto's dynamic-security plugin, which can be changed while the broker runs.
 */
#ifndef BENCH_SECURITY_ACL_H
#define BENCH_SECURITY_ACL_H

#include "security/acl_rules.h"
#include "security/mechanism.h"

extern const struct mechanism mechanism_acl;

enum acl_means { ACL_BY_FILE, ACL_BY_PLUGIN, ACL_BY_DYNAMIC_SECURITY };
enum acl_means acl_means(const struct channel *channel);

/* The name that a client of this channel logs in with, "" for none; the caller's. */
char *acl_user(const struct bringup *bringup, enum party party);

/* The rules of both clients; the caller's, for acl_table_clear(). Where nothing has been issued
 * yet, %t stands for telemetry's default topic. */
int acl_rules(const struct bringup *bringup, struct acl_table *ret, struct error *error);

/* A part of what was issued, "" when it was not: "topic" (of telemetry), "admin" (the password of
 * who may change the rules). Borrowed. */
const char *acl_issued(const struct bringup *bringup, const char *part);

#endif
