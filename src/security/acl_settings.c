#include "security/acl_settings.h"

#include "security/payload.h"

#include <errno.h>
#include <string.h>

#define TELEMETRY "%t"

static int check_rules(const char *value, struct error *error) {
    const char *cursor = value, *word;
    size_t length;

    while ((word = text_next_word(&cursor, &length))) {
        CLEANUP_FREE char *text = strndup(word, length);
        struct acl_rule rule;
        const char *wrong = acl_rule_read(text, &rule);

        if (wrong)
            return error_set(error, -EINVAL, "'%s' is no rule: %s", text, wrong);
    }
    return 0;
}

static const struct setting rows[] = {
    {"by", SETTING_CHOICE, "file", .choices = "file plugin dynamic-security",
     .help = "what enforces the rules: Mosquitto's acl_file, which knows no quality of service; "
             "bench's own plugin, which does; or Mosquitto's plugin for changes while it runs",
     .offset = offsetof(struct acl_settings, by)},
    {"client1", SETTING_WORDS, "subscribe:%t subscribe:bench/+/data publish:bench/+/credit",
     .help = "what client1 may do, as publish|subscribe|both[@QOS,...]:TOPIC; "
             "%t is telemetry's topic",
     .offset = offsetof(struct acl_settings, client1), .check = check_rules},
    {"client2", SETTING_WORDS,
     "publish:%t publish:bench/+/data subscribe:bench/+/credit both:bench/+/latency",
     .help = "what client2 may do", .offset = offsetof(struct acl_settings, client2),
     .check = check_rules},
};
const struct setting_group acl_group =
    SETTING_GROUP("acl", SETTING_CHANNEL, rows, struct acl_settings);

const struct acl_settings *acl_settings(const struct channel *channel) {
    return settings_get(&channel->settings, &acl_group);
}

/* ---- the rules ---- */

char *acl_user(const struct bringup *bringup, enum party party) {
    struct client_config *config = mechanism_client_config(bringup, party, "", 0);
    char *name = text_copy(config->username);

    client_config_free(config);
    return name;
}

const char *acl_issued(const struct bringup *bringup, const char *part) {
    const json_t *all = json_object_get(bringup->secrets, acl_group.name);
    const char *text =
        json_string_value(json_object_get(json_object_get(all, bringup->channel->name), part));

    return text ? text : "";
}

/* A rule as the user wrote it, with telemetry's topic in the place of %t. */
static char *expand(const char *word, size_t length, const char *topic) {
    size_t mark = strlen(TELEMETRY);

    if (length > mark && strncmp(word + length - mark - 1, ":" TELEMETRY, mark + 1) == 0)
        return text_format("%.*s%s", (int)(length - mark), word, topic);
    return strndup(word, length);
}

/* Beside what its rules permit, each client may use what the proofs of the channel do. */
static void write_rules(FILE *text, const struct channel *channel, const char *user,
                        const char *rules, const char *topic) {
    const char *cursor = rules, *word;
    size_t length;

    fprintf(text, "user %s\n", user);
    while ((word = text_next_word(&cursor, &length))) {
        CLEANUP_FREE char *rule = expand(word, length, topic);

        fprintf(text, "%s\n", rule);
    }
    fprintf(text, "both:%s\n", PROOF_SENTINEL);
    if (channel_uses(channel, "payload"))
        fprintf(text, "both:%s\n", PAYLOAD_PROOF_FILTER);
}

char *acl_rules_text(const struct bringup *bringup) {
    const struct acl_settings *settings = acl_settings(bringup->channel);
    CLEANUP_FREE char *user1 = acl_user(bringup, PARTY_CLIENT1);
    CLEANUP_FREE char *user2 = acl_user(bringup, PARTY_CLIENT2);
    const char *topic = acl_issued(bringup, "topic");
    char *text = NULL;
    size_t size;
    FILE *stream = open_memstream(&text, &size);

    if (!*topic)
        topic = "bench/telemetry";
    write_rules(stream, bringup->channel, user1, settings->client1, topic);
    write_rules(stream, bringup->channel, user2, settings->client2, topic);
    (void)fclose(stream);
    return text;
}

int acl_rules(const struct bringup *bringup, struct acl_table *ret, struct error *error) {
    CLEANUP_FREE char *text = acl_rules_text(bringup);
    size_t line;
    const char *wrong = acl_table_read(text, ret, &line);

    if (!wrong)
        return 0;
    acl_table_clear(ret);
    return error_set(error, -EINVAL, "acl: rule %d: %s", (int)line, wrong);
}
