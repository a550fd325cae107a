/*
 * client_id - Mosquitto turns away every client whose identifier is not registered, nor that of a
 * session of a registered one (security/client_id_scheme.h).
 *
 *     plugin .../client_id.so
 *     plugin_opt_registered FILE      identifiers, one a line
 *     plugin_opt_members N            so many members of a fleet (model/member.h) are registered
 *                                     with each of them; left out: none
 *
 * It vouches for nobody: whoever is registered is left to the broker's other guards, and where
 * there are none, to allow_anonymous.
 */
#include "model/member.h"
#include "plugin/plugin.h"
#include "security/client_id_scheme.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MAX_REGISTERED 65536 /* bytes of the file */

struct register_of_clients {
    char *text; /* the identifiers, each with its final zero */
    size_t n_ids;
    int64_t n_members;
};

static int load(void *own, const struct mosquitto_opt *options, int count) {
    const char *path = plugin_only_option(options, count, "registered", "members");
    struct register_of_clients *clients = own;
    size_t length;

    if (!path)
        return MOSQ_ERR_INVAL;
    clients->n_members = strtoll(plugin_option(options, count, "members"), NULL, 10);
    clients->text = plugin_read_file(path, MAX_REGISTERED);
    if (!clients->text)
        return plugin_complain(path, errno == EIO || errno == EFBIG
                                         ? "cannot be read, or is too long"
                                         : strerror(errno));
    length = strlen(clients->text);
    if (length == 0 || clients->text[length - 1] != '\n')
        return plugin_complain(path, "holds no whole line with an identifier");
    for (size_t i = 0; i < length; i++)
        if (clients->text[i] == '\n') {
            if (i == 0 || !clients->text[i - 1])
                return plugin_complain(path, "has an empty line where an identifier should be");
            clients->text[i] = '\0';
            clients->n_ids++;
        }
    return MOSQ_ERR_SUCCESS;
}

static bool is_registered(const struct register_of_clients *clients, const char *registered,
                          const char *id) {
    return client_id_belongs(registered, id) &&
           fleet_member_of(registered, id) < clients->n_members;
}

static int judge(int event, void *data, void *own) {
    const struct mosquitto_evt_basic_auth *asked = data;
    const struct register_of_clients *clients = own;
    const char *id = mosquitto_client_id(asked->client), *registered = clients->text;

    (void)event;
    for (size_t i = 0; id && i < clients->n_ids; i++) {
        if (is_registered(clients, registered, id))
            return MOSQ_ERR_PLUGIN_DEFER;
        registered += strlen(registered) + 1;
    }
    return MOSQ_ERR_AUTH;
}

static void clear(void *own) {
    free(((struct register_of_clients *)own)->text);
}

const struct plugin plugin = {"client_id plugin",
                              MOSQ_EVT_BASIC_AUTH,
                              judge,
                              sizeof(struct register_of_clients),
                              load,
                              clear};
