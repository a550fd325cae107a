#include "run/speed.h"

#include "base/clock.h"
#include "base/jsonline.h"
#include "base/terminal.h"
#include "run/site.h"
#include "security/speed.h"

#include <errno.h>
#include <math.h>
#include <time.h>

/* ---- asking and measuring ---- */

static void tell(const struct host *host, size_t i, bool tells) {
    if (!tells || !terminal_obeys(stderr))
        return;
    if (i < n_speed_algorithms)
        text_print(stderr, "\r\033[K%s: %zu of %zu, %s ", host_spec(host), i + 1,
                   n_speed_algorithms, speed_algorithms[i].name);
    else
        text_print(stderr, "\r\033[K");
    (void)fflush(stderr);
}

/* The answer's rows, or that there are none, behind those before. */
static int measure_one(struct host *host, const char *name, json_t *rows, struct error *error) {
    json_auto_t *answer = NULL;
    int r = host_order(host, "speed", json_pack("{s:s}", "algorithm", name), &answer, error);

    if (r == -EINTR || r == -EPIPE)
        return r;
    if (r < 0)
        (void)json_array_append_new(
            rows, json_pack("{s:s,s:o}", "algorithm", name, "absent", jsonline_words(error->text)));
    else
        (void)json_array_extend(rows, json_object_get(answer, "rows"));
    return 0;
}

static int measure_all(struct host *host, bool tells, json_t *ret, struct error *error) {
    json_t *rows = json_array();
    int r = 0;

    (void)json_object_set_new(ret, "rows", rows);
    (void)json_object_del(ret, "measured_s");
    for (size_t i = 0; i < n_speed_algorithms && r == 0; i++) {
        tell(host, i, tells);
        r = measure_one(host, speed_algorithms[i].name, rows, error);
    }
    tell(host, n_speed_algorithms, tells);
    if (r < 0)
        return r;
    r = host_order(host, "speed-keep", json_pack("{s:O}", "rows", rows), NULL, error);
    if (r == -EINTR || r == -EPIPE)
        return r;
    if (r < 0)
        (void)json_object_set_new(ret, "unkept", jsonline_words(error->text));
    return 0;
}

static int collect_one(struct host *host, bool fresh, bool tells, json_t **ret,
                       struct error *error) {
    json_auto_t *answer = NULL;
    int r = host_order(host, "speed-kept", NULL, &answer, error);

    if (r == 0 && (fresh || !json_is_array(json_object_get(answer, "rows"))))
        r = measure_all(host, tells, answer, error);
    if (r < 0)
        return r;
    (void)json_object_set_new(answer, "host", json_string(host_spec(host)));
    *ret = json_incref(answer);
    return 0;
}

int speed_collect(const struct workers *workers, size_t n_hosts, bool fresh, bool tells,
                  json_t **ret, struct error *error) {
    json_auto_t *all = json_array();

    for (size_t i = 0; i < n_hosts; i++) {
        json_t *one;
        int r = collect_one(workers->hosts[i], fresh, tells, &one, error);

        if (r < 0)
            return r;
        (void)json_array_append_new(all, one);
    }
    *ret = json_incref(all);
    return 0;
}

bool speed_matters(const struct scenario *scenario) {
    for (size_t i = 0; i < scenario->n_channels; i++)
        if (channel_uses(&scenario->channels[i], "tls") ||
            channel_uses(&scenario->channels[i], "psk"))
            return true;
    return false;
}

/* ---- showing ---- */

static double number(const json_t *row, const char *key) {
    return json_number_value(json_object_get(row, key));
}

/* The row of an operation; NULL when it is not there. */
static const json_t *find(const json_t *rows, const char *algorithm, const char *operation,
                          int64_t bytes) {
    const json_t *row;
    size_t i;

    json_array_foreach(rows, i, row) {
        if (text_equal(jsonline_text(row, "algorithm", ""), algorithm) &&
            text_equal(jsonline_text(row, "operation", ""), operation) &&
            jsonline_integer(row, "bytes", 0) == bytes)
            return row;
    }
    return NULL;
}

/* How far its runs are from the median at the most, in percent of it. */
static double spread(const json_t *row) {
    double value = number(row, "value");

    return 100 * fmax(number(row, "high") - value, value - number(row, "low")) / value;
}

/* Operations a second, and how long one takes. */
static void print_row(const json_t *row) {
    int64_t bytes = jsonline_integer(row, "bytes", 0);
    double value = number(row, "value"), rate = bytes ? value * 1e6 / (double)bytes : value;
    CLEANUP_FREE char *size = bytes ? text_format("%lld B", (long long)bytes) : text_copy(""),
                      *speed = bytes ? text_format("%.1f MB/s", value) : text_copy("");

    text_print(stdout, "  %-20s %-12s %8s %14s %12.0f %10.2f %7.1f\n",
               jsonline_text(row, "algorithm", "?"), jsonline_text(row, "operation", "?"), size,
               speed, rate, 1e6 / rate, spread(row));
}

/* What this host's OpenSSL does not have, in one line; whatever else is wrong, in its own. */
static void print_absent(const json_t *one) {
    const char *openssl = jsonline_text(one, "openssl", "?");
    CLEANUP_FREE char *names = text_copy("");
    const json_t *row;
    size_t i;

    json_array_foreach(json_object_get(one, "rows"), i, row) {
        const char *name = jsonline_text(row, "algorithm", "?"),
                   *absent = jsonline_text(row, "absent", NULL);
        CLEANUP_FREE char *usual = text_format("OpenSSL %s has no %s", openssl, name);

        if (text_equal(absent, usual))
            text_append(&names, ", ", name);
        else if (absent)
            text_print(stdout, "  %-20s left out: %s\n", name, absent);
    }
    if (*names)
        text_print(stdout, "  left out, as OpenSSL %s has none: %s\n", openssl, names);
}

static void print_host(const json_t *one) {
    const json_t *facts = json_object_get(one, "facts"), *row;
    const char *unkept = jsonline_text(one, "unkept", NULL);
    int64_t measured_s = jsonline_integer(one, "measured_s", 0);
    char day[CLOCK_TEXT_SIZE] = "just now";
    size_t i;

    if (measured_s) {
        clock_format_utc(measured_s * NS_PER_S, day);
        day[10] = '\0';
    }
    text_print(stdout, "%s: %s, OpenSSL %s; measured %s%s%s\n", jsonline_text(one, "host", "?"),
               jsonline_text(facts, "processor", jsonline_text(facts, "model", "processor")),
               jsonline_text(one, "openssl", "?"), day,
               measured_s ? " and kept; --fresh measures anew"
               : unkept   ? ", and not kept: "
                          : "",
               unkept ? unkept : "");
    text_print(stdout, "  %-20s %-12s %8s %14s %12s %10s %7s\n", "algorithm", "operation", "of",
               "speed", "a second", "us each", "+- %");
    json_array_foreach(json_object_get(one, "rows"), i, row) {
        if (!json_object_get(row, "absent"))
            print_row(row);
    }
    print_absent(one);
}

#define RECORD_BYTES 16384
#define AES          "AES-256-GCM"
#define CHACHA       "ChaCha20-Poly1305"
#define ALIKE        1.05

/* Which of the two is faster with full records, and what chooses it. */
static void print_answer(const json_t *one) {
    const json_t *rows = json_object_get(one, "rows"),
                 *instructions = json_object_get(json_object_get(one, "facts"), "aes_instructions");
    const char *host = jsonline_text(one, "host", "?");
    double aes = number(find(rows, AES, "encrypt", RECORD_BYTES), "value"),
           chacha = number(find(rows, CHACHA, "encrypt", RECORD_BYTES), "value");
    bool by_aes = aes > chacha;
    double ratio = by_aes ? aes / chacha : chacha / aes;

    if (!(aes > 0) || !(chacha > 0))
        return;
    if (ratio < ALIKE) {
        text_print(stdout, "on %s " AES " and " CHACHA " are equally fast\n", host);
        return;
    }
    text_print(stdout, "on %s %s is %.1f times as fast as %s%s; --set channel.NAME.tls.suites=%s\n",
               host, by_aes ? AES : CHACHA, ratio, by_aes ? CHACHA : AES,
               json_is_false(instructions) && !by_aes ? ": no AES instructions" : "",
               by_aes ? "TLS_AES_256_GCM_SHA384" : "TLS_CHACHA20_POLY1305_SHA256");
}

static void relay(void *context, const char *spec, const char *line) {
    (void)context;
    text_print(stderr, "%s: %s\n", spec, line);
}

int speed_show(const struct scenario *scenario, const char *certs, bool fresh, bool tells,
               struct error *error) {
    const struct hosts_settings *hosts = settings_get(&scenario->settings, &hosts_group);
    struct workers workers = {.n_hosts = 0};
    struct site site = {
        .scenario = scenario,
        .workers = &workers,
        .options = {.certs = certs, .folder = hosts->folder, .cancel_fd = -1, .relay = relay}};
    json_auto_t *all = NULL;
    const json_t *one;
    size_t i;
    int r = site_open(&site, error);

    if (r == 0)
        r = speed_collect(&workers, workers.n_hosts, fresh, tells, &all, error);
    site_close(&site);
    json_array_foreach(all, i, one) {
        text_print(stdout, "%s", i ? "\n" : "");
        print_host(one);
    }
    text_print(stdout, "%s", r == 0 ? "\n" : "");
    json_array_foreach(all, i, one) {
        print_answer(one);
    }
    return r;
}
