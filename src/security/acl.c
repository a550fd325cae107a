/*
 * acl - which client may publish and subscribe to what: rules (acl_rules.h) for each client, by its
 * user name, enforced by Mosquitto's acl_file, by a plugin of ours that heeds the quality of
 * service, or by Mosquitto's dynamic-security plugin, which can be changed while the broker runs.
 */
#include "base/suggestion.h"
#include "security/acl_rules.h"
#include "security/broker_file.h"
#include "security/mechanism.h"
#include "security/password.h"
#include "security/payload.h"
#include "security/secret.h"

#include <dlfcn.h>
#include <errno.h>
#include <glob.h>
#include <libgen.h>
#include <string.h>
#include <unistd.h>

#define SECRET_BYTES 24
#define TELEMETRY    "%t"

enum { BY_FILE, BY_PLUGIN, BY_DYNAMIC_SECURITY };

struct acl_settings {
    int64_t by;
    char *rules[PARTY_CLIENT2 + 1];
};

static int check_rules(const char *value, struct error *error) {
    const char *cursor = value, *word;
    size_t length;

    while ((word = text_next_word(&cursor, &length))) {
        CLEANUP_FREE char *text = strndup(word, length), *meant = NULL;
        struct acl_rule rule;
        const char *wrong = acl_rule_read(text, &rule);

        if (!wrong)
            continue;
        meant = suggestion_of_list(text, "publish subscribe both");
        return error_set(error, -EINVAL, "'%s' is no rule%s: %s", text, meant, wrong);
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
     .offset = offsetof(struct acl_settings, rules[PARTY_CLIENT1]), .check = check_rules},
    {"client2", SETTING_WORDS,
     "publish:%t publish:bench/+/data subscribe:bench/+/credit both:bench/+/latency",
     .help = "what client2 may do", .offset = offsetof(struct acl_settings, rules[PARTY_CLIENT2]),
     .check = check_rules},
};
static const struct setting_group group =
    SETTING_GROUP("acl", SETTING_CHANNEL, rows, struct acl_settings);

static const struct acl_settings *own(const struct channel *channel) {
    return settings_get(&channel->settings, &group);
}

/* ---- the rules of a channel, and who its clients are to them ---- */

struct rights {
    char *users[PARTY_CLIENT2 + 1];
    char *text; /* as acl_table_read() takes them */
    struct acl_table table;
};

static void rights_close(struct rights *rights) {
    acl_table_clear(&rights->table);
    free(rights->text);
    free(rights->users[PARTY_CLIENT1]);
    free(rights->users[PARTY_CLIENT2]);
}

static char *user_of(const struct bringup *bringup, enum party party) {
    CLEANUP(client_config_freep)
    struct client_config *config = mechanism_client_config(bringup, party, "", 0);

    return text_copy(config->username);
}

/* A rule as the user wrote it, with telemetry's topic in the place of %t. */
static void write_rule(FILE *out, const char *word, size_t length, const char *topic) {
    size_t mark = strlen(TELEMETRY);

    if (length > mark && strncmp(word + length - mark - 1, ":" TELEMETRY, mark + 1) == 0)
        fprintf(out, "%.*s%s\n", (int)(length - mark), word, topic);
    else
        fprintf(out, "%.*s\n", (int)length, word);
}

/* Beside what its rules permit, each client may use what the proofs of the channel do. Where
 * nothing has been issued yet, %t stands for telemetry's default topic. */
static char *rules_text(const struct bringup *bringup, char *const *users) {
    const char *topic = secret_find(bringup, group.name, "topic"), *word;
    char *text = NULL;
    size_t size, length;
    FILE *out = open_memstream(&text, &size);

    for (enum party party = PARTY_CLIENT1; party <= PARTY_CLIENT2; party++) {
        const char *cursor = own(bringup->channel)->rules[party];

        fprintf(out, "user %s\n", users[party]);
        while ((word = text_next_word(&cursor, &length)))
            write_rule(out, word, length, *topic ? topic : "bench/telemetry");
        fprintf(out, "both:%s\n", PROOF_SENTINEL);
        if (channel_uses(bringup->channel, "payload"))
            fprintf(out, "both:%s\n", PAYLOAD_PROOF_FILTER);
        if (party == PARTY_CLIENT1 && bringup->fleet)
            fprintf(out, "subscribe:" FLEET_TOPIC "/#\n");
    }
    (void)fclose(out);
    return text;
}

/* rights_close() is due also after a failure. */
static int rights_open(struct rights *rights, const struct bringup *bringup, struct error *error) {
    const char *wrong;
    size_t line;

    for (enum party party = PARTY_CLIENT1; party <= PARTY_CLIENT2; party++)
        rights->users[party] = user_of(bringup, party);
    if (!*rights->users[PARTY_CLIENT1] || !*rights->users[PARTY_CLIENT2])
        return error_set(error, -EINVAL,
                         "use: acl goes by user names, and the clients of this channel have none; "
                         "let password give them, with password.user = %%c");
    if (text_equal(rights->users[PARTY_CLIENT1], rights->users[PARTY_CLIENT2]))
        return error_set(error, -EINVAL,
                         "use: acl goes by user names, and here both clients are called '%s'; "
                         "set password.user = %%c",
                         rights->users[PARTY_CLIENT1]);
    rights->text = rules_text(bringup, rights->users);
    wrong = acl_table_read(rights->text, &rights->table, &line);
    return wrong ? error_set(error, -EINVAL, "acl: rule %d: %s", (int)line, wrong) : 0;
}

/* ---- members of a fleet: each may publish to its own topic alone ---- */

static int64_t count_members(const struct bringup *bringup) {
    return bringup->fleet ? bringup->fleet->clients : 0;
}

/* As password names them; the caller's. */
static char *member_user(const struct rights *rights, int64_t member) {
    return fleet_member_name(rights->users[PARTY_CLIENT2], member);
}

static char *member_topic(int64_t member) {
    return text_format(FLEET_TOPIC "/+/+/%lld", (long long)member);
}

/* Two lines for each member, in the words of a file of the broker's. */
static void write_members(FILE *out, const struct bringup *bringup, const struct rights *rights,
                          const char *words) {
    int64_t n = count_members(bringup);

    for (int64_t i = 0; i < n; i++) {
        CLEANUP_FREE char *user = member_user(rights, i), *topic = member_topic(i);

        fprintf(out, "user %s\n%s%s\n", user, words, topic);
    }
}

/* Mosquitto goes through all users of the file for each line of it. */
#define MOST_IN_FILE 20000

static const char *no_fleet(const struct channel *channel, const struct fleet_plan *fleet) {
    return own(channel)->by == BY_FILE && fleet->clients > MOST_IN_FILE
               ? "acl.by: Mosquitto's file takes minutes to read with more than 20000 members; "
                 "set plugin or dynamic-security, or fewer fleet.clients"
               : NULL;
}

/* ---- issue ---- */

/* What the hosts need to know beside the settings: the password of who may change the rules, and
 * telemetry's topic. */
static int issue(const struct channel *channel, struct issuer *issuer, struct error *error) {
    const struct bringup bringup = {.channel = channel, .secrets = issuer->secrets};
    int r = secret_issue(issuer, group.name, channel->name, "generated", SECRET_BYTES, 0, error);

    if (r < 0)
        return r;
    secret_put(issuer, group.name, channel->name,
               json_pack("{s:s,s:s}", "admin", secret_find(&bringup, group.name, NULL), "topic",
                         issuer->telemetry_topic));
    return 0;
}

/* ---- the broker: Mosquitto's acl_file, and our plugin ---- */

static int write_acl_file(const struct bringup *bringup, const struct rights *rights, FILE *lines,
                          struct error *error) {
    static const char *const access[] = {
        [ACL_PUBLISH] = "write", [ACL_SUBSCRIBE] = "read", [ACL_BOTH] = "readwrite"};
    CLEANUP_FREE char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    for (size_t i = 0; i < rights->table.n_rules; i++) {
        const struct acl_rule *rule = &rights->table.rules[i];

        if (i == 0 || !text_equal(rule->user, rule[-1].user))
            fprintf(out, "user %s\n", rule->user);
        fprintf(out, "topic %s %s\n", access[rule->operations], rule->topic);
    }
    write_members(out, bringup, rights, "topic write ");
    (void)fclose(out);
    return broker_file_write(bringup, lines, "acl_file", "acl", error, "%s", text);
}

static int write_plugin(const struct bringup *bringup, const struct rights *rights, FILE *lines,
                        struct error *error) {
    CLEANUP_FREE char *text = NULL;
    int r = broker_file_plugin(lines, "acl", error);
    size_t size;
    FILE *out;

    if (r < 0)
        return r;
    out = open_memstream(&text, &size);
    fputs(rights->text, out);
    write_members(out, bringup, rights, "publish:");
    (void)fclose(out);
    return broker_file_write(bringup, lines, "plugin_opt_rules", "rules", error, "%s", text);
}

/* ---- the broker: Mosquitto's dynamic-security plugin ---- */

#define DYNAMIC_SECURITY "mosquitto_dynamic_security.so"
#define ADMIN            "acl-admin"
#define CONTROL          "$CONTROL/dynamic-security/v1"
/* Each client has a second role, empty, that comes before the one with its rules. */
#define DENIALS "%s denied"

/* Debian has it beside the libraries of the machine's architecture, as a library of ours is. */
static int find_dynamic_security(char **ret, struct error *error) {
    Dl_info ours = {.dli_fname = NULL};
    bool known = dladdr((const void *)(uintptr_t)json_object, &ours) && ours.dli_fname;
    CLEANUP_FREE char *library = known ? realpath(ours.dli_fname, NULL) : NULL;
    const char *const folders[] = {library ? dirname(library) : "/usr/lib", "/usr/lib",
                                   "/usr/local/lib", "/usr/lib/*", "/usr/local/lib/*"};

    for (size_t i = 0; i < ARRAY_SIZE(folders) && !*ret; i++) {
        CLEANUP_FREE char *pattern = text_format("%s/" DYNAMIC_SECURITY, folders[i]);
        glob_t found = {.gl_pathc = 0};

        /* Where a plain path is, access() knows on emulated processors, too; glob() does not. */
        if (access(pattern, R_OK) == 0)
            *ret = text_copy(pattern);
        else if (glob(pattern, 0, NULL, &found) == 0)
            *ret = text_copy(found.gl_pathv[0]);
        globfree(&found);
    }
    return *ret ? 0
                : error_set(error, -ENOENT,
                            "acl.by: " DYNAMIC_SECURITY " is not on this host; Debian has it in "
                            "the package mosquitto; or set acl.by = plugin");
}

static void permit(json_t *acls, unsigned operations, const char *topic) {
    static const struct {
        unsigned operation;
        const char *name;
    } types[] = {{ACL_PUBLISH, "publishClientSend"},
                 {ACL_SUBSCRIBE, "subscribePattern"},
                 {ACL_SUBSCRIBE, "publishClientReceive"}};

    for (size_t i = 0; i < ARRAY_SIZE(types); i++)
        if (operations & types[i].operation)
            (void)json_array_append_new(acls, json_pack("{s:s,s:s,s:b}", "acltype", types[i].name,
                                                        "topic", topic, "allow", 1));
}

static void add_role(json_t *file, const char *name, json_t *acls) {
    (void)json_array_append_new(json_object_get(file, "roles"),
                                json_pack("{s:s,s:o}", "rolename", name, "acls", acls));
}

/* Without a password of its own here: the plugin then leaves the login to the password file. */
static void add_client(json_t *file, const struct acl_table *table, const char *user) {
    CLEANUP_FREE char *denials = text_format(DENIALS, user);
    json_t *acls = json_array();

    for (size_t i = 0; i < table->n_rules; i++)
        if (text_equal(table->rules[i].user, user))
            permit(acls, table->rules[i].operations, table->rules[i].topic);
    add_role(file, user, acls);
    add_role(file, denials, json_array());
    (void)json_array_append_new(json_object_get(file, "clients"),
                                json_pack("{s:s,s:[{s:s,s:i},{s:s,s:i}]}", "username", user,
                                          "roles", "rolename", denials, "priority", 2, "rolename",
                                          user, "priority", 1));
}

static void add_members(json_t *file, const struct bringup *bringup, const struct rights *rights) {
    int64_t n = count_members(bringup);

    for (int64_t i = 0; i < n; i++) {
        CLEANUP_FREE char *user = member_user(rights, i), *topic = member_topic(i);
        json_t *acls = json_array();

        permit(acls, ACL_PUBLISH, topic);
        add_role(file, user, acls);
        (void)json_array_append_new(
            json_object_get(file, "clients"),
            json_pack("{s:s,s:[{s:s}]}", "username", user, "roles", "rolename", user));
    }
}

static int add_admin(json_t *file, const struct bringup *bringup, struct error *error) {
    char hash[PASSWORD_HASH_SIZE], *rest = hash + strlen("$7$"), *rounds, *salt;
    json_t *acls;
    int r = password_hash(secret_find(bringup, group.name, "admin"), hash, error);

    if (r < 0)
        return r;
    rounds = strsep(&rest, "$"); /* $7$ROUNDS$SALT$HASH */
    salt = strsep(&rest, "$");
    acls = json_array();
    permit(acls, ACL_BOTH, "$CONTROL/dynamic-security/#");
    add_role(file, ADMIN, acls);
    (void)json_array_append_new(json_object_get(file, "clients"),
                                json_pack("{s:s,s:s,s:s,s:i,s:[{s:s}]}", "username", ADMIN, "salt",
                                          salt, "password", rest, "iterations", atoi(rounds),
                                          "roles", "rolename", ADMIN));
    return 0;
}

/* Who logs in as whom is left to the channel's other mechanisms, but for the administrator. */
static int write_dynamic_security(const struct bringup *bringup, const struct rights *rights,
                                  FILE *lines, struct error *error) {
    CLEANUP_FREE char *plugin = NULL, *text = NULL;
    json_auto_t *file = json_pack("{s:{s:b,s:b,s:b,s:b},s:[],s:[],s:[]}", "defaultACLAccess",
                                  "publishClientSend", 0, "publishClientReceive", 0, "subscribe", 0,
                                  "unsubscribe", 1, "clients", "groups", "roles");
    int r = find_dynamic_security(&plugin, error);

    if (r < 0)
        return r;
    add_client(file, &rights->table, rights->users[PARTY_CLIENT1]);
    add_client(file, &rights->table, rights->users[PARTY_CLIENT2]);
    add_members(file, bringup, rights);
    r = add_admin(file, bringup, error);
    if (r < 0)
        return r;
    fprintf(lines, "plugin %s\n", plugin);
    text = json_dumps(file, JSON_INDENT(1));
    return broker_file_write(bringup, lines, "plugin_opt_config_file", "dynamic-security.json",
                             error, "%s", text);
}

static int broker(const struct bringup *bringup, FILE *lines, struct error *error) {
    static int (*const writers[])(const struct bringup *, const struct rights *, FILE *,
                                  struct error *) = {
        [BY_FILE] = write_acl_file,
        [BY_PLUGIN] = write_plugin,
        [BY_DYNAMIC_SECURITY] = write_dynamic_security,
    };
    CLEANUP(rights_close) struct rights rights = {.text = NULL};
    int r = rights_open(&rights, bringup, error);

    return r < 0 ? r : writers[own(bringup->channel)->by](bringup, &rights, lines, error);
}

/* ---- dynamic security while the broker runs ---- */

/* One command; its answer is the caller's, and NULL is an error. */
static json_t *command(const struct proof_setup *setup, json_t *body, struct error *error) {
    CLEANUP(client_config_freep)
    struct client_config *admin = setting_block_copy(&client_config_group, setup->right);
    json_auto_t *request = json_pack("{s:[o]}", "commands", body), *answer = NULL;
    CLEANUP_FREE char *asked = json_dumps(request, JSON_COMPACT), *heard = NULL;
    const struct proof_message message = {
        .topic = CONTROL, .payload = asked, .length = strlen(asked)};
    json_t *response;

    client_config_name_session(admin, "admin");
    client_config_log_in(admin, ADMIN, secret_find(setup->bringup, group.name, "admin"));
    text_replace(&admin->payload.seals_with, ""); /* the broker is to read it, and answers clear */
    text_replace(&admin->payload.opens_with, "");
    if (setup->ask(admin, &message, CONTROL "/response", &heard, error) < 0)
        return NULL;
    answer = json_loads(heard, 0, NULL);
    response = json_array_get(json_object_get(answer, "responses"), 0);
    if (!response || json_object_get(response, "error")) {
        const char *why = json_string_value(json_object_get(response, "error"));

        (void)error_set(error, -EPROTO, "dynamic security: %s",
                        why ? why : "an answer without sense");
        return NULL;
    }
    return json_incref(response);
}

/* Denies a user publications to the topic, over all that its rules permit; or takes that back. */
static int deny(const struct proof_setup *setup, const char *user, const char *topic, bool denied,
                struct error *error) {
    CLEANUP_FREE char *role = text_format(DENIALS, user);
    json_t *body =
        json_pack("{s:s,s:s,s:s,s:s}", "command", denied ? "addRoleACL" : "removeRoleACL",
                  "rolename", role, "acltype", "publishClientSend", "topic", topic);
    json_auto_t *answer = NULL;

    if (denied)
        (void)json_object_set_new(body, "allow", json_false());
    answer = command(setup, body, error);
    return answer ? 0 : -EPROTO;
}

/* Whether nothing is denied to a user in this way: 1 or 0, or a negative errno. */
static int denies_nothing(const struct proof_setup *setup, const char *user, struct error *error) {
    CLEANUP_FREE char *role = text_format(DENIALS, user);
    json_auto_t *answer =
        command(setup, json_pack("{s:s,s:s}", "command", "getRole", "rolename", role), error);
    const json_t *found = json_object_get(json_object_get(answer, "data"), "role");

    if (!answer)
        return -EPROTO;
    return found && json_array_size(json_object_get(found, "acls")) == 0;
}

/* ---- what the rules offer to be shown ---- */

/* Who publishes, who watches, and at which quality of service. */
struct leg {
    enum party publisher, watcher;
    int qos;
};

/* A way to use a topic: two clients (one and the other), a third party to both (one of them), and
 * two qualities of service; and what a proof makes of these. */
struct act {
    const char *topic;
    enum party one, other, third;
    int qos, other_qos;
    struct leg permitted, forbidden;
};

/* Whether the rules permit and forbid what the proof is to show; makes the two legs of it. */
typedef bool fits_fn(const struct rights *rights, struct act *act);

static bool may(const struct rights *rights, enum party who, enum acl_operation operation, int qos,
                const char *topic) {
    return acl_permits(&rights->table, rights->users[who], operation, qos, topic);
}

static bool is_permitted(const struct rights *rights, const struct act *act) {
    const struct leg *leg = &act->permitted;

    return may(rights, leg->publisher, ACL_PUBLISH, leg->qos, act->topic) &&
           may(rights, leg->watcher, ACL_SUBSCRIBE, leg->qos, act->topic);
}

/* The other publishes what the third reads, but one may not. */
static bool fits_publication(const struct rights *rights, struct act *act) {
    act->permitted = (struct leg){act->other, act->third, act->qos};
    act->forbidden = (struct leg){act->one, act->third, act->qos};
    return is_permitted(rights, act) &&
           !may(rights, act->one, ACL_PUBLISH, ACL_ANY_QOS, act->topic);
}

/* The other reads what the third publishes, but one may not. */
static bool fits_subscription(const struct rights *rights, struct act *act) {
    act->permitted = (struct leg){act->third, act->other, act->qos};
    act->forbidden = (struct leg){act->third, act->one, act->qos};
    return is_permitted(rights, act) &&
           !may(rights, act->one, ACL_SUBSCRIBE, ACL_ANY_QOS, act->topic);
}

/* One publishes what the third reads; it is forbidden later. */
static bool fits_change(const struct rights *rights, struct act *act) {
    act->permitted = act->forbidden = (struct leg){act->one, act->third, act->qos};
    return is_permitted(rights, act);
}

/* The same, but not at the other quality of service. */
static bool fits_qos(const struct rights *rights, struct act *act) {
    act->permitted = (struct leg){act->one, act->third, act->qos};
    act->forbidden = (struct leg){act->one, act->third, act->other_qos};
    return is_permitted(rights, act) &&
           may(rights, act->third, ACL_SUBSCRIBE, act->other_qos, act->topic) &&
           !may(rights, act->one, ACL_PUBLISH, act->other_qos, act->topic);
}

#define COMBINATIONS (2 * 3 * 3)

/* All ways to apply an act to a topic, the one being given. */
static bool apply(const struct rights *rights, struct act *act, fits_fn *fits) {
    act->other = act->one == PARTY_CLIENT1 ? PARTY_CLIENT2 : PARTY_CLIENT1;
    for (int i = 0; i < COMBINATIONS; i++) {
        act->third = i % 2 ? PARTY_CLIENT2 : PARTY_CLIENT1;
        act->qos = i / 2 % 3;
        act->other_qos = i / 6;
        if (fits(rights, act))
            return true;
    }
    return false;
}

/* A topic that a filter means; the caller's. */
static char *topic_of(const char *filter) {
    CLEANUP_FREE char *levels = text_copy(filter);
    char *topic = text_copy(""), *rest = levels, *level;

    while ((level = strsep(&rest, "/"))) {
        bool any = text_equal(level, "+") || text_equal(level, "#");
        char *longer =
            text_format("%s%s%s", topic, level == levels ? "" : "/", any ? "proof" : level);

        free(topic);
        topic = longer;
    }
    return topic;
}

/* The topic of an act that fits, made of one of the rules, the caller's; or NULL. */
static char *find(const struct rights *rights, fits_fn *fits, struct act *ret) {
    for (enum party one = PARTY_CLIENT2; one >= PARTY_CLIENT1; one--)
        for (size_t i = 0; i < rights->table.n_rules; i++) {
            char *topic = topic_of(rights->table.rules[i].topic);

            *ret = (struct act){.topic = topic, .one = one};
            if (*topic != '$' && !text_equal(topic, PROOF_SENTINEL) && apply(rights, ret, fits))
                return topic;
            free(topic);
        }
    return NULL;
}

static bool offers(const struct rights *rights, fits_fn *fits) {
    struct act act;
    CLEANUP_FREE char *topic = find(rights, fits, &act);

    return topic;
}

/* ---- check ---- */

static int check_qos(const struct channel *channel, enum party party, struct error *error) {
    const char *cursor = own(channel)->rules[party], *word;
    size_t length;

    while ((word = text_next_word(&cursor, &length)))
        if (word[strcspn(word, "@:")] == '@')
            return error_set(error, -EINVAL,
                             "acl.%s: '%.*s' names a quality of service, which only acl.by = "
                             "plugin knows; set that, or leave the @ out",
                             party_name(party), (int)length, word);
    return 0;
}

/* Refuses rules of which nothing can be shown, because they permit too much or too little. */
static int check(const struct channel *channel, struct error *error) {
    static const struct {
        fits_fn *fits;
        const char *one, *other; /* does what one client may and the other may not */
    } shown[] = {{fits_publication, "publish to", "read"},
                 {fits_subscription, "subscribe to", "published"}};
    const struct bringup bringup = {.channel = channel, .certs = ""};
    CLEANUP(rights_close) struct rights rights = {.text = NULL};
    int r = rights_open(&rights, &bringup, error);

    for (enum party party = PARTY_CLIENT1; party <= PARTY_CLIENT2; party++)
        if (r == 0 && own(channel)->by != BY_PLUGIN)
            r = check_qos(channel, party, error);
    for (size_t i = 0; i < ARRAY_SIZE(shown) && r == 0; i++)
        if (!offers(&rights, shown[i].fits))
            r = error_set(error, -EINVAL,
                          "acl.client2: nothing can be shown of these rules: no topic that one "
                          "client may %s and the other may not is %s by any client; restrict them",
                          shown[i].one, shown[i].other);
    return r;
}

/* ---- the proofs: what is permitted arrives, what is forbidden is lost, and then as before ---- */

/* A client of the channel, under an identifier of its own. */
static struct client_config *client_of(const struct proof_setup *setup, enum party party,
                                       const char *session) {
    struct client_config *client = setting_block_copy(&client_config_group, setup->right);
    struct client_config *right = mechanism_client_config(setup->bringup, party, "", 0);

    /* TLS stays client2's: the keys of the other are on another host, and rules go by names. */
    text_replace(&client->client_id, right->client_id);
    text_replace(&client->username, right->username);
    text_replace(&client->password, right->password);
    client_config_name_session(client, session);
    client_config_free(right);
    return client;
}

static int exchange(const struct proof_setup *setup, const struct leg *leg, const char *topic,
                    struct proof_exchange_result *ret, struct error *error) {
    CLEANUP(client_config_freep)
    struct client_config *publishes = client_of(setup, leg->publisher, "proof-publisher");
    CLEANUP(client_config_freep)
    struct client_config *watches = client_of(setup, leg->watcher, "proof-watcher");
    const struct proof_message message = {
        .topic = topic, .payload = "acl", .length = strlen("acl")};
    const struct proof_exchange made = {.publisher = publishes,
                                        .watcher = watches,
                                        .filter = topic,
                                        .sentinel = PROOF_SENTINEL,
                                        .messages = &message,
                                        .n_messages = 1,
                                        .qos = leg->qos};

    mechanism_make_reader(setup->bringup, watches);
    return setup->exchange(&made, ret, error);
}

/* What was denied is permitted again whatever else fails. */
static int exchange_denied(const struct proof_setup *setup, const struct act *act, const char *user,
                           struct proof_exchange_result *ret, struct error *error) {
    int undone, r = deny(setup, user, act->topic, true, error);

    if (r < 0)
        return r;
    r = exchange(setup, &act->forbidden, act->topic, ret, error);
    undone = deny(setup, user, act->topic, false, r < 0 ? NULL : error);
    return r < 0 ? r : undone;
}

static bool arrives(const struct proof_exchange_result *result) {
    return result->sentinel && !result->refused && result->arrived == 1;
}

static const char *word(const struct proof_exchange_result *result) {
    return !result->sentinel     ? "not even the sentinel"
           : result->arrived > 0 ? "arrived"
           : result->refused     ? "refused"
                                 : "lost";
}

#define EXPECTED      "permitted: arrived; forbidden: lost; permitted: arrived"
#define EXPECTED_READ "permitted: arrived; forbidden: refused or lost; permitted: arrived"

static int show(const struct proof_setup *setup, fits_fn *fits, const char *what,
                struct proof_seen *ret, struct error *error) {
    CLEANUP(rights_close) struct rights rights = {.text = NULL};
    struct proof_exchange_result before, forbidden, after;
    CLEANUP_FREE char *topic = NULL, *how = NULL;
    struct act act;
    bool changes = fits == fits_change;
    int as_before = 1, r = rights_open(&rights, setup->bringup, error);

    if (r < 0)
        return r;
    topic = find(&rights, fits, &act);
    if (!topic)
        return error_set(error, -EINVAL, "the rules offer no %s to be shown", what);
    r = exchange(setup, &act.permitted, topic, &before, error);
    if (r < 0)
        return r;
    r = changes ? exchange_denied(setup, &act, rights.users[act.one], &forbidden, error)
                : exchange(setup, &act.forbidden, topic, &forbidden, error);
    if (r < 0)
        return r;
    r = exchange(setup, &act.permitted, topic, &after, error);
    if (r < 0)
        return r;
    if (changes)
        as_before = denies_nothing(setup, rights.users[act.one], error);
    if (as_before < 0)
        return as_before;
    ret->held = arrives(&before) && forbidden.sentinel && forbidden.arrived == 0 &&
                arrives(&after) && as_before;
    (void)snprintf(ret->observed, sizeof(ret->observed),
                   "permitted: %s; forbidden: %s; permitted: %s", word(&before), word(&forbidden),
                   word(&after));
    how = act.forbidden.qos == act.permitted.qos
              ? text_copy(as_before ? "" : "; its role is not as before")
              : text_format(" at QoS %d, permitted at %d", act.forbidden.qos, act.permitted.qos);
    (void)snprintf(ret->cause, sizeof(ret->cause), "%s %s to %s%s", party_name(act.one),
                   fits == fits_subscription ? "subscribes" : "publishes", topic, how);
    return 0;
}

static int act_publication(const struct proof_setup *setup, struct proof_seen *ret,
                           struct error *error) {
    return show(setup, fits_publication, "forbidden publication", ret, error);
}

static int act_subscription(const struct proof_setup *setup, struct proof_seen *ret,
                            struct error *error) {
    return show(setup, fits_subscription, "forbidden subscription", ret, error);
}

static int act_qos(const struct proof_setup *setup, struct proof_seen *ret, struct error *error) {
    return show(setup, fits_qos, "forbidden quality of service", ret, error);
}

static int act_change(const struct proof_setup *setup, struct proof_seen *ret,
                      struct error *error) {
    return show(setup, fits_change, "change", ret, error);
}

static bool has_qos(const struct channel *channel) {
    const struct bringup bringup = {.channel = channel, .certs = ""};
    CLEANUP(rights_close) struct rights rights = {.text = NULL};

    return rights_open(&rights, &bringup, NULL) == 0 && offers(&rights, fits_qos);
}

static bool can_change(const struct channel *channel) {
    return own(channel)->by == BY_DYNAMIC_SECURITY;
}

static const struct proof proofs[] = {
    {.name = "forbidden-publication-lost",
     .help = "what a client may not publish does not arrive, while its next message does",
     .causes = EXPECTED,
     .act = act_publication},
    {.name = "forbidden-subscription",
     .help = "what a client may not read does not reach it, while what it may read does",
     .causes = EXPECTED_READ,
     .act = act_subscription},
    {.name = "forbidden-qos",
     .help = "a publication at a quality of service that is not permitted does not arrive",
     .causes = EXPECTED,
     .applies = has_qos,
     .act = act_qos},
    {.name = "change-takes-effect",
     .help = "a permitted publication is denied while the broker runs, and permitted again",
     .causes = EXPECTED,
     .applies = can_change,
     .own_broker = true,
     .act = act_change},
};

const struct mechanism mechanism_acl = {
    .group = &group,
    .help = "what each client may publish and subscribe to: topic, operation, quality of service",
    .conflicts = "token", /* whose clients have no names */
    .check = check,
    .no_fleet = no_fleet,
    .issue = issue,
    .broker = broker,
    .proofs = proofs,
    .n_proofs = ARRAY_SIZE(proofs),
};
