/* base/csv, reading: what is written is read back, and what is broken is complained about, with its
 * line. */
#include "../csv_table.h"
#include "csv_file.h"

#include <errno.h>
#include <math.h>
#include <sys/stat.h>

static struct csv_table *read_text(const char *text) {
    struct csv_table *table;
    struct error error;

    put(text, strlen(text));
    if (csv_table_read(&table, path, &error) < 0)
        fail_msg("%s", error.text);
    return table;
}

/* Reading these bytes fails with -EBADMSG and "path" + expected. */
static void assert_bad(const char *bytes, size_t length, const char *expected) {
    CLEANUP_FREE char *message = text_format("%s%s", path, expected);
    struct csv_table *table = NULL;
    struct error error = {""};

    put(bytes, length);
    assert_int_equal(csv_table_read(&table, path, &error), -EBADMSG);
    assert_string_equal(error.text, message);
    assert_null(table);
    assert_int_equal(csv_table_read(&table, path, NULL), -EBADMSG);
}

#define ASSERT_BAD(literal, expected) assert_bad(literal, sizeof(literal) - 1, expected)

static void test_quoting_round_trip(void **state) {
    static const char *const values[] = {
        "plain",
        "",
        ",",
        "\"",
        "\"\"",
        "a,b",
        "say \"x\"",
        "\n",
        "two\nl",
        "\r\n",
        "ends in \"",
        "\"starts",
        "\xc3\xa4 \xe2\x82\xac",
        " blanks ",
        "a;b",
        "'",
        "\tt\\n",
        "\r",
        ",\",\"",
        "#no comment",
    };
    struct csv_writer *writer = open_writer(2);
    CLEANUP(csv_table_freep) struct csv_table *table = NULL;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(values); i++)
        csv_row(writer, ROW(values[i], values[ARRAY_SIZE(values) - 1 - i]));
    flush(writer);
    csv_writer_close(writer);
    assert_int_equal(csv_table_read(&table, path, NULL), 0);
    assert_int_equal(table->rows, ARRAY_SIZE(values));
    for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
        assert_string_equal(csv_table_field(table, i, 0), values[i]);
        assert_string_equal(csv_table_field(table, i, 1), values[ARRAY_SIZE(values) - 1 - i]);
    }
}

static void test_reads_table(void **state) {
    CLEANUP(csv_table_freep)
    struct csv_table *table =
        read_text("name,value,note\r\nplain,13.4,\r\n\"a\nb\",-1e3,\"x\"\"y\"\n");

    (void)state;
    assert_int_equal(table->rows, 2);
    assert_int_equal(table->columns, 3);
    assert_false(table->half_last_line);
    assert_int_equal(table->lines[0], 1);
    assert_int_equal(table->lines[1], 2);
    assert_int_equal(table->lines[2], 3);
    assert_string_equal(table->fields[1], "value");
    assert_string_equal(csv_table_field(table, 0, 2), "");
    assert_string_equal(csv_table_field(table, 1, 0), "a\nb");
    assert_string_equal(csv_table_field(table, 1, 2), "x\"y");
}

static struct csv_reader *open_text(const char *text) {
    struct csv_reader *reader;
    struct error error;

    put(text, strlen(text));
    if (csv_reader_open(&reader, path, &error) < 0)
        fail_msg("%s", error.text);
    return reader;
}

static void test_reads_numbers(void **state) {
    CLEANUP(csv_reader_closep)
    struct csv_reader *reader = open_text("name,value,note\nplain,13.4,\nx,\"-1e3\",0x10\n");
    int column = csv_reader_column(reader, "value", NULL);
    double value;

    (void)state;
    assert_int_equal(column, 1);
    assert_int_equal(csv_reader_next(reader, NULL), 1);
    assert_int_equal(csv_reader_real(reader, column, &value, NULL), 0);
    assert_true(value == 13.4);
    assert_int_equal(csv_reader_real(reader, 2, &value, NULL), 0);
    assert_true(isnan(value));
    assert_int_equal(csv_reader_next(reader, NULL), 1);
    assert_int_equal(csv_reader_real(reader, column, &value, NULL), 0);
    assert_true(value == -1000);
    assert_int_equal(csv_reader_real(reader, 2, &value, NULL), 0);
    assert_true(value == 16);
    assert_int_equal(csv_reader_next(reader, NULL), 0);
    assert_int_equal(csv_reader_next(reader, NULL), 0);
}

static void test_header_only(void **state) {
    CLEANUP(csv_table_freep) struct csv_table *table = read_text("a,b\n");

    (void)state;
    assert_int_equal(table->rows, 0);
    assert_int_equal(table->columns, 2);
}

static void test_one_column_may_be_empty(void **state) {
    CLEANUP(csv_table_freep) struct csv_table *table = read_text("a\n\n\"\"\n");

    (void)state;
    assert_int_equal(table->rows, 2);
    assert_string_equal(csv_table_field(table, 0, 0), "");
    assert_string_equal(csv_table_field(table, 1, 0), "");
}

static void test_half_last_line(void **state) {
    CLEANUP(csv_table_freep) struct csv_table *table = read_text("a,b\n1,2\n3,");
    CLEANUP(csv_table_freep) struct csv_table *whole_but_end = read_text("a,b\n1,2\n3,4");

    (void)state;
    assert_true(table->half_last_line);
    assert_int_equal(table->rows, 1);
    assert_true(whole_but_end->half_last_line); /* 4 may be the start of 42 */
    assert_int_equal(whole_but_end->rows, 1);
}

/* A text of up to `size` letters, separators, quotes and line ends; the caller's. */
static char *random_text(unsigned *seed, size_t size) {
    static const char letters[] = "abcdefg,\"\n\r";
    size_t length = (size_t)rand_r(seed) % size;
    char *text = memory_new(length + 1, 1);

    for (size_t i = 0; i < length; i++)
        text[i] = letters[(size_t)rand_r(seed) % (sizeof(letters) - 1)];
    return text;
}

/* Rows of all sizes. */
static void test_large_table(void **state) {
    enum { ROWS = 3000 };
    struct csv_writer *writer = open_writer(2);
    CLEANUP(csv_table_freep) struct csv_table *table = NULL;
    CLEANUP_FREE char **texts = memory_new(ROWS, sizeof(char *));
    unsigned seed = 7;
    size_t line = 2;

    (void)state;
    for (int i = 0; i < ROWS; i++) {
        CLEANUP_FREE char *number = text_format("%d", i);

        texts[i] = random_text(&seed, i % 500 == 0 ? 600000 : 300);
        csv_row(writer, ROW(number, texts[i]));
    }
    flush(writer);
    csv_writer_close(writer);
    assert_int_equal(csv_table_read(&table, path, NULL), 0);
    assert_int_equal(table->rows, ROWS);
    for (size_t i = 0; i < ROWS; i++) {
        assert_int_equal(strtol(csv_table_field(table, i, 0), NULL, 10), i);
        assert_string_equal(csv_table_field(table, i, 1), texts[i]);
        assert_int_equal(table->lines[i + 1], line++);
        for (const char *c = texts[i]; *c; c++)
            line += *c == '\n';
        free(texts[i]);
    }
}

static void test_bad_tables(void **state) {
    (void)state;
    ASSERT_BAD("", ": empty, not even a header");
    ASSERT_BAD("a,b", ": empty, not even a header");
    ASSERT_BAD("a,b\n1\n", ":2: 1 fields where the header has 2");
    ASSERT_BAD("a,b\n1,2,3\n", ":2: 3 fields where the header has 2");
    ASSERT_BAD("a,b\n1,2\n\n", ":3: 1 fields where the header has 2");
    ASSERT_BAD("a,b\n\"x\ny\",1\n2\n", ":4: 1 fields where the header has 2");
    ASSERT_BAD("a\n\"x\ny\nz\n", ":2: a quote is never closed");
    ASSERT_BAD("a\n\"\n", ":2: a quote is never closed");
    ASSERT_BAD("a\n\"x\"y\n", ":2: text behind a closing quote");
    ASSERT_BAD("a\n\"x\"\"\"y\n", ":2: text behind a closing quote");
    ASSERT_BAD("a\nx\0y\n", ":2: a zero byte: this is no CSV file");
    ASSERT_BAD("a\n\r\n1\r2\n3,4\n", ":5: 2 fields where the header has 1");
    ASSERT_BAD("a\nb\n\"x\0y\"\n", ":3: a zero byte: this is no CSV file");
    ASSERT_BAD("\x7f"
               "ELF\0\0\n",
               ":1: a zero byte: this is no CSV file");
}

/* What spreadsheets and editors make of a table. */
static void test_saved_elsewhere(void **state) {
    static const char in_english[] = "save it with commas between fields and points in numbers (in "
                                     "LibreOffice: language English, field delimiter ',')";
    static const char *const headers[][2] = {
        {"a;b\n1;2\n", ":1: ';' stands between its fields: "},
        {"a\tb\n1\t2\n", ":1: a tab stands between its fields: "},
    };
    CLEANUP(csv_table_freep) struct csv_table *marked = read_text("\xef\xbb\xbf\"a\",b\r\n1,2\r\n");

    (void)state;
    assert_string_equal(marked->fields[0], "a");
    for (size_t i = 0; i < ARRAY_SIZE(headers); i++) {
        CLEANUP_FREE char *expected = text_format("%s%s", headers[i][1], in_english);

        assert_bad(headers[i][0], strlen(headers[i][0]), expected);
    }
    ASSERT_BAD("sep=,\na,b\n1,2\n", ":1: 'sep=,' is a line for a spreadsheet: delete it");
    ASSERT_BAD("\xef\xbb\xbfsep=;\r\na;b\r\n",
               ":1: 'sep=;' is a line for a spreadsheet: delete it");
    ASSERT_BAD("a,b\r1,2\r", ": its lines end in CR alone: tr '\\r' '\\n' <FILE >NEW");
    ASSERT_BAD("\xff\xfe"
               "a\0\n\0",
               ": is UTF-16: save it as UTF-8, or iconv -f UTF-16 -t UTF-8 FILE >NEW");
    ASSERT_BAD("\xfe\xff\0a\0\n",
               ": is UTF-16: save it as UTF-8, or iconv -f UTF-16 -t UTF-8 FILE >NEW");
    ASSERT_BAD("a\0,\0b\0\n\0",
               ": is UTF-16: save it as UTF-8, or iconv -f UTF-16LE -t UTF-8 FILE >NEW");
    ASSERT_BAD("\0a\0,\0b\0\n",
               ": is UTF-16: save it as UTF-8, or iconv -f UTF-16BE -t UTF-8 FILE >NEW");
}

static void test_no_file(void **state) {
    struct csv_table *table;
    struct error error;

    (void)state;
    assert_int_equal(csv_table_read(&table, "/nonexistent.csv", &error), -ENOENT);
    assert_string_equal(error.text, "/nonexistent.csv: No such file or directory");
    assert_int_equal(csv_table_read(&table, "/tmp", &error), -EISDIR);
    assert_int_equal(csv_table_read(&table, "/dev/zero", &error), -EBADMSG);
    assert_string_equal(error.text, "/dev/zero: not a regular file");
    (void)unlink(path);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(csv_table_read(&table, path, &error), -EBADMSG);
}

static void test_no_column(void **state) {
    CLEANUP(csv_reader_closep) struct csv_reader *reader = open_text("a,b\n1,2\n");
    CLEANUP_FREE char *message = text_format("%s: no column 'c'", path);
    struct error error;

    (void)state;
    assert_int_equal(csv_reader_column(reader, "c", &error), -EBADMSG);
    assert_string_equal(error.text, message);
}

static void test_no_number(void **state) {
    static const char *const bad[] = {"x", "1x", "1,5", "nan", "inf", "-inf", "1e999", "--1", " "};
    CLEANUP_FREE char *message = text_format("%s:2: v: 'x' is not a number", path);
    double value = 42;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        CLEANUP_FREE char *text = text_format("v\n\"%s\"\n", bad[i]);
        CLEANUP(csv_reader_closep) struct csv_reader *reader = open_text(text);
        struct error error;

        assert_int_equal(csv_reader_next(reader, NULL), 1);
        assert_int_equal(csv_reader_real(reader, 0, &value, &error), -EBADMSG);
        assert_true(value == 42);
        if (i == 0)
            assert_string_equal(error.text, message);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_quoting_round_trip),
        TEST(test_reads_table),
        TEST(test_reads_numbers),
        TEST(test_header_only),
        TEST(test_one_column_may_be_empty),
        TEST(test_half_last_line),
        TEST(test_large_table),
        TEST(test_bad_tables),
        TEST(test_saved_elsewhere),
        TEST(test_no_file),
        TEST(test_no_column),
        TEST(test_no_number),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
