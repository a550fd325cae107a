#include "security/acl_proofs.h"

#include "security/acl_dynamic.h"
#include "security/acl_settings.h"

#include <errno.h>
#include <string.h>

/* ---- what the rules offer to be shown ---- */

/* Who does what where: which of it applies is a matter of the proof. */
struct act {
    const char *topic, *user; /* user: of the one */
    enum party one, other, third;
    int qos, other_qos;
};

/* The rules, and who the parties are to them. */
struct rights {
    struct acl_table table;
    char *users[PARTY_CLIENT2 + 1];
};

typedef bool fits_fn(const struct rights *rights, const struct act *act);

static int rights_open(struct rights *rights, const struct bringup *bringup, struct error *error) {
    *rights = (struct rights){.table.text = NULL};
    rights->users[PARTY_CLIENT1] = acl_user(bringup, PARTY_CLIENT1);
    rights->users[PARTY_CLIENT2] = acl_user(bringup, PARTY_CLIENT2);
    return acl_rules(bringup, &rights->table, error);
}

static void rights_close(struct rights *rights) {
    acl_table_clear(&rights->table);
    free(rights->users[PARTY_CLIENT1]);
    free(rights->users[PARTY_CLIENT2]);
}

static bool may(const struct rights *rights, enum party who, enum acl_operation operation, int qos,
                const char *topic) {
    return acl_permits(&rights->table, rights->users[who], operation, qos, topic);
}

/* The other publishes what the third reads, but one may not. */
static bool fits_publication(const struct rights *rights, const struct act *act) {
    return may(rights, act->other, ACL_PUBLISH, act->qos, act->topic) &&
           may(rights, act->third, ACL_SUBSCRIBE, act->qos, act->topic) &&
           !may(rights, act->one, ACL_PUBLISH, ACL_ANY_QOS, act->topic);
}

/* The other reads what the third publishes, but one may not. */
static bool fits_subscription(const struct rights *rights, const struct act *act) {
    return may(rights, act->other, ACL_SUBSCRIBE, act->qos, act->topic) &&
           may(rights, act->third, ACL_PUBLISH, act->qos, act->topic) &&
           !may(rights, act->one, ACL_SUBSCRIBE, ACL_ANY_QOS, act->topic);
}

/* One publishes what the third reads. */
static bool fits_change(const struct rights *rights, const struct act *act) {
    return may(rights, act->one, ACL_PUBLISH, act->qos, act->topic) &&
           may(rights, act->third, ACL_SUBSCRIBE, act->qos, act->topic);
}

/* The same, but not at the other quality of service. */
static bool fits_qos(const struct rights *rights, const struct act *act) {
    return fits_change(rights, act) &&
           may(rights, act->third, ACL_SUBSCRIBE, act->other_qos, act->topic) &&
           !may(rights, act->one, ACL_PUBLISH, act->other_qos, act->topic);
}

#define CASTS (2 * 3 * 3)

/* All ways to apply an act to a topic, the one being given. */
static bool apply(const struct rights *rights, struct act *act, fits_fn *fits) {
    act->other = act->one == PARTY_CLIENT1 ? PARTY_CLIENT2 : PARTY_CLIENT1;
    act->user = rights->users[act->one];
    for (int i = 0; i < CASTS; i++) {
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
    char *topic = text_copy("");
    const char *level = filter;

    for (;;) {
        size_t length = strcspn(level, "/");
        bool any = length == 1 && (*level == '+' || *level == '#');
        char *longer = text_format("%s%s%.*s", topic, level == filter ? "" : "/",
                                   any ? 5 : (int)length, any ? "proof" : level);

        free(topic);
        topic = longer;
        if (!level[length])
            return topic;
        level += length + 1;
    }
}

/* An act that fits, on a topic of one of the rules; its topic is the caller's. */
static bool find_for(const struct rights *rights, enum party one, fits_fn *fits, struct act *ret,
                     char **ret_topic) {
    for (size_t i = 0; i < rights->table.n_rules; i++) {
        CLEANUP_FREE char *topic = topic_of(rights->table.rules[i].topic);

        *ret = (struct act){.topic = topic, .one = one};
        if (*topic == '$' || text_equal(topic, PROOF_SENTINEL) || !apply(rights, ret, fits))
            continue;
        *ret_topic = topic;
        topic = NULL;
        return true;
    }
    return false;
}

static bool find(const struct rights *rights, fits_fn *fits, struct act *ret, char **ret_topic) {
    return find_for(rights, PARTY_CLIENT2, fits, ret, ret_topic) ||
           find_for(rights, PARTY_CLIENT1, fits, ret, ret_topic);
}

static bool offers(const struct rights *rights, fits_fn *fits) {
    CLEANUP_FREE char *topic = NULL;
    struct act act;

    return find(rights, fits, &act, &topic);
}

int acl_proofs_check(const struct bringup *bringup, struct error *error) {
    struct rights rights;
    int r = rights_open(&rights, bringup, error);

    if (r == 0 && !offers(&rights, fits_publication))
        r = error_set(
            error, -EINVAL,
            "acl.client2: nothing can be shown of these rules: no topic that one client may "
            "publish to and the other may not is read by any client; restrict them");
    if (r == 0 && !offers(&rights, fits_subscription))
        r = error_set(
            error, -EINVAL,
            "acl.client2: nothing can be shown of these rules: no topic that one client may "
            "subscribe to and the other may not is published by any client; restrict "
            "them");
    rights_close(&rights);
    return r;
}

/* ---- the exchanges ---- */

/* A client of the channel, under an identifier of its own. */
static struct client_config *client_of(const struct proof_setup *setup, enum party party,
                                       const char *session) {
    struct client_config *client = setting_block_copy(&client_config_group, setup->right);
    struct client_config *own = mechanism_client_config(setup->bringup, party, "", 0);

    /* TLS stays client2's: the keys of the other are on another host, and rules go by names. */
    text_replace(&client->client_id, own->client_id);
    text_replace(&client->username, own->username);
    text_replace(&client->password, own->password);
    client_config_name_session(client, session);
    client_config_free(own);
    return client;
}

/* Who publishes, who watches, and at which quality of service. */
struct leg {
    enum party publisher, watcher;
    int qos;
};

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

static bool arrives(const struct proof_exchange_result *result) {
    return result->sentinel && !result->refused && result->arrived == 1;
}

static bool is_lost(const struct proof_exchange_result *result) {
    return result->sentinel && result->arrived == 0;
}

static const char *word(const struct proof_exchange_result *result) {
    return !result->sentinel     ? "not even the sentinel"
           : result->arrived > 0 ? "arrived"
           : result->refused     ? "refused"
                                 : "lost";
}

/* Permitted, forbidden, and permitted once more. */
struct outcome {
    struct proof_exchange_result before, forbidden, after;
};

static void see(const struct outcome *outcome, struct proof_seen *ret) {
    ret->held =
        arrives(&outcome->before) && is_lost(&outcome->forbidden) && arrives(&outcome->after);
    (void)snprintf(ret->observed, sizeof(ret->observed),
                   "permitted: %s; forbidden: %s; permitted: %s", word(&outcome->before),
                   word(&outcome->forbidden), word(&outcome->after));
}

#define EXPECTED      "permitted: arrived; forbidden: lost; permitted: arrived"
#define EXPECTED_READ "permitted: arrived; forbidden: refused or lost; permitted: arrived"

static int none(const char *what, struct error *error) {
    return error_set(error, -EINVAL, "the rules offer no %s to be shown", what);
}

static int show_thrice(const struct proof_setup *setup, const char *topic,
                       const struct leg *permitted, const struct leg *forbidden,
                       struct proof_seen *ret, struct error *error) {
    struct outcome outcome;
    int r = exchange(setup, permitted, topic, &outcome.before, error);

    if (r < 0)
        return r;
    r = exchange(setup, forbidden, topic, &outcome.forbidden, error);
    if (r < 0)
        return r;
    r = exchange(setup, permitted, topic, &outcome.after, error);
    if (r < 0)
        return r;
    see(&outcome, ret);
    return 0;
}

static int show_publication(const struct proof_setup *setup, const struct act *act,
                            struct proof_seen *ret, struct error *error) {
    const struct leg permitted = {act->other, act->third, act->qos};
    const struct leg forbidden = {act->one, act->third, act->qos};

    (void)snprintf(ret->cause, sizeof(ret->cause), "%s publishes to %s", party_name(act->one),
                   act->topic);
    return show_thrice(setup, act->topic, &permitted, &forbidden, ret, error);
}

static int show_subscription(const struct proof_setup *setup, const struct act *act,
                             struct proof_seen *ret, struct error *error) {
    const struct leg permitted = {act->third, act->other, act->qos};
    const struct leg forbidden = {act->third, act->one, act->qos};

    (void)snprintf(ret->cause, sizeof(ret->cause), "%s subscribes to %s", party_name(act->one),
                   act->topic);
    return show_thrice(setup, act->topic, &permitted, &forbidden, ret, error);
}

static int show_qos(const struct proof_setup *setup, const struct act *act, struct proof_seen *ret,
                    struct error *error) {
    const struct leg permitted = {act->one, act->third, act->qos};
    const struct leg forbidden = {act->one, act->third, act->other_qos};

    (void)snprintf(ret->cause, sizeof(ret->cause), "%s publishes to %s at QoS %d, permitted at %d",
                   party_name(act->one), act->topic, act->other_qos, act->qos);
    return show_thrice(setup, act->topic, &permitted, &forbidden, ret, error);
}

/* What was denied is permitted again whatever else fails. */
static int show_change(const struct proof_setup *setup, const struct act *act,
                       struct proof_seen *ret, struct error *error) {
    const struct leg leg = {act->one, act->third, act->qos};
    struct outcome outcome;
    int undone, r = exchange(setup, &leg, act->topic, &outcome.before, error);

    if (r < 0)
        return r;
    r = acl_dynamic_deny(setup, act->user, act->topic, true, error);
    if (r < 0)
        return r;
    r = exchange(setup, &leg, act->topic, &outcome.forbidden, error);
    undone = acl_dynamic_deny(setup, act->user, act->topic, false, r < 0 ? NULL : error);
    if (r < 0 || undone < 0)
        return r < 0 ? r : undone;
    r = exchange(setup, &leg, act->topic, &outcome.after, error);
    if (r < 0)
        return r;
    r = acl_dynamic_as_issued(setup, act->user, error);
    if (r < 0)
        return r;
    see(&outcome, ret);
    ret->held = ret->held && r > 0;
    (void)snprintf(ret->cause, sizeof(ret->cause), "%s publishes to %s%s", party_name(act->one),
                   act->topic, r > 0 ? "" : "; its role is not as before");
    return 0;
}

/* ---- the proofs ---- */

typedef int show_fn(const struct proof_setup *setup, const struct act *act, struct proof_seen *ret,
                    struct error *error);

static int show(const struct proof_setup *setup, fits_fn *fits, show_fn *shows, const char *what,
                struct proof_seen *ret, struct error *error) {
    CLEANUP_FREE char *topic = NULL;
    struct rights rights;
    struct act act;
    int r = rights_open(&rights, setup->bringup, error);

    if (r == 0)
        r = find(&rights, fits, &act, &topic) ? shows(setup, &act, ret, error) : none(what, error);
    rights_close(&rights);
    return r;
}

static int act_publication(const struct proof_setup *setup, struct proof_seen *ret,
                           struct error *error) {
    return show(setup, fits_publication, show_publication, "forbidden publication", ret, error);
}

static int act_subscription(const struct proof_setup *setup, struct proof_seen *ret,
                            struct error *error) {
    return show(setup, fits_subscription, show_subscription, "forbidden subscription", ret, error);
}

static int act_qos(const struct proof_setup *setup, struct proof_seen *ret, struct error *error) {
    return show(setup, fits_qos, show_qos, "forbidden quality of service", ret, error);
}

static int act_change(const struct proof_setup *setup, struct proof_seen *ret,
                      struct error *error) {
    return show(setup, fits_change, show_change, "change", ret, error);
}

static bool has_qos(const struct channel *channel) {
    const struct bringup bringup = {.channel = channel, .certs = ""};
    struct rights rights;
    bool has = rights_open(&rights, &bringup, NULL) == 0 && offers(&rights, fits_qos);

    rights_close(&rights);
    return has;
}

static bool can_change(const struct channel *channel) {
    return acl_settings(channel)->by == ACL_BY_DYNAMIC_SECURITY;
}

const struct proof acl_proofs[ACL_PROOFS] = {
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
