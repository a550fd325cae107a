/*
 * acl_rules - which client may do what on which topics: the rules that a channel states, that our
 * broker plugin enforces, and that the proofs are looked up in. Plain C, as the plugin links
 * nothing else of ours: memory is calloc's, and a failure is a sentence.
 *
 * A rule is one word, OPERATION[@QOS[,QOS...]]:TOPIC, and permits; what no rule permits is denied.
 * OPERATION is publish, subscribe or both; without @ every quality of service is permitted; TOPIC
 * may have the wildcards of MQTT: `publish@0,1:bench/+/data`.
 *
 * A table is a text of lines: `user NAME`, and below it that client's rules, one a line.
 */
#ifndef BENCH_SECURITY_ACL_RULES_H
#define BENCH_SECURITY_ACL_RULES_H

#include <stdbool.h>
#include <stddef.h>

enum acl_operation { ACL_PUBLISH = 1, ACL_SUBSCRIBE = 2, ACL_BOTH = 3 };

#define ACL_EVERY_QOS 7 /* a bit each */
#define ACL_ANY_QOS   (-1)

struct acl_rule {
    const char *user; /* of the table; NULL of a rule alone */
    unsigned operations, qos;
    const char *topic; /* inside the text that was read */
};

struct acl_table {
    char *text;
    struct acl_rule *rules;
    size_t n_rules;
    const struct acl_rule **by_user; /* the same, by name: a fleet has thousands */
};

/* Reads one rule. NULL, or what is wrong with it. */
const char *acl_rule_read(const char *text, struct acl_rule *ret);

/* Reads a table; what is returned is as above, with the number of the line in *ret_line. The table
 * is the caller's, for acl_table_clear(), also after a failure. */
const char *acl_table_read(const char *text, struct acl_table *ret, size_t *ret_line);
void acl_table_clear(struct acl_table *table);

/* Whether a user may do that with all topics that `filter` means (a topic alone is a filter, too);
 * qos may be ACL_ANY_QOS: at some. What begins with $ is in no wildcard. */
bool acl_permits(const struct acl_table *table, const char *user, enum acl_operation operation,
                 int qos, const char *filter);

#endif
