/*
 * payload - opens the sealed payload of every message before the broker passes it on
 * (security/seal.h, with a shared secret). What cannot be opened goes nowhere: it is emptied and
 * moved to a topic of nothing but "$", that nobody is subscribed to and no "#" includes; its
 * publisher is answered as if it had been delivered. (To refuse it would be plainer, but the
 * publisher of a refused message loses its connection in Mosquitto 2.0.11, and does not in 2.0.21.)
 *
 *   plugin_opt_cipher       enum seal_cipher
 *   plugin_opt_secret_file  its first line is the secret
 */
#include "plugin/plugin.h"
#include "security/seal.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_SECRET 256
#define MAX_TOLD   16

struct plugin {
    mosquitto_plugin_id_t *id;
    struct opener *opener;
    int told[SEAL_N_VERDICTS];
};

/* Not of each: who floods the broker must not flood its log. */
static void tell(struct plugin *plugin, enum seal_verdict verdict, const char *topic) {
    if (plugin->told[verdict] == MAX_TOLD)
        return;
    plugin->told[verdict]++;
    mosquitto_log_printf(MOSQ_LOG_NOTICE, "payload: a message to %s is not passed on: %s", topic,
                         seal_verdict_words(verdict));
}

/* In its place, as Mosquitto 2.0.21 frees a topic that another one replaces, and 2.0.11 does not.
 */
static void turn_away(struct mosquitto_evt_message *message) {
    memset(message->topic, '$', strlen(message->topic));
    message->retain = false;
}

/* The broker frees the payload that this one replaces, and takes another length only with another
 * place: an allocation a message, as it makes for itself. */
static int open_message(int event, void *data, void *user) {
    struct mosquitto_evt_message *message = data;
    struct plugin *plugin = user;
    enum seal_verdict verdict;
    size_t length = 0;
    char *text = mosquitto_malloc(message->payloadlen + 1);

    (void)event;
    if (!text)
        return MOSQ_ERR_NOMEM;
    verdict = opener_open(plugin->opener, message->topic, message->payload, message->payloadlen,
                          text, &length);
    if (verdict != SEAL_OPENED) {
        tell(plugin, verdict, message->topic);
        length = 0;
        OPENSSL_cleanse(text, message->payloadlen);
        turn_away(message);
    }
    text[length] = '\0';
    message->payload = text;
    message->payloadlen = (uint32_t)length;
    return MOSQ_ERR_SUCCESS;
}

static int complain(const char *what) {
    mosquitto_log_printf(MOSQ_LOG_ERR, "Error: payload plugin: %s", what);
    return MOSQ_ERR_INVAL;
}

static int make_opener(struct plugin *plugin, const struct mosquitto_opt *options, int count) {
    const char *cipher = plugin_option(options, count, "cipher");
    const struct seal_scheme scheme = {.cipher = (enum seal_cipher)atoi(cipher),
                                       .key = SEAL_SHARED};
    char secret[MAX_SECRET] = "";
    int r = -EINVAL;

    if (strlen(cipher) != 1 || *cipher < '0' || *cipher >= '0' + SEAL_N_CIPHERS)
        return complain("plugin_opt_cipher: there is none of that number");
    if (plugin_first_line(plugin_option(options, count, "secret_file"), secret, MAX_SECRET) == 0)
        r = opener_new(&plugin->opener, &scheme, secret);
    OPENSSL_cleanse(secret, sizeof(secret));
    return r < 0 ? complain("plugin_opt_secret_file: no secret to open messages with")
                 : MOSQ_ERR_SUCCESS;
}

int mosquitto_plugin_init(mosquitto_plugin_id_t *id, void **user, struct mosquitto_opt *options,
                          int count) {
    struct plugin *plugin = calloc(1, sizeof(*plugin));
    int r;

    if (!plugin)
        return MOSQ_ERR_NOMEM;
    plugin->id = id;
    r = make_opener(plugin, options, count);
    if (r != MOSQ_ERR_SUCCESS) {
        free(plugin);
        return r;
    }
    *user = plugin;
    return mosquitto_callback_register(id, MOSQ_EVT_MESSAGE, open_message, NULL, plugin);
}

int mosquitto_plugin_cleanup(void *user, struct mosquitto_opt *options, int count) {
    struct plugin *plugin = user;

    (void)options;
    (void)count;
    if (!plugin)
        return MOSQ_ERR_SUCCESS;
    (void)mosquitto_callback_unregister(plugin->id, MOSQ_EVT_MESSAGE, open_message, NULL);
    opener_free(plugin->opener);
    free(plugin);
    return MOSQ_ERR_SUCCESS;
}
