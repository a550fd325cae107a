/* model/setting: what a row accepts, what it says of the rest, and every table of the product. */
#include "workshop.h"

#include "model/client_config.h"
#include "model/setting.h"

struct block {
    char *text, *words, *checked, *open;
    int64_t choice, judged, count, bytes, duration_ns, share_ppm, rate, many, loss_ppm;
};

static int check_even(const char *value, struct error *error) {
    return strlen(value) % 2 == 0 ? 0 : error_set(error, -EINVAL, "'%s' is odd", value);
}

#define AT(member) .offset = offsetof(struct block, member)

static const struct setting rows[] = {
    {"text", SETTING_TEXT, "", .help = "h", AT(text)},
    {"words", SETTING_WORDS, "one two", .help = "h", AT(words)},
    {"checked", SETTING_TEXT, "even", .help = "h", AT(checked), .check = check_even},
    {"open", SETTING_WORDS, "", .help = "h", AT(open), .check = check_even},
    {"choice", SETTING_CHOICE, "green", .choices = "red green blue", .help = "h", AT(choice)},
    {"judged", SETTING_CHOICE, "even", .choices = "even odd", .help = "h", AT(judged),
     .check = check_even},
    {"count", SETTING_COUNT, "5", "1", "10", .help = "h", AT(count)},
    {"bytes", SETTING_BYTES, "64KiB", .max = "1MiB", .help = "h", AT(bytes)},
    {"duration", SETTING_DURATION, "10s", .min = "100ms", .help = "h", AT(duration_ns)},
    {"share", SETTING_PERCENT, "2%", "0.5%", "50%", .help = "h", AT(share_ppm)},
    {"rate", SETTING_RATE, "0bit/s", .help = "h", AT(rate)},
    {"many", SETTING_COUNT, "10", "0", "10000000", .help = "h", AT(many)},
    {"loss", SETTING_PERCENT, "0%", "0%", "90%", .help = "h", AT(loss_ppm)},
};
static const struct setting_group group =
    SETTING_GROUP("sample", SETTING_SCENARIO, rows, struct block);

static void setting_sample_free(struct block *block) {
    setting_block_free(&group, block);
}
DEFINE_CLEANUP(struct block *, setting_sample_free)

static int assign(struct block *block, const char *key, const char *value, struct error *error) {
    const struct setting *row = setting_find(&group, key);

    assert_non_null(row);
    return setting_assign(row, block, value, error);
}

static void test_defaults(void **state) {
    CLEANUP(setting_sample_freep) struct block *block = setting_block_new(&group);

    (void)state;
    assert_string_equal(block->text, "");
    assert_string_equal(block->words, "one two");
    assert_string_equal(block->checked, "even");
    assert_int_equal(block->choice, 1);
    assert_int_equal(block->count, 5);
    assert_int_equal(block->bytes, 65536);
    assert_int_equal(block->duration_ns, 10000000000);
    assert_int_equal(block->share_ppm, 20000);
    assert_null(setting_find(&group, "Text"));
    assert_null(setting_find(&group, "sample.text"));
    assert_null(setting_find(&group, ""));
}

static void test_every_type(void **state) {
    static const struct {
        const char *key, *value, *formatted; /* NULL: like value */
    } cases[] = {
        {"text", "any  thing = [x] # \"y\"", NULL},
        {"text", "a;b", NULL},
        {"text", "", NULL},
        {"words", "three", NULL},
        {"words", "  b \t a  c ", "b a c"},
        {"words", "a aa aaa", NULL},
        {"open", "", NULL},
        {"open", " \t ", ""},
        {"choice", "red", NULL},
        {"choice", "blue", NULL},
        {"count", "1", NULL},
        {"count", "10", NULL},
        {"bytes", "0B", NULL},
        {"bytes", "1048576B", "1MiB"},
        {"duration", "100ms", NULL},
        {"duration", "120s", "2min"},
        {"share", "0.5%", NULL},
        {"share", "12.50%", "12.5%"},
    };
    CLEANUP(setting_sample_freep) struct block *block = setting_block_new(&group);

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP_FREE char *text = NULL;
        struct error error = {""};

        if (assign(block, cases[i].key, cases[i].value, &error) != 0)
            fail_msg("%s = %s: %s", cases[i].key, cases[i].value, error.text);
        text = setting_format(setting_find(&group, cases[i].key), block);
        assert_string_equal(text, cases[i].formatted ? cases[i].formatted : cases[i].value);
    }
}

static void test_refusals(void **state) {
    static const struct {
        const char *key, *value;
        int code;
        const char *message;
    } cases[] = {
        {"words", "a b a", -EINVAL, "names 'a' twice"},
        {"words", "", -EINVAL, "has no value; leave it out for the default, one two"},
        {"checked", "odd", -EINVAL, "'odd' is odd"},
        {"open", "a  bc", 0, NULL}, /* checked as tidied: "a bc" */
        {"open", "a  b", -EINVAL, "'a b' is odd"},
        {"text", "a ;b", -EINVAL, "neither ' ;' nor a line end can be part of a value"},
        {"text", "a\nb", -EINVAL, "neither ' ;' nor a line end can be part of a value"},
        {"choice", "Red", -EINVAL, "'Red' is none of: red green blue (did you mean red?)"},
        {"choice", "red green", -EINVAL, "'red green' is none of: red green blue"},
        {"choice", "", -EINVAL, "has no value; leave it out for the default, green"},
        {"count", "'5'", -EINVAL, "''5'' has quotation marks; write 5"},
        {"count", "5 # five", -EINVAL,
         "'5 # five' has a '#': behind a value a comment begins with ' ;'; write 5"},
        {"choice", "\"red\"", -EINVAL, "'\"red\"' has quotation marks; write red"},
        {"share", "2,5%", -EINVAL, "'2,5%' has a decimal comma: here it is a point; write 2.5%"},
        {"duration", "1s,2s", -EINVAL,
         "'1s,2s' has a comma: in [vary] values stand apart by blanks; write 1s 2s"},
        {"share", "2,5", -EINVAL, "'2,5' has a decimal comma: here it is a point; write 2.5%"},
        {"bytes", "1,5B", -EINVAL, "'1,5B' has a decimal comma: here it is a point; write 64KiB"},
        {"many", "1,000", -EINVAL, "'1,000' has a comma; write 1000"},
        {"many", "1,000,000", -EINVAL, "'1,000,000' has a comma; write 1000000"},
        {"many", "1,000,000,000", -EINVAL, "'1,000,000,000' has a comma; write 50"},
        {"many", "1,5", -EINVAL,
         "'1,5' has a comma: a whole number has none; in [vary] values stand apart by blanks"},
        {"many", "0,500", -EINVAL,
         "'0,500' has a comma: a whole number has none; in [vary] values stand apart by blanks"},
        {"many", "10,00", -EINVAL,
         "'10,00' has a comma: a whole number has none; in [vary] values stand apart by blanks"},
        {"many", "1.000", -EINVAL, "'1.000' has a decimal point: a whole number has none"},
        {"duration", "1,000s", -EINVAL,
         "'1,000s' has a comma; write 1000s, or 1.000s if it is a decimal comma"},
        {"duration", "1,000", -EINVAL,
         "'1,000' has a comma; write 1000s, or 1.000s if it is a decimal comma"},
        {"bytes", "1,000,000B", -EINVAL, "'1,000,000B' has a comma; write 1000000B"},
        {"count", "0", -ERANGE, "'0' is out of bounds; right would be a number from 1 to 10"},
        {"count", "11", -ERANGE, "'11' is out of bounds; right would be a number from 1 to 10"},
        {"count", "99999999999999999999", -ERANGE,
         "'99999999999999999999' is out of bounds; right would be a number from 1 to 10"},
        {"count", "-1", -EINVAL, "'-1' is negative"},
        {"count", "5s", -EINVAL, "'5s' has the wrong unit; right would be no unit, as in 5"},
        {"many", "5s", -EINVAL, "'5s' has the wrong unit; right would be no unit, as in 50"},
        {"bytes", "2MiB", -ERANGE,
         "'2MiB' is out of bounds; right would be a size in bytes of at most 1MiB"},
        {"bytes", "64", -EINVAL,
         "'64' lacks a unit (B, KiB, MiB or GiB); write, say, 64B or 64KiB"},
        {"duration", "99ms", -ERANGE,
         "'99ms' is out of bounds; right would be a duration of at least 100ms"},
        {"duration", "", -EINVAL, "has no value; leave it out for the default, 10s"},
        {"share", "0.4999%", -ERANGE,
         "'0.4999%' is out of bounds; right would be a share from 0.5% to 50%"},
        {"share", "50.0001%", -ERANGE,
         "'50.0001%' is out of bounds; right would be a share from 0.5% to 50%"},
        {"bytes", "1024", -EINVAL,
         "'1024' lacks a unit (B, KiB, MiB or GiB); write, say, 1024B or 1024KiB"},
        {"bytes", "4096", -EINVAL, "'4096' lacks a unit (B, KiB, MiB or GiB); write, say, 4096B"},
        {"rate", "13.4", -EINVAL,
         "'13.4' lacks a unit (bit/s, kbit/s, Mbit/s or Gbit/s); write, say, 13.4Mbit/s"},
        {"share", "2", -EINVAL, "'2' lacks a unit (%); write, say, 2%"},
        {"share", "0", -EINVAL, "'0' lacks a unit (%); write, say, 0.5%"},
        {"share", "0.05", -EINVAL, "'0.05' lacks a unit (%); write, say, 5%"},
        {"share", "0.5", -EINVAL,
         "'0.5' lacks a unit (%); write, say, 50%, or 0.5% if it is no fraction"},
        {"loss", "0.05", -EINVAL,
         "'0.05' lacks a unit (%); write, say, 5%, or 0.05% if it is no fraction"},
        {"loss", "0.99", -EINVAL, "'0.99' lacks a unit (%); write, say, 0.99%"},
        {"loss", "0", -EINVAL, "'0' lacks a unit (%); write, say, 0%"},
        {"loss", "91", -EINVAL, "'91' lacks a unit (%); write, say, 0.5%"},
    };
    CLEANUP(setting_sample_freep) struct block *block = setting_block_new(&group);

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const struct setting *row = setting_find(&group, cases[i].key);
        CLEANUP_FREE char *before = setting_format(row, block), *after = NULL;
        struct error error = {""};

        if (assign(block, cases[i].key, cases[i].value, &error) != cases[i].code)
            fail_msg("%s = '%s': %s", cases[i].key, cases[i].value, error.text);
        if (!cases[i].code)
            continue;
        assert_string_equal(error.text, cases[i].message);
        after = setting_format(row, block);
        assert_string_equal(after, before);
        assert_int_equal(assign(block, cases[i].key, cases[i].value, NULL), cases[i].code);
    }
}

static char *repeat(char letter, size_t n) {
    char *text = memory_new(n + 1, 1);

    memset(text, letter, n);
    return text;
}

/* A line of a resolved scenario holds 150 bytes of a text, or of a word; a list may take several.
 */
static void test_lengths(void **state) {
    CLEANUP(setting_sample_freep) struct block *block = setting_block_new(&group);
    CLEANUP_FREE char *fits = repeat('a', 150), *too_long = repeat('a', 151);
    CLEANUP_FREE char *second = text_format("b %s c", fits), *bad = text_format("b %s c", too_long);
    CLEANUP_FREE char *list = text_copy("");
    struct error error = {""};

    (void)state;
    assert_int_equal(assign(block, "text", fits, &error), 0);
    assert_int_equal(assign(block, "text", too_long, &error), -EINVAL);
    assert_string_equal(error.text, "is too long; at most 150 bytes");
    assert_int_equal(assign(block, "words", fits, &error), 0);
    assert_int_equal(assign(block, "words", second, &error), 0);
    assert_string_equal(block->words, second);
    assert_int_equal(assign(block, "words", too_long, &error), -EINVAL);
    assert_string_equal(error.text, "has a word that is too long; at most 150 bytes");
    assert_int_equal(assign(block, "words", bad, &error), -EINVAL);
    for (int i = 0; i < 20; i++) { /* 99 bytes and a blank each */
        CLEANUP_FREE char *word = repeat((char)('a' + i), 99);

        text_append(&list, " ", word);
    }
    assert_int_equal(strlen(list), 1999);
    text_append(&list, "", "x");
    assert_int_equal(assign(block, "words", list, &error), 0);
    text_append(&list, "", "x");
    assert_int_equal(assign(block, "words", list, &error), -EINVAL);
    assert_string_equal(error.text, "is too long; at most 2000 bytes");
}

/* JSON, and so every agent, can carry UTF-8 only: another text has to be refused where it enters.
 */
static void test_text_that_is_not_utf_8(void **state) {
    CLEANUP(setting_sample_freep) struct block *block = setting_block_new(&group);
    struct error error = {""};

    (void)state;
    assert_int_equal(assign(block, "text", "Alat\xc4\xb1r", &error), 0);
    assert_int_equal(assign(block, "text", "Caf\xe9", &error), -EINVAL);
    assert_string_equal(block->text, "Alat\xc4\xb1r");
}

static void test_descriptions(void **state) {
    static const char *const descriptions[] = {
        "a text",
        "words separated by blanks",
        "a text",
        "words separated by blanks",
        "one of: red green blue",
        "one of: even odd",
        "a number from 1 to 10",
        "a size in bytes of at most 1MiB",
        "a duration of at least 100ms",
        "a share from 0.5% to 50%",
        "a rate",
        "a number from 0 to 10000000",
        "a share from 0% to 90%",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        CLEANUP_FREE char *text = setting_describe(&rows[i]);

        assert_string_equal(text, descriptions[i]);
    }
}

static void test_choice_words(void **state) {
    CLEANUP_FREE char *first = setting_choice_word("red green", 0);
    CLEANUP_FREE char *last = setting_choice_word("red green", 1);
    CLEANUP_FREE char *none = setting_choice_word("red green", 2);

    (void)state;
    assert_string_equal(first, "red");
    assert_string_equal(last, "green");
    assert_string_equal(none, "?");
}

static void test_copies_are_independent(void **state) {
    CLEANUP(setting_sample_freep) struct block *block = setting_block_new(&group), *copy = NULL;

    (void)state;
    assert_int_equal(assign(block, "text", "first", NULL), 0);
    copy = setting_block_copy(&group, block);
    assert_int_equal(assign(copy, "text", "second", NULL), 0);
    assert_int_equal(assign(copy, "count", "7", NULL), 0);
    assert_string_equal(block->text, "first");
    assert_int_equal(block->count, 5);
    assert_string_equal(copy->text, "second");
    assert_ptr_not_equal(copy->words, block->words);
    setting_block_free(&group, NULL);
}

static void test_json(void **state) {
    CLEANUP(setting_sample_freep) struct block *block = setting_block_new(&group), *again = NULL;
    json_auto_t *object = NULL, *second = NULL;
    void *read = NULL;

    (void)state;
    assert_int_equal(assign(block, "text", "\"quoted\" \\ \xe2\x82\xac", NULL), 0);
    assert_int_equal(assign(block, "duration", "1500ms", NULL), 0);
    object = setting_block_to_json(&group, block);
    assert_int_equal(json_object_size(object), ARRAY_SIZE(rows));
    assert_string_equal(json_string_value(json_object_get(object, "duration")), "1500ms");
    assert_int_equal(setting_block_from_json(&group, object, &read, NULL), 0);
    again = read;
    second = setting_block_to_json(&group, again);
    assert_true(json_equal(object, second));
}

static void assert_bad_json(json_t *object, int code, const char *message) {
    struct error error = {""};
    void *read = NULL;

    assert_int_equal(setting_block_from_json(&group, object, &read, &error), code);
    assert_string_equal(error.text, message);
    assert_null(read);
    json_decref(object);
}

static void test_bad_json(void **state) {
    CLEANUP(setting_sample_freep) struct block *block = setting_block_new(&group);
    json_t *missing = setting_block_to_json(&group, block), *renamed = json_deep_copy(missing);
    json_t *extra = json_deep_copy(missing), *number = json_deep_copy(missing);
    json_t *wrong = json_deep_copy(missing);

    (void)state;
    (void)json_object_del(missing, "words");
    (void)json_object_del(renamed, "words");
    (void)json_object_set_new(renamed, "werds", json_string("x"));
    (void)json_object_set_new(extra, "other", json_string("x"));
    (void)json_object_set_new(number, "count", json_integer(5));
    (void)json_object_set_new(wrong, "count", json_string("11"));
    assert_bad_json(missing, -EBADMSG, "sample: 12 values where 13 belong");
    assert_bad_json(renamed, -EBADMSG, "sample.words: is missing");
    assert_bad_json(extra, -EBADMSG, "sample: 14 values where 13 belong");
    assert_bad_json(number, -EBADMSG, "sample.count: is missing");
    assert_bad_json(wrong, -ERANGE,
                    "sample.count: '11' is out of bounds; right would be a number from 1 to 10");
    assert_bad_json(json_string("x"), -EBADMSG, "sample: 0 values where 13 belong");
    assert_bad_json(NULL, -EBADMSG, "sample: 0 values where 13 belong");
}

/* ---- every table of the product ---- */

static void check_bounds(const char *name, const struct setting *row) {
    int64_t low = 0, high = INT64_MAX, value;
    struct error error = {""};

    if (setting_number_parse(row->type, row->fallback, &value, &error) < 0 ||
        (row->min && setting_number_parse(row->type, row->min, &low, &error) < 0) ||
        (row->max && setting_number_parse(row->type, row->max, &high, &error) < 0))
        fail_msg("%s.%s: %s", name, row->key, error.text);
    if (low > value || value > high)
        fail_msg("%s.%s: not %lld <= %lld <= %lld", name, row->key, (long long)low,
                 (long long)value, (long long)high);
}

static size_t size_of(const struct setting *row) {
    return row->type <= SETTING_RAW ? sizeof(char *) : sizeof(int64_t);
}

/* A row's place in the block is its own: no other row begins or reaches into there. */
static void check_places(const struct setting_group *table) {
    for (size_t i = 0; i < table->n_rows; i++) {
        size_t place = table->rows[i].offset;

        assert_int_equal(place % size_of(&table->rows[i]), 0);
        assert_true(place + size_of(&table->rows[i]) <= table->size);
        for (size_t j = 0; j < i; j++)
            if ((table->rows[j].offset < place + size_of(&table->rows[i]) &&
                 place < table->rows[j].offset + size_of(&table->rows[j])) ||
                text_equal(table->rows[j].key, table->rows[i].key))
                fail_msg("%s: %s and %s", table->name, table->rows[i].key, table->rows[j].key);
    }
}

/* What names a file or a command must be marked: a run's scenario may be anybody's. */
static void check_effect(const struct setting_group *table, const struct setting *row) {
    static const char *const marks[] = {"file:", "exec:", "file of", "file or", "file that"};

    assert_int_equal(setting_effect(row, row->fallback), SETTING_NO_EFFECT);
    for (size_t i = 0; i < ARRAY_SIZE(marks); i++)
        if (row->type == SETTING_TEXT && strstr(row->help, marks[i]) &&
            setting_effect(row, "exec:x") == SETTING_NO_EFFECT)
            fail_msg("%s.%s: names a file or a command, and has no effect", table->name, row->key);
}

static void check_row(const struct setting_group *table, const struct setting *row, void *block) {
    bool number = row->type >= SETTING_COUNT;
    CLEANUP_FREE char *text = NULL;
    struct error error = {""};

    if (setting_assign(row, block, row->fallback, &error) < 0)
        fail_msg("%s.%s: default: %s", table->name, row->key, error.text);
    text = setting_format(row, block);
    assert_string_equal(text, row->fallback); /* what the help shows is how it is written */
    if (number)
        check_bounds(table->name, row);
    else if (row->min || row->max)
        fail_msg("%s.%s: bounds of what is no number", table->name, row->key);
    assert_int_equal(row->type == SETTING_CHOICE, row->choices != NULL);
    if (table->scope == SETTING_INTERNAL)
        return;
    if (!row->help || !*row->help || strchr(row->key, '.') || strlen(row->key) > 48)
        fail_msg("%s.%s: no help, or no key for a file", table->name, row->key);
    check_effect(table, row);
}

static void check_table(const struct setting_group *table) {
    void *block = setting_block_new(table);

    for (size_t i = 0; i < table->n_rows; i++)
        check_row(table, &table->rows[i], block);
    check_places(table);
    setting_block_free(table, block);
}

static void test_every_table(void **state) {
    const struct registry *registry = workshop_registry();

    (void)state;
    check_table(&group);
    check_table(&client_config_group);
    for (size_t i = 0; i < registry->n_groups; i++) {
        const struct setting_group *table = registry->groups[i];

        check_table(table);
        assert_int_equal(strncmp(table->name, "probe.", 6) == 0, table->scope == SETTING_PROBE);
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(registry->groups[j]->name, table->name);
    }
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_every_type),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_text_that_is_not_utf_8),
        cmocka_unit_test(test_descriptions),
        cmocka_unit_test(test_choice_words),
        cmocka_unit_test(test_copies_are_independent),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_bad_json),
        cmocka_unit_test(test_every_table),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
