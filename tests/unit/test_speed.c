/* security/speed and hosts/kept_speed: every algorithm that this OpenSSL has, in units that say
 * what they are; one that it has not is said to be missing. What is kept is used only as long as it
 * is true. */
#include "workshop.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/jsonline.h"
#include "hosts/kept_speed.h"
#include "security/speed.h"

#include <math.h>

/* ---- measuring ---- */

static const char *unit_of(const struct speed_row *row) {
    return row->bytes ? SPEED_MB_PER_S : SPEED_PER_S;
}

/* A table's row, and the sizes and operations that its kind has. */
static int measured(const struct speed_algorithm *algorithm,
                    struct speed_row rows[SPEED_MAX_ROWS]) {
    struct error error = {""};
    int n = speed_measure(algorithm, rows, &error);

    if (n == -EOPNOTSUPP) {
        CLEANUP_FREE char *words =
            text_format("OpenSSL %s has no %s", speed_openssl(), algorithm->name);

        assert_string_equal(error.text, words);
        return 0;
    }
    if (n < 0)
        fail_msg("%s: %s", algorithm->name, error.text);
    for (int i = 0; i < n; i++) {
        assert_string_equal(rows[i].unit, unit_of(&rows[i]));
        assert_true(rows[i].low > 0 && isfinite(rows[i].high));
        assert_true(rows[i].low <= rows[i].value && rows[i].value <= rows[i].high);
    }
    return n;
}

/* One of each kind, and what only newer OpenSSL have; the rest differ by their row alone. */
static void test_algorithms(void **state) {
    static const struct {
        const char *name, *last;
        int n;
        bool everywhere;
    } some[] = {
        {"SHA-384", "hash", 3, true},
        {"X25519", "derive", 2, true},
        {"P-256", "derive", 2, true},
        {"ECDSA P-256", "verify", 2, true},
        {"Ed25519", "verify", 2, true},
        {"MLKEM768", "decapsulate", 3, false},
        {"X25519MLKEM768", "decapsulate", 3, false},
        {"ML-DSA-44", "verify", 2, false},
    };
    struct speed_row rows[SPEED_MAX_ROWS];

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(some); i++) {
        int n = measured(speed_find(some[i].name), rows);

        if (!n && !some[i].everywhere)
            continue;
        assert_int_equal(n, some[i].n);
        assert_string_equal(rows[n - 1].operation, some[i].last);
    }
}

/* More bytes under one tag are faster; 64 bytes are an operation as 16 KiB are. */
static void test_sizes(void **state) {
    struct speed_row rows[SPEED_MAX_ROWS];

    (void)state;
    assert_int_equal(measured(speed_find("AES-256-GCM"), rows), 6);
    assert_int_equal(rows[0].bytes, 64);
    assert_int_equal(rows[5].bytes, 16384);
    assert_true(rows[4].value > rows[0].value);
    assert_true(rows[0].value / 64 > rows[4].value / 16384); /* operations a second */
}

static void test_what_is_missing(void **state) {
    static const struct speed_algorithm none[] = {
        {"Rot-13", "ROT-13", SPEED_CIPHER, NULL, 0, NULL},
        {"Rot-13", "ROT-13", SPEED_HASH, NULL, 0, NULL},
        {"Rot-13", "ROT-13", SPEED_AGREEMENT, NULL, 0, NULL},
        {"Rot-13", "EC", SPEED_SIGNATURE, "Rot-13", 0, NULL},
    };
    struct speed_row rows[SPEED_MAX_ROWS];

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(none); i++)
        assert_int_equal(speed_measure(&none[i], rows, NULL), -EOPNOTSUPP);
    assert_null(speed_find("Rot-13"));
}

/* ---- keeping ---- */

struct home {
    char *folder, *file;
    json_t *rows;
};

static int move_in(void **state) {
    struct home *home = memory_new(1, sizeof(*home));

    home->folder = workshop_make();
    home->file = text_format("%s/mqtt-security-bench/speed-%s.json", home->folder, speed_openssl());
    home->rows =
        json_pack("[{s:s,s:s,s:f}]", "algorithm", "X25519", "operation", "derive", "value", 1234.5);
    assert_int_equal(setenv("XDG_CACHE_HOME", home->folder, 1), 0);
    *state = home;
    return 0;
}

static int move_out(void **state) {
    struct home *home = *state;

    json_decref(home->rows);
    workshop_remove(home->folder);
    free(home->file);
    free(home);
    return 0;
}

static bool is_kept(const struct home *home) {
    json_auto_t *answer = kept_speed_read();

    assert_string_equal(jsonline_text(answer, "openssl", ""), speed_openssl());
    return json_equal(json_object_get(answer, "rows"), home->rows);
}

static void keep(const struct home *home) {
    struct error error = {""};

    if (kept_speed_write(home->rows, &error) < 0)
        fail_msg("%s", error.text);
}

static void test_kept(void **state) {
    assert_false(is_kept(*state));
    keep(*state);
    assert_true(is_kept(*state));
}

/* Changes what the file says of one thing. */
static void falsify(const struct home *home, const char *object, const char *key, json_t *value) {
    json_auto_t *kept = NULL;
    CLEANUP_FREE char *text = NULL;
    json_t *changed;

    assert_int_equal(jsonline_read_file(home->file, &kept, NULL), 0);
    changed = object ? json_object_get(kept, object) : kept;
    assert_non_null(json_object_get(changed, key));
    (void)json_object_set_new(changed, key, value);
    text = json_dumps(kept, 0);
    assert_int_equal(file_replace(home->file, 0600, text, NULL), 0);
}

static void test_no_longer_true(void **state) {
    int64_t now_s = clock_realtime_ns() / NS_PER_S;
    struct home *home = *state;

    keep(home);
    falsify(home, NULL, "measured_s", json_integer(now_s - (KEPT_SPEED_DAYS * 86400 - 3600)));
    assert_true(is_kept(home));
    falsify(home, NULL, "measured_s", json_integer(now_s - (KEPT_SPEED_DAYS * 86400 + 3600)));
    assert_false(is_kept(home));
    falsify(home, NULL, "measured_s", json_integer(now_s + 3600)); /* a clock that was wrong */
    assert_false(is_kept(home));
    keep(home);
    falsify(home, "key", "table", json_integer(SPEED_TABLE + 1));
    assert_false(is_kept(home));
    keep(home);
    falsify(home, "key", "openssl", json_string("1.0.2"));
    assert_false(is_kept(home));
    keep(home);
    falsify(home, "key", "facts", json_pack("{s:s}", "processor", "Z80"));
    assert_false(is_kept(home));
    assert_int_equal(file_replace(home->file, 0600, "{\"key\":", NULL), 0);
    assert_false(is_kept(home));
    keep(home);
    assert_true(is_kept(home));
}

static void test_no_place(void **state) {
    struct home *home = *state;

    assert_int_equal(setenv("XDG_CACHE_HOME", "/dev/null", 1), 0);
    assert_true(kept_speed_write(home->rows, NULL) < 0);
    assert_false(is_kept(home));
    assert_int_equal(setenv("XDG_CACHE_HOME", "relative", 1), 0); /* is to be ignored */
    assert_int_equal(setenv("HOME", home->folder, 1), 0);
    keep(home);
    assert_true(is_kept(home));
    assert_int_equal(unsetenv("HOME"), 0);
    assert_true(kept_speed_write(home->rows, NULL) < 0);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_algorithms),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_what_is_missing),
        cmocka_unit_test_setup_teardown(test_kept, move_in, move_out),
        cmocka_unit_test_setup_teardown(test_no_longer_true, move_in, move_out),
        cmocka_unit_test_setup_teardown(test_no_place, move_in, move_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
