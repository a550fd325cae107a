/*
 * acl_settings - what a channel says of mechanism acl, and the rules for its clients that follow.
 */
#ifndef BENCH_SECURITY_ACL_SETTINGS_H
#define BENCH_SECURITY_ACL_SETTINGS_H

#include "security/acl_rules.h"
#include "security/mechanism.h"

enum acl_means { ACL_BY_FILE, ACL_BY_PLUGIN, ACL_BY_DYNAMIC_SECURITY };

struct acl_settings {
    int64_t by; /* enum acl_means */
    char *client1, *client2;
};

extern const struct setting_group acl_group;
const struct acl_settings *acl_settings(const struct channel *channel);

/* The name that a client of this channel logs in with, "" for none; the caller's. */
char *acl_user(const struct bringup *bringup, enum party party);

/* The rules of both clients, as acl_table_read() takes them; the caller's. Where nothing has been
 * issued yet, %t stands for telemetry's default topic. */
char *acl_rules_text(const struct bringup *bringup);
/* The same, read; the caller's, for acl_table_clear(). */
int acl_rules(const struct bringup *bringup, struct acl_table *ret, struct error *error);

/* A part of what was issued, "" when it was not: "topic" (of telemetry), "admin" (the password of
 * who may change the rules). Borrowed. */
const char *acl_issued(const struct bringup *bringup, const char *part);

#endif
