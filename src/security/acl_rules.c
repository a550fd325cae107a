#include "security/acl_rules.h"

#include <stdlib.h>
#include <string.h>

static const struct {
    const char *word;
    enum acl_operation operation;
} operations[] = {
    {"publish", ACL_PUBLISH},
    {"subscribe", ACL_SUBSCRIBE},
    {"both", ACL_BOTH},
};
#define N_OPERATIONS (sizeof(operations) / sizeof(operations[0]))

#define SYNTAX    "right would be OPERATION[@QOS,...]:TOPIC, as publish@0,1:bench/#"
#define USER_LINE "user "

/* ---- one rule ---- */

static size_t read_operation(const char *text, unsigned *ret) {
    for (size_t i = 0; i < N_OPERATIONS; i++) {
        size_t length = strlen(operations[i].word);

        if (strncmp(text, operations[i].word, length) == 0 && text[length] &&
            strchr("@:", text[length])) {
            *ret = operations[i].operation;
            return length;
        }
    }
    return 0;
}

/* Digits with commas between them; how much of the text they are, 0: it is none. */
static size_t read_qos(const char *text, unsigned *ret) {
    size_t i = 0;

    *ret = 0;
    while (text[i] >= '0' && text[i] <= '2') {
        *ret |= 1U << (text[i] - '0');
        i++;
        if (text[i] != ',')
            return i;
        i++;
    }
    return 0;
}

/* A wildcard is a level of its own, and # the last. */
static const char *check_topic(const char *topic) {
    if (!*topic)
        return "there is no topic; " SYNTAX;
    for (const char *c = topic; *c; c++) {
        bool alone = (c == topic || c[-1] == '/') && (c[1] == '\0' || c[1] == '/');

        if (*c == '+' && !alone)
            return "a + must be a whole level of the topic, as in a/+/b";
        if (*c == '#' && (!alone || c[1]))
            return "a # must be the last level of the topic, as in a/#";
    }
    return NULL;
}

const char *acl_rule_read(const char *text, struct acl_rule *ret) {
    struct acl_rule rule = {.qos = ACL_EVERY_QOS};
    size_t length = read_operation(text, &rule.operations);
    const char *wrong;

    if (!length)
        return "it begins with neither publish, subscribe nor both; " SYNTAX;
    text += length;
    if (*text == '@') {
        length = read_qos(text + 1, &rule.qos);
        if (!length)
            return "behind @ come qualities of service: 0, 1, 2, with commas between them";
        text += 1 + length;
    }
    if (*text != ':')
        return "a : is missing in front of the topic; " SYNTAX;
    rule.topic = text + 1;
    wrong = check_topic(rule.topic);
    if (!wrong)
        *ret = rule;
    return wrong;
}

/* ---- a table ---- */

static const char *read_line(struct acl_table *table, char *line, const char **user) {
    struct acl_rule *rule = &table->rules[table->n_rules];
    const char *wrong;

    if (!*line)
        return NULL;
    if (strncmp(line, USER_LINE, strlen(USER_LINE)) == 0) {
        *user = line + strlen(USER_LINE);
        return **user ? NULL : "there is no name behind `user`";
    }
    if (!*user)
        return "a rule stands in front of the first `user` line";
    wrong = acl_rule_read(line, rule);
    if (wrong)
        return wrong;
    rule->user = *user;
    table->n_rules++;
    return NULL;
}

static size_t count_lines(const char *text) {
    size_t n = 1;

    while ((text = strchr(text, '\n'))) {
        text++;
        n++;
    }
    return n;
}

static int compare_users(const void *a, const void *b) {
    const struct acl_rule *one = *(const struct acl_rule *const *)a;
    const struct acl_rule *other = *(const struct acl_rule *const *)b;

    return strcmp(one->user, other->user);
}

static const char *sort(struct acl_table *table) {
    table->by_user = calloc(table->n_rules + 1, sizeof(*table->by_user));
    if (!table->by_user)
        return "out of memory";
    for (size_t i = 0; i < table->n_rules; i++)
        table->by_user[i] = &table->rules[i];
    qsort(table->by_user, table->n_rules, sizeof(*table->by_user), compare_users);
    return NULL;
}

/* The place of the first rule of a user among those sorted, or where it would be. */
static size_t find_user(const struct acl_table *table, const char *user) {
    size_t low = 0, high = table->n_rules;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (strcmp(table->by_user[middle]->user, user) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const char *acl_table_read(const char *text, struct acl_table *ret, size_t *ret_line) {
    const char *user = NULL, *wrong = NULL;
    char *rest;

    *ret_line = 0;
    *ret = (struct acl_table){.text = strdup(text),
                              .rules = calloc(count_lines(text), sizeof(struct acl_rule))};
    if (!ret->text || !ret->rules)
        return "out of memory";
    for (rest = ret->text; rest && !wrong; ++*ret_line)
        wrong = read_line(ret, strsep(&rest, "\n"), &user);
    return wrong ? wrong : sort(ret);
}

void acl_table_clear(struct acl_table *table) {
    free(table->text);
    free(table->rules);
    free(table->by_user);
    *table = (struct acl_table){.text = NULL};
}

/* ---- what is permitted ---- */

/* Whether all topics that `filter` means (a topic alone is a filter, too) are among those of
 * `pattern`. What begins with $ is in no wildcard. */
static bool covers(const char *pattern, const char *filter) {
    if (*filter == '$' && *pattern != '$')
        return false;
    for (;;) {
        size_t p = strcspn(pattern, "/"), f = strcspn(filter, "/");

        if (*pattern == '#')
            return true;
        if (*filter == '#')
            return false;
        if (*pattern != '+' && (p != f || strncmp(pattern, filter, p) != 0))
            return false;
        pattern += p;
        filter += f;
        if (!*pattern || !*filter) /* a/# covers a as well */
            return *pattern == *filter || strcmp(pattern, "/#") == 0;
        pattern++;
        filter++;
    }
}

bool acl_permits(const struct acl_table *table, const char *user, enum acl_operation operation,
                 int qos, const char *filter) {
    for (size_t i = table->by_user ? find_user(table, user) : table->n_rules;
         i < table->n_rules && strcmp(table->by_user[i]->user, user) == 0; i++) {
        const struct acl_rule *rule = table->by_user[i];

        if (rule->operations & (unsigned)operation &&
            (qos == ACL_ANY_QOS || rule->qos & 1U << qos) && covers(rule->topic, filter))
            return true;
    }
    return false;
}
