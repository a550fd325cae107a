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
#include <stdlib.h>
#include <string.h>

#define MAX_RULES (64 * 1024 * 1024) /* bytes of the file: of a million members */

static int load(void *own, const struct mosquitto_opt *options, int count) {
    const char *path = plugin_only_option(options, count, "rules", NULL), *wrong;
    char *text = path ? plugin_read_file(path, MAX_RULES) : NULL;
    size_t line;

    if (!text)
        return path ? plugin_complain(path, strerror(errno)) : MOSQ_ERR_INVAL;
    wrong = acl_table_read(text, own, &line);
    free(text);
    if (!wrong)
        return MOSQ_ERR_SUCCESS;
    mosquitto_log_printf(MOSQ_LOG_ERR, "Error: acl plugin: %s:%d: %s", path, (int)line, wrong);
    return MOSQ_ERR_INVAL;
}

static int judge(int event, void *data, void *own) {
    const struct mosquitto_evt_acl_check *asked = data;
    const char *user = mosquitto_client_username(asked->client);
    bool may = false;

    (void)event;
    if (asked->access == MOSQ_ACL_UNSUBSCRIBE)
        return MOSQ_ERR_SUCCESS;
    if (user && asked->topic)
        may = acl_permits(own, user, asked->access == MOSQ_ACL_WRITE ? ACL_PUBLISH : ACL_SUBSCRIBE,
                          asked->access == MOSQ_ACL_READ ? ACL_ANY_QOS : asked->qos, asked->topic);
    return may ? MOSQ_ERR_SUCCESS : MOSQ_ERR_ACL_DENIED;
}

static void clear(void *own) {
    acl_table_clear(own);
}

const struct plugin plugin = {
    "acl plugin", MOSQ_EVT_ACL_CHECK, judge, sizeof(struct acl_table), load, clear};
