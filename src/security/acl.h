/*
 * acl - which client may publish and subscribe to what: rules (acl_rules.h) for each client, by its
 * user name, enforced by Mosquitto's acl_file, by a plugin of ours that heeds the quality of
 * service, or by Mosquitto's dynamic-security plugin, which can be changed while the broker runs.
 */
#ifndef BENCH_SECURITY_ACL_H
#define BENCH_SECURITY_ACL_H

#include "security/mechanism.h"

extern const struct mechanism mechanism_acl;

#endif
