/*
 * client_id - Mosquitto turns away every client whose identifier is not registered, nor that of a
 * session of a registered one (security/client_id_scheme.h).
 *
 *     plugin .../client_id.so
 *     plugin_opt_registered FILE      identifiers, one a line
 *
 * It vouches for nobody: whoever is registered is left to the broker's other guards, and where
 * there are none, to allow_anonymous.
 */
#include "plugin/plugin.h"
#include "security/client_id_scheme.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_REGISTERED 65536 /* bytes of the file */

struct register_of_clients {
    mosquitto_plugin_id_t *id;
    size_t n_ids;
    char text[MAX_REGISTERED]; /* the identifiers, each with its final zero */
};

static int complain(const char *path, const char *what) {
    mosquitto_log_printf(MOSQ_LOG_ERR, "Error: client_id plugin: %s: %s", path, what);
    return MOSQ_ERR_INVAL;
}

static int load(struct register_of_clients *clients, const char *path) {
    FILE *file = fopen(path, "re");
    size_t length;

    if (!file)
        return complain(path, strerror(errno));
    length = fread(clients->text, 1, sizeof(clients->text), file);
    if (ferror(file) || length == sizeof(clients->text)) {
        (void)fclose(file);
        return complain(path, "cannot be read, or is too long");
    }
    (void)fclose(file);
    if (length == 0 || clients->text[length - 1] != '\n')
        return complain(path, "holds no whole line with an identifier");
    for (size_t i = 0; i < length; i++)
        if (clients->text[i] == '\n') {
            if (i == 0 || !clients->text[i - 1])
                return complain(path, "has an empty line where an identifier should be");
            clients->text[i] = '\0';
            clients->n_ids++;
        }
    return MOSQ_ERR_SUCCESS;
}

static int judge(int event, void *data, void *own) {
    const struct mosquitto_evt_basic_auth *asked = data;
    const struct register_of_clients *clients = own;
    const char *id = mosquitto_client_id(asked->client), *registered = clients->text;

    (void)event;
    for (size_t i = 0; id && i < clients->n_ids; i++) {
        if (client_id_belongs(registered, id))
            return MOSQ_ERR_PLUGIN_DEFER;
        registered += strlen(registered) + 1;
    }
    return MOSQ_ERR_AUTH;
}

int mosquitto_plugin_init(mosquitto_plugin_id_t *id, void **ret_data, struct mosquitto_opt *options,
                          int count) {
    const char *path = plugin_only_option("client_id", options, count, "registered");
    struct register_of_clients *clients = path ? calloc(1, sizeof(*clients)) : NULL;
    int r;

    if (!clients)
        return path ? MOSQ_ERR_NOMEM : MOSQ_ERR_INVAL;
    clients->id = id;
    r = load(clients, path);
    if (r == MOSQ_ERR_SUCCESS)
        r = mosquitto_callback_register(id, MOSQ_EVT_BASIC_AUTH, judge, NULL, clients);
    if (r != MOSQ_ERR_SUCCESS) {
        free(clients);
        return r;
    }
    *ret_data = clients;
    return MOSQ_ERR_SUCCESS;
}

int mosquitto_plugin_cleanup(void *data, struct mosquitto_opt *options, int count) {
    struct register_of_clients *clients = data;

    (void)options;
    (void)count;
    if (!clients)
        return MOSQ_ERR_SUCCESS;
    (void)mosquitto_callback_unregister(clients->id, MOSQ_EVT_BASIC_AUTH, judge, NULL);
    free(clients);
    return MOSQ_ERR_SUCCESS;
}
