#include "security/credentials.h"

#include "base/clock.h"

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

int credentials_fix(struct client_config *config, const char *key, int64_t time_ns,
                    struct error *error) {
    char token[TOKEN_TEXT_SIZE];
    int r = show_token(key, config->client_id, time_ns, token, error);

    if (r == 0)
        client_config_log_in(config, TOKEN_USER, token);
    return r;
}

int credentials_settle(struct client_config *config, struct error *error) {
    CLEANUP_FREE char *key = text_copy(config->token_key);

    return *key ? credentials_fix(config, key, clock_realtime_ns(), error) : 0;
}
