#include "security/payload_client.h"

#include <errno.h>
#include <string.h>

struct buffer {
    unsigned char *bytes;
    size_t room;
};

struct payload_client {
    struct sealer *sealer; /* NULL: what is published is clear */
    struct opener *opener; /* NULL: what comes is taken as it is */
    size_t overhead;
    struct buffer sealed, opened;
    int64_t rejected[SEAL_N_VERDICTS];
};

static int fail(int r, const char *what, struct error *error) {
    return error_errno(error, r, "payload: no session that %s messages", what);
}

int payload_client_new(struct payload_client **ret, const struct payload_config *config,
                       struct error *error) {
    CLEANUP(payload_client_freep) struct payload_client *client = memory_new(1, sizeof(*client));
    const struct seal_scheme scheme = {(enum seal_cipher)config->cipher,
                                       (enum seal_key)config->key};
    int r = 0;

    if (*config->seals_with) {
        r = sealer_new(&client->sealer, &scheme, config->seals_with);
        if (r < 0)
            return fail(r, "seals", error);
        client->overhead = seal_overhead(scheme.key);
    }
    if (*config->opens_with) {
        r = opener_new(&client->opener, &scheme, config->opens_with);
        if (r < 0)
            return fail(r, "opens", error);
    }
    *ret = client;
    client = NULL;
    return 0;
}

void payload_client_free(struct payload_client *client) {
    sealer_free(client->sealer);
    opener_free(client->opener);
    free(client->sealed.bytes);
    free(client->opened.bytes);
    free(client);
}

static void make_room(struct buffer *buffer, size_t length) {
    if (length <= buffer->room)
        return;
    buffer->bytes = memory_resize(buffer->bytes, length, 1);
    buffer->room = length;
}

int payload_client_seal(struct payload_client *client, const char *topic, const void **payload,
                        size_t *length, struct error *error) {
    int r;

    if (!client->sealer)
        return 0;
    make_room(&client->sealed, *length + client->overhead);
    r = sealer_seal(client->sealer, topic, *payload, *length, client->sealed.bytes);
    if (r < 0)
        return error_errno(error, r, "payload: a message of %zu bytes cannot be sealed", *length);
    *payload = client->sealed.bytes;
    *length += client->overhead;
    return 0;
}

bool payload_client_open(struct payload_client *client, const char *topic, const void **payload,
                         size_t *length) {
    enum seal_verdict verdict;

    if (!client->opener)
        return true;
    make_room(&client->opened, *length);
    verdict = opener_open(client->opener, topic, *payload, *length, client->opened.bytes, length);
    if (verdict != SEAL_OPENED) {
        client->rejected[verdict]++;
        return false;
    }
    *payload = client->opened.bytes;
    return true;
}

int64_t payload_client_sealed_bytes(const struct payload_client *client, int64_t length) {
    return length + (int64_t)client->overhead;
}

bool payload_client_opens(const struct payload_client *client) {
    return client->opener;
}

const int64_t *payload_client_rejected(const struct payload_client *client) {
    return client->rejected;
}

char *payload_rejected_words(const int64_t rejected[SEAL_N_VERDICTS]) {
    char *words = text_copy("");

    for (int i = 0; i < SEAL_N_VERDICTS; i++) {
        CLEANUP_FREE char *piece = text_format("%lld %s", (long long)rejected[i],
                                               seal_verdict_words((enum seal_verdict)i));

        if (rejected[i])
            text_append(&words, ", ", piece);
    }
    if (!*words)
        text_replace(&words, "none");
    return words;
}

int payload_check_rejected(const int64_t rejected[SEAL_N_VERDICTS], struct error *error) {
    for (int i = 0; i < SEAL_N_VERDICTS; i++)
        if (rejected[i] && i != SEAL_REPLAYED) {
            CLEANUP_FREE char *words = payload_rejected_words(rejected);

            return error_set(error, -EBADMSG, "messages could not be opened: %s", words);
        }
    return 0;
}
