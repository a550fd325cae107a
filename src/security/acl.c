#include "security/acl.h"

#include "security/acl_dynamic.h"
#include "security/acl_proofs.h"
#include "security/broker_file.h"
#include "security/payload.h"
#include "security/plugin_file.h"
#include "security/secret.h"

#include <errno.h>
#include <string.h>

struct acl_settings {
    int64_t by; /* enum acl_means */
    char *client1, *client2;
};

#define TELEMETRY    "%t"
#define SECRET_BYTES 24

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
static const struct setting_group group =
    SETTING_GROUP("acl", SETTING_CHANNEL, rows, struct acl_settings);

static const struct acl_settings *own(const struct channel *channel) {
    return settings_get(&channel->settings, &group);
}

enum acl_means acl_means(const struct channel *channel) {
    return (enum acl_means)own(channel)->by;
}

/* ---- the rules ---- */

char *acl_user(const struct bringup *bringup, enum party party) {
    struct client_config *config = mechanism_client_config(bringup, party, "", 0);
    char *name = text_copy(config->username);

    client_config_free(config);
    return name;
}

const char *acl_issued(const struct bringup *bringup, const char *part) {
    const json_t *all = json_object_get(bringup->secrets, group.name);
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

/* The rules of both clients, as acl_table_read() takes them; the caller's. */
static char *rules_text(const struct bringup *bringup) {
    const struct acl_settings *settings = own(bringup->channel);
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
    CLEANUP_FREE char *text = rules_text(bringup);
    size_t line;
    const char *wrong = acl_table_read(text, ret, &line);

    if (!wrong)
        return 0;
    acl_table_clear(ret);
    return error_set(error, -EINVAL, "acl: rule %d: %s", (int)line, wrong);
}

/* ---- check and issue ---- */

static int check_names(const struct bringup *bringup, struct error *error) {
    CLEANUP_FREE char *user1 = acl_user(bringup, PARTY_CLIENT1);
    CLEANUP_FREE char *user2 = acl_user(bringup, PARTY_CLIENT2);

    if (!*user1 || !*user2)
        return error_set(error, -EINVAL,
                         "use: acl goes by user names, and the clients of this channel have none; "
                         "let password give them, with password.user = %%c");
    if (text_equal(user1, user2))
        return error_set(error, -EINVAL,
                         "use: acl goes by user names, and here both clients are called '%s'; "
                         "set password.user = %%c",
                         user1);
    return 0;
}

static int check_qos(const char *key, const char *rules, struct error *error) {
    const char *cursor = rules, *word;
    size_t length;

    while ((word = text_next_word(&cursor, &length))) {
        size_t operation = strcspn(word, "@:");

        if (operation < length && word[operation] == '@')
            return error_set(error, -EINVAL,
                             "acl.%s: '%.*s' names a quality of service, which only acl.by = "
                             "plugin knows; set that, or leave the @ out",
                             key, (int)length, word);
    }
    return 0;
}

static int check(const struct channel *channel, struct error *error) {
    const struct acl_settings *settings = own(channel);
    const struct bringup bringup = {.channel = channel, .certs = ""};
    int r = check_names(&bringup, error);

    if (r == 0 && settings->by != ACL_BY_PLUGIN)
        r = check_qos("client1", settings->client1, error);
    if (r == 0 && settings->by != ACL_BY_PLUGIN)
        r = check_qos("client2", settings->client2, error);
    return r < 0 ? r : acl_proofs_check(&bringup, error);
}

/* What the hosts need to know beside the settings. */
static int issue(const struct channel *channel, struct issuer *issuer, struct error *error) {
    int r = secret_issue(issuer, group.name, channel->name, "generated", SECRET_BYTES, error);
    json_t *all = json_object_get(issuer->secrets, group.name);

    if (r < 0)
        return r;
    secret_put(issuer, group.name, channel->name,
               json_pack("{s:O,s:s}", "admin", json_object_get(all, channel->name), "topic",
                         issuer->telemetry_topic));
    return 0;
}

/* ---- the broker ---- */

/* The rules as Mosquitto's acl_file has them; the caller's. */
static char *acl_file_text(const struct acl_table *table) {
    static const char *const access[] = {
        [ACL_PUBLISH] = "write", [ACL_SUBSCRIBE] = "read", [ACL_BOTH] = "readwrite"};
    char *text = NULL;
    size_t size;
    FILE *stream = open_memstream(&text, &size);

    for (size_t i = 0; i < table->n_rules; i++) {
        const struct acl_rule *rule = &table->rules[i];

        if (i == 0 || !text_equal(rule->user, table->rules[i - 1].user))
            fprintf(stream, "user %s\n", rule->user);
        fprintf(stream, "topic %s %s\n", access[rule->operations], rule->topic);
    }
    (void)fclose(stream);
    return text;
}

static int write_acl_file(const struct bringup *bringup, const struct acl_table *table, FILE *lines,
                          struct error *error) {
    CLEANUP_FREE char *text = acl_file_text(table), *path = NULL;
    int r = broker_file_write(bringup, "acl", &path, error, "%s", text);

    if (r == 0)
        fprintf(lines, "acl_file %s\n", path);
    return r;
}

static int write_plugin(const struct bringup *bringup, const struct acl_table *table, FILE *lines,
                        struct error *error) {
    CLEANUP_FREE char *text = rules_text(bringup), *plugin = NULL, *path = NULL;
    int r = plugin_file("acl", &plugin, error);

    (void)table;
    if (r == 0)
        r = broker_file_write(bringup, "rules", &path, error, "%s", text);
    if (r == 0)
        fprintf(lines, "plugin %s\nplugin_opt_rules %s\n", plugin, path);
    return r;
}

static int broker(const struct bringup *bringup, FILE *lines, struct error *error) {
    static int (*const writers[])(const struct bringup *, const struct acl_table *, FILE *,
                                  struct error *) = {
        [ACL_BY_FILE] = write_acl_file,
        [ACL_BY_PLUGIN] = write_plugin,
        [ACL_BY_DYNAMIC_SECURITY] = acl_dynamic_write,
    };
    struct acl_table table;
    int r = acl_rules(bringup, &table, error);

    if (r < 0)
        return r;
    r = writers[acl_means(bringup->channel)](bringup, &table, lines, error);
    acl_table_clear(&table);
    return r;
}

const struct mechanism mechanism_acl = {
    .group = &group,
    .help = "what each client may publish and subscribe to: topic, operation, quality of service",
    .conflicts = "token", /* whose clients have no names */
    .check = check,
    .issue = issue,
    .broker = broker,
    .proofs = acl_proofs,
    .n_proofs = ACL_PROOFS,
};
