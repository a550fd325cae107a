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
    guests->ids[0] = guests->ids[1] = NULL;
}

void guests_own(struct guests *guests, const char *address) {
    (void)snprintf(guests->own, sizeof(guests->own), "%s", address);
}

static bool is_known(const struct guests_addresses *known, const char *address) {
    for (size_t i = 0; i < GUESTS_MAX; i++)
        if (text_equal(known->list[i], address))
            return true;
    return false;
}

static void note(struct guests_addresses *known, const char *address) {
    if (is_known(known, address))
        return;
    for (size_t i = 0; i < GUESTS_MAX; i++)
        if (!*known->list[i]) {
            (void)snprintf(known->list[i], GUESTS_TEXT, "%s", address);
            return;
        }
}

/* "192.0.2.7" of "192.0.2.7:53202 ..."; the port is behind the last colon of the word. */
static void copy_address(const char *text, char ret[GUESTS_TEXT]) {
    size_t length = strcspn(text, " "), end = length;

    while (end && text[end] != ':')
        end--;
    (void)snprintf(ret, GUESTS_TEXT, "%.*s", (int)(end ? end : length), text);
}

/* "ADDRESS:PORT as ID (p2, c1, k60, u'user')."; an id may have anything in it, a user's name too:
 * of " (p" the first that an id of ours stands before counts. */
static void take_client(struct guests *guests, const char *text) {
    const char *id = strstr(text, " as "), *end = id ? strstr(id, " (p") : NULL;
    char address[GUESTS_TEXT];

    if (!end)
        return;
    id += strlen(" as ");
    copy_address(text, address);
    for (size_t i = 0; i < ARRAY_SIZE(guests->ids); i++) {
        CLEANUP_FREE char *name = text_format("%.*s", (int)(end - id), id);

        if (client_id_belongs(guests->ids[i], name)) {
            note(&guests->ours, address);
            return;
        }
    }
    if (!*guests->uninvited)
        (void)snprintf(guests->uninvited, sizeof(guests->uninvited), "%.*s (client id %.*s)",
                       (int)strcspn(text, " "), text, (int)(end - id), id);
}

static void take_connection(struct guests *guests, const char *text) {
    char address[GUESTS_TEXT];

    copy_address(text, address);
    note(&guests->all, address);
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
    for (size_t i = 0; i < GUESTS_MAX && *guests->ours.list[0]; i++)
        if (*guests->all.list[i] && !text_equal(guests->all.list[i], guests->own) &&
            !is_known(&guests->ours, guests->all.list[i]))
            return text_format("%s (no client id)", guests->all.list[i]);
    return NULL;
}
