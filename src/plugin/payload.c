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
#include <stdlib.h>
#include <string.h>

#define MAX_SECRET 256
#define MAX_TOLD   16

struct guard {
    struct opener *opener;
    int told[SEAL_N_VERDICTS];
};

/* Not of each: who floods the broker must not flood its log. */
static void tell(struct guard *guard, enum seal_verdict verdict, const char *topic) {
    if (guard->told[verdict] == MAX_TOLD)
        return;
    guard->told[verdict]++;
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
static int open_message(int event, void *data, void *own) {
    struct mosquitto_evt_message *message = data;
    struct guard *guard = own;
    enum seal_verdict verdict;
    size_t length = 0;
    char *text = mosquitto_malloc(message->payloadlen + 1);

    (void)event;
    if (!text)
        return MOSQ_ERR_NOMEM;
    verdict = opener_open(guard->opener, message->topic, message->payload, message->payloadlen,
                          text, &length);
    if (verdict != SEAL_OPENED) {
        tell(guard, verdict, message->topic);
        length = 0;
        OPENSSL_cleanse(text, message->payloadlen);
        turn_away(message);
    }
    text[length] = '\0';
    message->payload = text;
    message->payloadlen = (uint32_t)length;
    return MOSQ_ERR_SUCCESS;
}

static int load(void *own, const struct mosquitto_opt *options, int count) {
    const char *cipher = plugin_option(options, count, "cipher");
    const struct seal_scheme scheme = {.cipher = (enum seal_cipher)atoi(cipher),
                                       .key = SEAL_SHARED};
    struct guard *guard = own;
    char secret[MAX_SECRET] = "";
    int r = -EINVAL;

    if (strlen(cipher) != 1 || *cipher < '0' || *cipher >= '0' + SEAL_N_CIPHERS)
        return plugin_complain("plugin_opt_cipher", "there is none of that number");
    if (plugin_first_line(plugin_option(options, count, "secret_file"), secret, MAX_SECRET) == 0)
        r = opener_new(&guard->opener, &scheme, secret);
    OPENSSL_cleanse(secret, sizeof(secret));
    return r < 0 ? plugin_complain("plugin_opt_secret_file", "no secret to open messages with")
                 : MOSQ_ERR_SUCCESS;
}

static void clear(void *own) {
    opener_free(((struct guard *)own)->opener);
}

const struct plugin plugin = {
    "payload plugin", MOSQ_EVT_MESSAGE, open_message, sizeof(struct guard), load, clear};
