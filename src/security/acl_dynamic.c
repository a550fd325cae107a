#include "security/acl_dynamic.h"

#include "security/acl_settings.h"
#include "security/broker_file.h"
#include "security/password.h"

#include <dlfcn.h>
#include <errno.h>
#include <glob.h>
#include <libgen.h>
#include <string.h>
#include <unistd.h>

#define PLUGIN  "mosquitto_dynamic_security.so"
#define ADMIN   "acl-admin"
#define CONTROL "$CONTROL/dynamic-security/v1"
/* Each client has a second role, empty, that comes before the one with its rules. */
#define DENIALS "%s denied"

/* ---- where the plugin lies ---- */

/* Debian has it beside the libraries of the machine's architecture, as a library of ours is. */
static char *beside_libraries(void) {
    CLEANUP_FREE char *library = NULL;
    Dl_info info;

    if (!dladdr((const void *)(uintptr_t)json_object, &info) || !info.dli_fname)
        return NULL;
    library = realpath(info.dli_fname, NULL);
    return library ? text_format("%s/" PLUGIN, dirname(library)) : NULL;
}

static int find_plugin(char **ret, struct error *error) {
    static const char *const places[] = {"/usr/lib/" PLUGIN, "/usr/local/lib/" PLUGIN,
                                         "/usr/lib/*/" PLUGIN, "/usr/local/lib/*/" PLUGIN};
    char *beside = beside_libraries();
    glob_t found = {.gl_pathc = 0};

    if (beside && access(beside, R_OK) == 0) {
        *ret = beside;
        return 0;
    }
    free(beside);
    for (size_t i = 0; i < ARRAY_SIZE(places) && found.gl_pathc == 0; i++) {
        globfree(&found);
        (void)glob(places[i], 0, NULL, &found);
    }
    if (found.gl_pathc > 0)
        *ret = text_copy(found.gl_pathv[0]);
    globfree(&found);
    return *ret ? 0
                : error_set(error, -ENOENT,
                            "acl.by: " PLUGIN " is not on this host; Debian has it in the package "
                            "mosquitto; or set acl.by = plugin");
}

/* ---- the configuration ---- */

static void permit(json_t *acls, const char *type, const char *topic) {
    (void)json_array_append_new(
        acls, json_pack("{s:s,s:s,s:b}", "acltype", type, "topic", topic, "allow", 1));
}

static void permit_operations(json_t *acls, unsigned operations, const char *topic) {
    if (operations & ACL_PUBLISH)
        permit(acls, "publishClientSend", topic);
    if (operations & ACL_SUBSCRIBE) {
        permit(acls, "subscribePattern", topic);
        permit(acls, "publishClientReceive", topic);
    }
}

static void add_role(json_t *roles, const char *name, json_t *acls) {
    (void)json_array_append_new(roles, json_pack("{s:s,s:o}", "rolename", name, "acls", acls));
}

/* Without a password of its own here: the plugin then leaves the login to the password file. */
static void add_client(json_t *file, const struct acl_table *table, const char *user) {
    CLEANUP_FREE char *denials = text_format(DENIALS, user);
    json_t *acls = json_array(), *roles = json_object_get(file, "roles");

    for (size_t i = 0; i < table->n_rules; i++)
        if (text_equal(table->rules[i].user, user))
            permit_operations(acls, table->rules[i].operations, table->rules[i].topic);
    add_role(roles, user, acls);
    add_role(roles, denials, json_array());
    (void)json_array_append_new(json_object_get(file, "clients"),
                                json_pack("{s:s,s:[{s:s,s:i},{s:s,s:i}]}", "username", user,
                                          "roles", "rolename", denials, "priority", 2, "rolename",
                                          user, "priority", 1));
}

static int add_admin(json_t *file, const struct bringup *bringup, struct error *error) {
    json_t *acls = json_array();
    char hash[PASSWORD_HASH_SIZE];
    char *rest = hash, *rounds, *salt;
    int r = password_hash(acl_issued(bringup, "admin"), hash, error);

    if (r < 0) {
        json_decref(acls);
        return r;
    }
    permit_operations(acls, ACL_BOTH, "$CONTROL/dynamic-security/#");
    add_role(json_object_get(file, "roles"), ADMIN, acls);
    rest += strlen("$7$"); /* $7$ROUNDS$SALT$HASH */
    rounds = strsep(&rest, "$");
    salt = strsep(&rest, "$");
    (void)json_array_append_new(json_object_get(file, "clients"),
                                json_pack("{s:s,s:s,s:s,s:i,s:[{s:s}]}", "username", ADMIN, "salt",
                                          salt, "password", rest, "iterations", atoi(rounds),
                                          "roles", "rolename", ADMIN));
    return 0;
}

static json_t *new_configuration(void) {
    return json_pack("{s:{s:b,s:b,s:b,s:b},s:[],s:[],s:[]}", "defaultACLAccess",
                     "publishClientSend", 0, "publishClientReceive", 0, "subscribe", 0,
                     "unsubscribe", 1, "clients", "groups", "roles");
}

int acl_dynamic_write(const struct bringup *bringup, const struct acl_table *table, FILE *lines,
                      struct error *error) {
    CLEANUP_FREE char *user1 = acl_user(bringup, PARTY_CLIENT1);
    CLEANUP_FREE char *user2 = acl_user(bringup, PARTY_CLIENT2);
    CLEANUP_FREE char *plugin = NULL, *path = NULL, *text = NULL;
    json_auto_t *file = new_configuration();
    int r = find_plugin(&plugin, error);

    if (r < 0)
        return r;
    add_client(file, table, user1);
    add_client(file, table, user2);
    r = add_admin(file, bringup, error);
    if (r < 0)
        return r;
    text = json_dumps(file, JSON_INDENT(1));
    r = broker_file_write(bringup, "dynamic-security.json", &path, error, "%s", text);
    if (r == 0)
        fprintf(lines, "plugin %s\nplugin_opt_config_file %s\n", plugin, path);
    return r;
}

/* ---- while the broker runs ---- */

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
    client_config_log_in(admin, ADMIN, acl_issued(setup->bringup, "admin"));
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

int acl_dynamic_deny(const struct proof_setup *setup, const char *user, const char *topic,
                     bool denied, struct error *error) {
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

int acl_dynamic_as_issued(const struct proof_setup *setup, const char *user, struct error *error) {
    CLEANUP_FREE char *role = text_format(DENIALS, user);
    json_auto_t *answer =
        command(setup, json_pack("{s:s,s:s}", "command", "getRole", "rolename", role), error);
    const json_t *found = json_object_get(json_object_get(answer, "data"), "role");

    if (!answer)
        return -EPROTO;
    return found && json_array_size(json_object_get(found, "acls")) == 0;
}
