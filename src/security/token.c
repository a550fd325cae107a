#include "security/token.h"

#include "base/clock.h"
#include "security/broker_file.h"
#include "security/cause.h"
#include "security/secret.h"

struct token_settings {
    char *secret;
    int64_t max_age_ns;
};

#define SECRET_BYTES 32
#define REFUSED      "connack 5|connack 4"

static const struct setting rows[] = {
    {"secret", SETTING_TEXT, "generated",
     .help = "the shared key; `generated`: made anew for each run; or file:PATH",
     .offset = offsetof(struct token_settings, secret), .check = secret_check,
     .effect = SETTING_READS},
    {"max_age", SETTING_DURATION, "5min", "1s", "1d",
     .help = "how old a token may be, or how far ahead: twice what the hosts' clocks differ",
     .offset = offsetof(struct token_settings, max_age_ns)},
};
static const struct setting_group group =
    SETTING_GROUP("token", SETTING_CHANNEL, rows, struct token_settings);

static const struct token_settings *own(const struct channel *channel) {
    return settings_get(&channel->settings, &group);
}

static int issue(const struct channel *channel, struct issuer *issuer, struct error *error) {
    return secret_issue(issuer, group.name, channel->name, own(channel)->secret, SECRET_BYTES,
                        SECRET_FOUND_BYTES, error);
}

static const char *key_of(const struct bringup *bringup) {
    return secret_find(bringup, group.name, NULL);
}

/* The rest is for their drifting, and for the way. */
static int64_t clocks_apart_ns(const struct channel *channel) {
    return own(channel)->max_age_ns / 2;
}

static int broker(const struct bringup *bringup, FILE *lines, struct error *error) {
    int r = broker_file_plugin(lines, "token", error);

    if (r < 0)
        return r;
    r = broker_file_write(bringup, lines, "plugin_opt_key_file", "token-key", error, "%s\n",
                          key_of(bringup));
    fprintf(lines, "plugin_opt_max_age_ns %lld\n", (long long)own(bringup->channel)->max_age_ns);
    return r;
}

static void party(const struct bringup *bringup, enum party who, struct client_config *config) {
    if (who == PARTY_BROKER)
        return;
    client_config_log_in(config, "", "");
    text_replace(&config->token_key, key_of(bringup));
}

/* Whatever password a member has: each shows tokens of its own, as they are about its identifier.
 */
static void member(const struct bringup *bringup, int64_t number, struct client_config *config) {
    (void)number;
    party(bringup, PARTY_CLIENT2, config);
}

/* ---- what a client shows ---- */

static int show_token(const char *key, const char *client_id, int64_t time_ns,
                      char ret[TOKEN_TEXT_SIZE], struct error *error) {
    int r = token_make(key, client_id, time_ns, ret);

    return r < 0 ? error_errno(error, r, "no token for %s can be made", client_id) : 0;
}

int credentials_now(struct credentials *ret, const struct client_config *config,
                    struct error *error) {
    ret->username = config->username;
    ret->password = config->password;
    if (!*config->token_key)
        return 0;
    ret->username = TOKEN_USER;
    ret->password = ret->token;
    return show_token(config->token_key, config->client_id, clock_realtime_ns(), ret->token, error);
}

int credentials_settle(struct client_config *config, struct error *error) {
    struct credentials shown;
    int r = credentials_now(&shown, config, error);

    if (r == 0)
        client_config_log_in(config, shown.username, shown.password);
    return r;
}

/* ---- proofs ---- */

static void as_nobody(struct client_config *config, const struct bringup *bringup) {
    (void)bringup;
    client_config_log_in(config, "", "");
}

static void with_wrong_key(struct client_config *config, const struct bringup *bringup) {
    free(config->token_key);
    config->token_key = text_format("not %s", key_of(bringup));
}

static bool is_alone(const struct channel *channel) {
    return !channel_uses(channel, "password");
}

static bool is_beside_password(const struct channel *channel) {
    return channel_uses(channel, "password");
}

/* One connection of an act: as `config`, which must be let in or be refused as is right. */
static int expect(const struct proof_setup *setup, const struct client_config *config, bool let_in,
                  const char *what, struct proof_seen *ret, struct error *error) {
    CLEANUP_FREE char *causes = cause_words(let_in ? "connack 0" : REFUSED, config->mqtt);
    char cause[PROOF_TEXT_SIZE];
    bool accepted;
    int r = setup->connect(config, &accepted, cause, error);

    if (r < 0)
        return error_prefix(error, r, "%s", what);
    (void)snprintf(ret->observed, sizeof(ret->observed), "%s: %s", what,
                   accepted ? "accepted" : "refused");
    (void)snprintf(ret->cause, sizeof(ret->cause), "%s", cause);
    ret->held = accepted == let_in && cause_among(causes, cause);
    return 0;
}

/* A client that shows the same token, of this age, whenever it connects. */
static int fix(const struct proof_setup *setup, int64_t age_ns, struct client_config **ret,
               struct error *error) {
    const struct client_config *right = setup->right;
    char token[TOKEN_TEXT_SIZE];
    int r = show_token(key_of(setup->bringup), right->client_id, clock_realtime_ns() - age_ns,
                       token, error);

    if (r < 0)
        return r;
    *ret = setting_block_copy(&client_config_group, right);
    client_config_log_in(*ret, TOKEN_USER, token);
    return 0;
}

static int replay(const struct proof_setup *setup, struct proof_seen *ret, struct error *error) {
    CLEANUP(client_config_freep) struct client_config *config = NULL;
    int r = fix(setup, 0, &config, error);

    if (r == 0)
        r = expect(setup, config, true, "first time", ret, error);
    if (r == 0 && ret->held)
        r = expect(setup, config, false, "second time", ret, error);
    return r;
}

/* Clocks may differ by as much as is permitted, either way: so it is twice that, and more. */
static int show_stale(const struct proof_setup *setup, struct proof_seen *ret,
                      struct error *error) {
    int64_t age_ns = 2 * own(setup->bringup->channel)->max_age_ns + NS_PER_S;
    CLEANUP(client_config_freep) struct client_config *old = NULL, *early = NULL;
    int r = fix(setup, age_ns, &old, error);

    if (r == 0)
        r = fix(setup, -age_ns, &early, error);
    if (r == 0)
        r = expect(setup, early, false, "of the future", ret, error);
    if (r == 0 && ret->held)
        r = expect(setup, old, false, "of the past", ret, error);
    return r;
}

/* The thief is sooner than the owner, who can still use it afterwards. */
static int steal(const struct proof_setup *setup, struct proof_seen *ret, struct error *error) {
    CLEANUP(client_config_freep) struct client_config *owner = NULL, *thief = NULL;
    int r = fix(setup, 0, &owner, error);

    if (r < 0)
        return r;
    thief = setting_block_copy(&client_config_group, owner);
    client_config_name_session(thief, "thief");
    r = expect(setup, thief, false, "another client id", ret, error);
    if (r == 0 && ret->held)
        r = expect(setup, owner, true, "its own", ret, error);
    return r;
}

/* The plugin must neither let in nor turn away who shows no token: the file decides. */
static int ask_file(const struct proof_setup *setup, struct proof_seen *ret, struct error *error) {
    CLEANUP(client_config_freep)
    struct client_config *config = setting_block_copy(&client_config_group, setup->right);
    CLEANUP_FREE char *user = NULL, *wrong = NULL, *nobody = NULL;
    int r;

    client_config_log_in(config, "", "");
    mechanism_password.party(setup->bringup, PARTY_CLIENT2, config);
    user = text_copy(config->username);
    wrong = text_format("not %s", config->password);
    nobody = text_format("not-%s", user);
    r = expect(setup, config, true, "right password", ret, error);
    if (r < 0 || !ret->held)
        return r;
    client_config_log_in(config, nobody, config->password);
    r = expect(setup, config, false, "unknown name", ret, error);
    if (r < 0 || !ret->held)
        return r;
    client_config_log_in(config, user, wrong);
    return expect(setup, config, false, "wrong password", ret, error);
}

static const struct proof proofs[] = {
    {.name = "no-token-refused",
     .help = "where there is no password file, a client that shows no token is turned away",
     .alter = as_nobody,
     .causes = REFUSED,
     .applies = is_alone},
    {.name = "wrong-key-refused",
     .help = "a token made under another key is turned away",
     .alter = with_wrong_key,
     .causes = REFUSED},
    {.name = "replayed-token-refused",
     .help = "a token is good for one connection: accepted, then turned away",
     .causes = "first time: accepted, second time: refused",
     .act = replay},
    {.name = "stale-token-refused",
     .help = "a token of too long ago, or of the future, is turned away",
     .causes = "of the future: refused, of the past: refused",
     .act = show_stale},
    {.name = "stolen-token-refused",
     .help = "a token of another client id is turned away, and still its owner's",
     .causes = "another client id: refused, its own: accepted",
     .act = steal},
    {.name = "password-file-in-force",
     .help = "the plugin leaves to the password file who shows no token",
     .causes = "right password: accepted, unknown name: refused, wrong password: refused",
     .applies = is_beside_password,
     .act = ask_file},
};

const struct mechanism mechanism_token = {
    .group = &group,
    .shortest_secret = SECRET_FOUND_BYTES,
    .help = "a fresh token in CONNECT for each connection: HMAC over client id, time and nonce",
    .no_anonymous = true,
    .clocks_apart_ns = clocks_apart_ns,
    .broker_secret = "secret",
    .issue = issue,
    .broker = broker,
    .party = party,
    .member = member,
    .proofs = proofs,
    .n_proofs = ARRAY_SIZE(proofs),
};
