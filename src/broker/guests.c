#include "broker/guests.h"

#include "base/memory.h"
#include "security/client_id_scheme.h"

#include <stdio.h>
#include <string.h>

void guests_open(struct guests *guests, const char *client1, const char *client2) {
    *guests = (struct guests){.ids = {text_copy(client1), text_copy(client2)}};
}

void guests_close(struct guests *guests) {
    free(guests->ids[0]);
    free(guests->ids[1]);
    free(guests->addresses);
    guests->ids[0] = guests->ids[1] = NULL;
    guests->addresses = NULL;
    guests->n_addresses = 0;
}

void guests_own(struct guests *guests, const char *address) {
    (void)snprintf(guests->own, sizeof(guests->own), "%s", address);
}

/* "192.0.2.7" of "192.0.2.7:53202 ..."; the port is behind the last colon of the word. */
static void copy_address(const char *text, char ret[GUESTS_TEXT]) {
    size_t length = strcspn(text, " "), end = length;

    while (end && text[end] != ':')
        end--;
    (void)snprintf(ret, GUESTS_TEXT, "%.*s", (int)(end ? end : length), text);
}

/* What is known of the address that a text begins with; NULL when there are too many. */
static struct guests_address *note(struct guests *guests, const char *text) {
    char address[GUESTS_TEXT];

    copy_address(text, address);
    for (size_t i = 0; i < guests->n_addresses; i++)
        if (strcmp(guests->addresses[i].text, address) == 0)
            return &guests->addresses[i];
    if (guests->n_addresses == GUESTS_MAX)
        return NULL;
    guests->addresses =
        memory_room(guests->addresses, guests->n_addresses, sizeof(*guests->addresses));
    guests->addresses[guests->n_addresses] = (struct guests_address){.ours = false};
    memcpy(guests->addresses[guests->n_addresses].text, address, sizeof(address));
    return &guests->addresses[guests->n_addresses++];
}

/* "ADDRESS:PORT as ID (p2, c1, k60, u'user')."; an id may have anything in it, a user's name too:
 * of " (p" the first that an id of ours stands before counts. */
static void take_client(struct guests *guests, const char *text) {
    const char *id = strstr(text, " as "), *end = id ? strstr(id, " (p") : NULL;

    if (!end)
        return;
    id += strlen(" as ");
    for (size_t i = 0; i < ARRAY_SIZE(guests->ids); i++) {
        CLEANUP_FREE char *name = text_format("%.*s", (int)(end - id), id);

        if (client_id_belongs(guests->ids[i], name)) {
            struct guests_address *address = note(guests, text);

            if (address)
                address->ours = true;
            guests->any_ours = true;
            return;
        }
    }
    if (!*guests->uninvited)
        (void)snprintf(guests->uninvited, sizeof(guests->uninvited), "%.*s (client id %.*s)",
                       (int)strcspn(text, " "), text, (int)(end - id), id);
}

static void take_connection(struct guests *guests, const char *text) {
    struct guests_address *address = note(guests, text);

    if (address)
        address->connection = true;
}

/* What a line is about; all are behind a time stamp without blanks in it. */
static const struct {
    const char *words;
    void (*take)(struct guests *guests, const char *text);
} lines[] = {
    {": New client connected from ", take_client},
    {": New connection from ", take_connection},
};

static void take_line(struct guests *guests) {
    size_t stamp;

    guests->line[guests->length] = '\0';
    stamp = strcspn(guests->line, " ");
    for (size_t i = 0; i < ARRAY_SIZE(lines) && stamp; i++)
        if (strncmp(guests->line + stamp - 1, lines[i].words, strlen(lines[i].words)) == 0)
            lines[i].take(guests, guests->line + stamp - 1 + strlen(lines[i].words));
    guests->length = 0;
}

void guests_read(struct guests *guests, const char *text, size_t length) {
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '\n')
            take_line(guests);
        else if (guests->length < sizeof(guests->line) - 1)
            guests->line[guests->length++] = text[i];
    }
}

char *guests_uninvited(const struct guests *guests) {
    if (*guests->uninvited)
        return text_copy(guests->uninvited);
    for (size_t i = 0; i < guests->n_addresses && guests->any_ours; i++) {
        const struct guests_address *address = &guests->addresses[i];

        if (address->connection && !address->ours && !text_equal(address->text, guests->own))
            return text_format("%s (no client id)", address->text);
    }
    return NULL;
}
