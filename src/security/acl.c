#include "security/acl.h"

#include "security/acl_dynamic.h"
#include "security/acl_proofs.h"
#include "security/acl_settings.h"
#include "security/broker_file.h"
#include "security/plugin_file.h"
#include "security/secret.h"

#include <errno.h>
#include <string.h>

#define SECRET_BYTES 24

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
    const struct acl_settings *settings = acl_settings(channel);
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
    int r = secret_issue(issuer, acl_group.name, channel->name, "generated", SECRET_BYTES, error);
    json_t *all = json_object_get(issuer->secrets, acl_group.name);

    if (r < 0)
        return r;
    secret_put(issuer, acl_group.name, channel->name,
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
    CLEANUP_FREE char *text = acl_rules_text(bringup), *plugin = NULL, *path = NULL;
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
    r = writers[acl_settings(bringup->channel)->by](bringup, &table, lines, error);
    acl_table_clear(&table);
    return r;
}

const struct mechanism mechanism_acl = {
    .group = &acl_group,
    .help = "what each client may publish and subscribe to: topic, operation, quality of service",
    .conflicts = "token", /* whose clients have no names */
    .check = check,
    .issue = issue,
    .broker = broker,
    .proofs = acl_proofs,
    .n_proofs = ACL_PROOFS,
};
