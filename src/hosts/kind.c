#include "hosts/kind.h"

#include "base/process.h"
#include "base/suggestion.h"

#include <errno.h>
#include <string.h>

void words_add(struct words *words, const char *format, ...) {
    va_list arguments;
    char *word;

    va_start(arguments, format);
    word = text_vformat(format, arguments);
    va_end(arguments);
    words->list = memory_room(words->list, words->count + 1, sizeof(*words->list)); /* for NULL */
    words->list[words->count++] = word;
    words->list[words->count] = NULL;
}

void words_add_all(struct words *words, const char *text) {
    const char *word;
    size_t length;

    while ((word = text_next_word(&text, &length)))
        words_add(words, "%.*s", (int)length, word);
}

void words_clear(struct words *words) {
    for (size_t i = 0; i < words->count; i++)
        free(words->list[i]);
    free(words->list);
    *words = (struct words){NULL, 0};
}

/* ---- kinds ---- */

/* The machine that the driver runs on. */
static int command_local(const struct launch *launch, struct words *ret, struct error *error) {
    CLEANUP_FREE char *program = process_own_path();

    (void)error;
    words_add(ret, "%s", program);
    words_add_all(ret, "agent --certs");
    words_add(ret, "%s", launch->certs);
    return 0;
}

static const struct host_kind local = {
    .prefix = "local", .form = "local", .command = command_local};

static const struct host_kind *const kinds[] = {
    &local,
    &host_kind_lab,
    &host_kind_ssh,
    &host_kind_exec,
};

static int refuse_password(const char *spec, struct error *error) {
    const char *scheme = strstr(spec, "://"), *login = scheme ? scheme + 3 : spec;
    const char *at = strrchr(login, '@'), *colon = strchr(login, ':'),
               *hidden = strcasestr(login, "%3a");

    if (!colon || (hidden && hidden < colon))
        colon = hidden;
    if (!at || !colon || colon > at)
        return 0;
    return error_set(error, -EINVAL,
                     "'%.*s:...': a password has no place in an address; write ssh://LOGIN@NAME "
                     "and give the host your key (`ssh-copy-id LOGIN@NAME`)",
                     (int)(colon - spec), spec);
}

/* "ssh:pi@pi-a": no login ssh with a password, but the scheme. */
static int refuse_scheme(const char *spec, struct error *error) {
    CLEANUP_FREE char *whole = NULL;
    const char *place;

    if (strncmp(spec, "ssh:", 4) != 0 || strncmp(spec + 4, "//", 2) == 0)
        return 0;
    place = spec + 4 + strspn(spec + 4, "/");
    whole = text_format("%s%s", host_kind_ssh.prefix, place);
    if (refuse_password(whole, error) < 0)
        return -EINVAL;
    return error_set(error, -EINVAL, "'%s' is no host; over ssh it is %s", spec,
                     host_kind_ssh.check(place, NULL) == 0 ? whole : host_kind_ssh.form);
}

int host_kind_refuse_password(const char *spec, struct error *error) {
    return refuse_scheme(spec, error) < 0 ? -EINVAL : refuse_password(spec, error);
}

static int unknown(const char *spec, struct error *error) {
    CLEANUP_FREE char *forms = text_copy(""), *whole = suggestion(spec, "local lab:a lab:b");
    CLEANUP_FREE char *scheme = *whole ? text_copy("") : suggestion_of_list(spec, "ssh exec");
    bool place = !*whole && !*scheme && host_kind_ssh.check(spec, NULL) == 0;

    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
        text_append(&forms, ", ", kinds[i]->form);
    return error_set(error, -EINVAL, "'%s' is no host%s%s; right would be one of: %s%s%s%s", spec,
                     whole, scheme, forms, place ? "; over ssh it is ssh://" : "",
                     place ? spec : "", place ? " (its name, or a Host of ~/.ssh/config)" : "");
}

const struct host_kind *host_kind_find(const char *spec, struct error *error) {
    if (strncmp(spec, host_kind_exec.prefix, strlen(host_kind_exec.prefix)) != 0 &&
        host_kind_refuse_password(spec, error) < 0)
        return NULL;
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        size_t length = strlen(kinds[i]->prefix);

        if (strncmp(spec, kinds[i]->prefix, length) != 0 || (!kinds[i]->check && spec[length]))
            continue;
        if (kinds[i]->check && kinds[i]->check(spec + length, error) < 0) {
            (void)error_prefix(error, -EINVAL, "'%s'", spec);
            return NULL;
        }
        return kinds[i];
    }
    (void)unknown(spec, error);
    return NULL;
}

bool host_kind_begins(const char *word) {
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        size_t length = strlen(kinds[i]->prefix);

        if (strncmp(word, kinds[i]->prefix, length) == 0 && (kinds[i]->check || !word[length]))
            return true;
    }
    return false;
}

int host_kind_check(const char *spec, struct error *error) {
    return host_kind_find(spec, error) ? 0 : -EINVAL;
}
