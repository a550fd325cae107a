#include "probes/conductor.h"

#include "base/clock.h"
#include "base/memory.h"
#include "probes/told_histogram.h"

#include <errno.h>

int conductor_ask(struct conductor *conductor, enum conductor_whom whom, const char *word,
                  json_t *facts, int64_t limit_ns, json_t **ret, struct error *error) {
    int r = conductor->verbs->tell(conductor, whom, word, facts, error);

    return r < 0 ? r : conductor->verbs->hear(conductor, whom, limit_ns, ret, error);
}

/* ---- connecting ---- */

/* Of the whole fleet to be up, one behind the other on a slow processor. */
static int64_t connect_limit_ns(const struct fleet_plan *fleet) {
    int64_t paced_s = fleet->connect_rate ? fleet->clients / fleet->connect_rate : 0;

    return (60 + paced_s) * NS_PER_S + fleet->clients * 30 * NS_PER_MS;
}

int conductor_open(struct conductor *conductor, int64_t at_once, json_t *facts, json_t **ret,
                   struct error *error) {
    json_t *all = facts ? facts : json_object();

    if (!json_object_get(all, "retry_ns"))
        (void)json_object_set_new(all, "retry_ns", json_integer(CONDUCTOR_RETRY_NS));
    (void)json_object_set_new(all, "answer_ns", json_integer(conductor->answer_ns));
    (void)json_object_set_new(all, "at_once", json_integer(at_once));
    return conductor_ask(conductor, CONDUCTOR_CLIENTS, "open", all,
                         CONDUCTOR_SLACK_NS + connect_limit_ns(conductor->fleet), ret, error);
}

int conductor_connect(struct conductor *conductor, double share, json_t **ret,
                      struct error *error) {
    int64_t limit_ns = connect_limit_ns(conductor->fleet);
    json_auto_t *answers = NULL;
    CLEANUP_FREE char *why = NULL;
    int r = conductor_ask(conductor, CONDUCTOR_CLIENTS, "connect",
                          json_pack("{s:f,s:I}", "share", share, "limit_ns", (json_int_t)limit_ns),
                          limit_ns + CONDUCTOR_SLACK_NS, &answers, error);

    if (r < 0)
        return r;
    why = conductor_reasons(answers);
    if (!(conductor_sum(answers, "up") > 0))
        return error_set(error, -ECONNREFUSED, "no member of the fleet came up: %s",
                         *why ? why : "none was answered");
    if (ret)
        *ret = json_incref(answers);
    return 0;
}

/* NULL: all are up. */
static char *describe_absent(const struct conductor *conductor, const json_t *answers) {
    int64_t up = (int64_t)conductor_sum(answers, "up"), clients = conductor->fleet->clients;
    CLEANUP_FREE char *why = conductor_reasons(answers);

    return up >= clients ? NULL
                         : text_format("%lld of %lld members were up%s%s", (long long)up,
                                       (long long)clients, *why ? ": " : "", why);
}

void conductor_remark_absent(struct conductor *conductor, const json_t *answers) {
    CLEANUP_FREE char *words = describe_absent(conductor, answers);

    if (words)
        conductor->verbs->remark(conductor, words);
}

int conductor_connect_all(struct conductor *conductor, struct error *error) {
    json_auto_t *answers = NULL;
    CLEANUP_FREE char *words = NULL;
    int r = conductor_connect(conductor, 1, &answers, error);

    if (r < 0)
        return r;
    words = describe_absent(conductor, answers);
    return words ? error_set(error, -ECONNREFUSED, "%s", words) : 0;
}

void conductor_put_counts(struct conductor *conductor, const json_t *answers) {
    conductor->verbs->metric(conductor, "clients_up", conductor_sum(answers, "up"));
    conductor->verbs->metric(conductor, "refused", conductor_sum(answers, "refused"));
    conductor->verbs->metric(conductor, "lost", conductor_sum(answers, "lost"));
}

/* ---- answers ---- */

double conductor_sum(const json_t *answers, const char *name) {
    const json_t *answer;
    double sum = 0;
    size_t i;

    json_array_foreach(answers, i, answer) sum += json_number_value(json_object_get(answer, name));
    return sum;
}

void conductor_add(const json_t *answers, const char *name, struct histogram *histogram) {
    const json_t *answer;
    size_t i;

    json_array_foreach(answers, i, answer)
        histogram_add_json(histogram, json_object_get(answer, name));
}

/* {reason: count} of all answers together. */
static json_t *add_reasons(const json_t *answers) {
    json_t *all = json_object(), *count;
    const json_t *answer;
    const char *reason;
    size_t i;

    json_array_foreach(answers, i, answer) {
        json_object_foreach(json_object_get(answer, "reasons"), reason, count) {
            json_int_t before = json_integer_value(json_object_get(all, reason));

            (void)json_object_set_new(all, reason,
                                      json_integer(before + json_integer_value(count)));
        }
    }
    return all;
}

/* The most frequent of those that are left, NULL when none is. */
static const char *most_frequent(json_t *reasons) {
    const char *reason, *found = NULL;
    json_int_t most = 0;
    json_t *count;

    json_object_foreach(reasons, reason, count) {
        if (json_integer_value(count) <= most)
            continue;
        most = json_integer_value(count);
        found = reason;
    }
    return found;
}

char *conductor_reasons(const json_t *answers) {
    json_auto_t *reasons = add_reasons(answers);
    char *words = text_copy("");
    const char *reason;

    while ((reason = most_frequent(reasons))) {
        CLEANUP_FREE char *one = text_format(
            "%lld %s", (long long)json_integer_value(json_object_get(reasons, reason)), reason);

        text_append(&words, "; ", one);
        (void)json_object_del(reasons, reason);
    }
    return words;
}
