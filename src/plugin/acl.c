/*
 * acl - Mosquitto denies what no rule of security/acl_rules.h permits, by user name, operation,
 * quality of service and topic. Its own acl_file knows no quality of service.
 *
 *     plugin .../acl.so
 *     plugin_opt_rules FILE
 *
 * Whoever has no name, or none of the table's, may do nothing. A message that is delivered is not
 * judged by the quality of service that it was published with, as the subscription's own, which has
 * been judged, may lower it.
 */
#include "plugin/plugin.h"
#include "security/acl_rules.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_RULES (1024 * 1024)

struct guard {
    mosquitto_plugin_id_t *id;
    struct acl_table table;
};

/* The whole text of a file; the caller's. NULL with errno set. */
static char *read_file(const char *path) {
    FILE *file = fopen(path, "re");
    char *text = file ? malloc(MAX_RULES) : NULL;
    size_t length = text ? fread(text, 1, MAX_RULES, file) : 0;

    if (text && (ferror(file) || length == MAX_RULES)) {
        free(text);
        text = NULL;
        errno = ferror(file) ? EIO : EFBIG;
    }
    if (text)
        text[length] = '\0';
    if (file)
        (void)fclose(file);
    return text;
}

static int load(struct guard *guard, const char *path) {
    char *text = read_file(path);
    const char *wrong;
    size_t line;

    if (!text) {
        mosquitto_log_printf(MOSQ_LOG_ERR, "Error: acl plugin: %s: %s", path, strerror(errno));
        return MOSQ_ERR_INVAL;
    }
    wrong = acl_table_read(text, &guard->table, &line);
    free(text);
    if (!wrong)
        return MOSQ_ERR_SUCCESS;
    mosquitto_log_printf(MOSQ_LOG_ERR, "Error: acl plugin: %s:%d: %s", path, (int)line, wrong);
    return MOSQ_ERR_INVAL;
}

static int judge(int event, void *data, void *own) {
    const struct mosquitto_evt_acl_check *asked = data;
    const struct guard *guard = own;
    const char *user = mosquitto_client_username(asked->client);
    bool may = false;

    (void)event;
    if (asked->access == MOSQ_ACL_UNSUBSCRIBE)
        return MOSQ_ERR_SUCCESS;
    if (user && asked->topic)
        may = acl_permits(&guard->table, user,
                          asked->access == MOSQ_ACL_WRITE ? ACL_PUBLISH : ACL_SUBSCRIBE,
                          asked->access == MOSQ_ACL_READ ? ACL_ANY_QOS : asked->qos, asked->topic);
    return may ? MOSQ_ERR_SUCCESS : MOSQ_ERR_ACL_DENIED;
}

int mosquitto_plugin_init(mosquitto_plugin_id_t *id, void **ret_data, struct mosquitto_opt *options,
                          int count) {
    const char *path = plugin_only_option("acl", options, count, "rules");
    struct guard *guard = path ? calloc(1, sizeof(*guard)) : NULL;
    int r;

    if (!guard)
        return path ? MOSQ_ERR_NOMEM : MOSQ_ERR_INVAL;
    guard->id = id;
    r = load(guard, path);
    if (r == MOSQ_ERR_SUCCESS)
        r = mosquitto_callback_register(id, MOSQ_EVT_ACL_CHECK, judge, NULL, guard);
    if (r != MOSQ_ERR_SUCCESS) {
        acl_table_clear(&guard->table);
        free(guard);
        return r;
    }
    *ret_data = guard;
    return MOSQ_ERR_SUCCESS;
}

int mosquitto_plugin_cleanup(void *data, struct mosquitto_opt *options, int count) {
    struct guard *guard = data;

    (void)options;
    (void)count;
    if (!guard)
        return MOSQ_ERR_SUCCESS;
    (void)mosquitto_callback_unregister(guard->id, MOSQ_EVT_ACL_CHECK, judge, NULL);
    acl_table_clear(&guard->table);
    free(guard);
    return MOSQ_ERR_SUCCESS;
}
