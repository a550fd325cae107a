/* base/inifile: every entry with its line; what libinih would swallow is an error. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/inifile.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct inifile *parse(const char *text) {
    struct inifile *file;
    struct error error;

    if (inifile_parse(&file, "x.ini", text, strlen(text), &error) < 0)
        fail_msg("%s", error.text);
    return file;
}

static void assert_entry(const struct inifile *file, size_t i, int line, const char *section,
                         const char *key, const char *value) {
    assert_true(i < file->n_entries);
    assert_string_equal(file->entries[i].section, section);
    assert_string_equal(file->entries[i].key, key);
    assert_string_equal(file->entries[i].value, value);
    assert_int_equal(file->entries[i].line, line);
}

static void assert_bad(const char *text, size_t length, const char *expected) {
    struct inifile *file = NULL;
    struct error error = {""};

    assert_int_equal(inifile_parse(&file, "x.ini", text, length, &error), -EINVAL);
    assert_string_equal(error.text, expected);
    assert_null(file);
    assert_int_equal(inifile_parse(&file, "x.ini", text, length, NULL), -EINVAL);
}

#define ASSERT_BAD(literal, expected) assert_bad(literal, sizeof(literal) - 1, expected)

static void test_entries_and_lines(void **state) {
    CLEANUP(inifile_freep)
    struct inifile *file =
        parse("# a comment\n\n[scenario]\nchannels = plain password\n; another\nseed=2022\n"
              "[probe.path]\n\nduration   =   10s   \n");

    (void)state;
    assert_string_equal(file->path, "x.ini");
    assert_int_equal(file->n_entries, 3);
    assert_entry(file, 0, 4, "scenario", "channels", "plain password");
    assert_entry(file, 1, 6, "scenario", "seed", "2022");
    assert_entry(file, 2, 9, "probe.path", "duration", "10s");
    assert_string_equal(inifile_get(file, "probe.path", "duration"), "10s");
    assert_null(inifile_get(file, "probe.path", "seed"));
    assert_null(inifile_get(file, "probe", "duration"));
}

static void test_values(void **state) {
    CLEANUP(inifile_freep)
    struct inifile *file =
        parse("[a] ; behind a section\nempty =\nequals = x=y:z\ncomment = 1 ; not this\n"
              "tight = a;b\nhash = a # b\nquotes = \"x\"\nutf8 = \xc3\xa4\ncolon: yes\n");

    (void)state;
    assert_int_equal(file->n_entries, 8);
    assert_string_equal(inifile_get(file, "a", "empty"), "");
    assert_string_equal(inifile_get(file, "a", "equals"), "x=y:z");
    assert_string_equal(inifile_get(file, "a", "comment"), "1");
    assert_string_equal(inifile_get(file, "a", "tight"), "a;b");
    assert_string_equal(inifile_get(file, "a", "hash"), "a # b");
    assert_string_equal(inifile_get(file, "a", "quotes"), "\"x\"");
    assert_string_equal(inifile_get(file, "a", "utf8"), "\xc3\xa4");
    assert_string_equal(inifile_get(file, "a", "colon"), "yes");
}

static void test_line_ends(void **state) {
    CLEANUP(inifile_freep) struct inifile *dos = parse("[a]\r\nx = 1\r\ny = 2\r\n");
    CLEANUP(inifile_freep) struct inifile *none = parse("[a]\nx = 1");
    CLEANUP(inifile_freep) struct inifile *bom = parse("\xef\xbb\xbf[a]\nx = 1\n");

    (void)state;
    assert_entry(dos, 0, 2, "a", "x", "1");
    assert_entry(dos, 1, 3, "a", "y", "2");
    assert_entry(none, 0, 2, "a", "x", "1");
    assert_entry(bom, 0, 2, "a", "x", "1");
}

static void test_empty(void **state) {
    CLEANUP(inifile_freep) struct inifile *nothing = parse("");
    CLEANUP(inifile_freep) struct inifile *comments = parse("\n \n# x\n\t; y");
    CLEANUP(inifile_freep) struct inifile *section = parse("[a]");

    (void)state;
    assert_int_equal(nothing->n_entries, 0);
    assert_int_equal(comments->n_entries, 0);
    assert_int_equal(section->n_entries, 0);
}

/* libinih would take the second for a continuation of the first. */
static void test_indented_is_an_entry(void **state) {
    CLEANUP(inifile_freep)
    struct inifile *file = parse("[a]\nx = 1\n  y = 2\n\tz = 3\n  [b]\nx = 4");

    (void)state;
    assert_int_equal(file->n_entries, 4);
    assert_entry(file, 0, 2, "a", "x", "1");
    assert_entry(file, 1, 3, "a", "y", "2");
    assert_entry(file, 2, 4, "a", "z", "3");
    assert_entry(file, 3, 6, "b", "x", "4");
}

static void test_continuation_is_an_error(void **state) {
    (void)state;
    ASSERT_BAD("[a]\nx = 1\n  2\n", "x.ini:3: neither a [section] nor 'key = value'");
}

/* What is added is as if it had stood in the first line. */
static void test_added(void **state) {
    CLEANUP(inifile_freep)
    struct inifile *file = parse("[a]\nx = 1 2\ny =\nx += 3\n[b]\nx = 9\n[a]\n y+=4\nx\t+= 5 6\n");

    (void)state;
    assert_int_equal(file->n_entries, 3);
    assert_entry(file, 0, 2, "a", "x", "1 2 3 5 6");
    assert_entry(file, 1, 3, "a", "y", "4");
    assert_entry(file, 2, 6, "b", "x", "9");
    ASSERT_BAD("[a]\nx += 1\n", "x.ini:2: [a] x: there is nothing to add to; `x = ...` goes first");
    ASSERT_BAD("[a]\nx = 1\n[b]\nx += 1\n",
               "x.ini:4: [b] x: there is nothing to add to; `x = ...` goes first");
    ASSERT_BAD("[a]\n+= 1\n", "x.ini:2: no key before the '='");
}

/* Written in lines that are not too long, and the same when read again. */
static void test_write_words(void **state) {
    CLEANUP_FREE char *words = text_copy("w"), *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    (void)state;
    for (int i = 0; i < 200; i++)
        text_append(&words, " ", i % 7 ? "word" : "a-rather-longer-word");
    fprintf(out, "[a]\n");
    inifile_write_words(out, "few", "1 2");
    inifile_write_words(out, "many", words);
    inifile_write_words(out, "none", "");
    (void)fclose(out);
    {
        CLEANUP(inifile_freep) struct inifile *file = parse(text);

        assert_string_equal(inifile_get(file, "a", "few"), "1 2");
        assert_string_equal(inifile_get(file, "a", "many"), words);
        assert_string_equal(inifile_get(file, "a", "none"), "");
    }
}

static void test_same_key_elsewhere(void **state) {
    CLEANUP(inifile_freep) struct inifile *file = parse("[a]\nx = 1\n[b]\nx = 2\n[a]\ny = 3\n");

    (void)state;
    assert_string_equal(inifile_get(file, "a", "x"), "1");
    assert_string_equal(inifile_get(file, "b", "x"), "2");
    assert_string_equal(inifile_get(file, "a", "y"), "3");
}

static void test_doubled_keys(void **state) {
    (void)state;
    ASSERT_BAD("[a]\nx = 1\ny = 2\nx = 1\n", "x.ini:4: [a] x: was set before, in line 2; keep one");
    ASSERT_BAD("[a]\nx = 1\n[b]\n[a]\nx = 2\n",
               "x.ini:5: [a] x: was set before, in line 2; keep one");
}

static void test_bad_lines(void **state) {
    (void)state;
    ASSERT_BAD("[a]\nx\n", "x.ini:2: neither a [section] nor 'key = value'");
    ASSERT_BAD("[a\nx = 1\n", "x.ini:1: neither a [section] nor 'key = value'");
    ASSERT_BAD("[a]\n = 1\n", "x.ini:2: no key before the '='");
    ASSERT_BAD("x = 1\n",
               "x.ini:1: a key before the first [section]; write [scenario] above it, or, "
               "in a channel's file, [channel]");
    ASSERT_BAD("[]\nx = 1\n",
               "x.ini:2: a key before the first [section]; write [scenario] above it, or, "
               "in a channel's file, [channel]");
    ASSERT_BAD("[a] x = 1\n", "x.ini:1: text behind the section's name; give it a line of its own");
}

static void test_binary(void **state) {
    (void)state;
    ASSERT_BAD("[a]\nx = 1\0\n", "x.ini:2: a zero byte: this is no text file");
    ASSERT_BAD("\x7f"
               "ELF\0\0\0",
               "x.ini:1: a zero byte: this is no text file");
    ASSERT_BAD("[a]\n\0", "x.ini:2: a zero byte: this is no text file");
}

static void test_long_lines(void **state) {
    CLEANUP_FREE char *fits = text_format("[a]\nx = %0*d\ny = 2", 186, 1);
    CLEANUP_FREE char *too_long = text_format("[a]\nx = %0*d\ny = 2", 187, 1);
    CLEANUP_FREE char *indented = text_format("[a]\n%*sx = 1\n", 500, " ");
    CLEANUP(inifile_freep) struct inifile *file = parse(fits);
    CLEANUP(inifile_freep) struct inifile *other = parse(indented);

    (void)state;
    assert_int_equal(strlen(inifile_get(file, "a", "x")), 186);
    assert_entry(file, 1, 3, "a", "y", "2");
    assert_entry(other, 0, 2, "a", "x", "1");
    assert_bad(too_long, strlen(too_long),
               "x.ini:2: the line is too long; at most 190 bytes are read");
}

static void test_long_names(void **state) {
    CLEANUP_FREE char *fits = text_format("[%0*d]\n%0*d = 1\n", 48, 1, 120, 2);
    CLEANUP_FREE char *section = text_format("[%0*d]\nx = 1\n", 49, 1);
    CLEANUP_FREE char *key = text_format("[a]\n%0*d = 1\n", 121, 1);
    CLEANUP(inifile_freep) struct inifile *file = parse(fits);

    (void)state;
    assert_int_equal(strlen(file->entries[0].section), 48);
    assert_int_equal(strlen(file->entries[0].key), 120);
    assert_bad(section, strlen(section),
               "x.ini:1: the section's name is too long; at most 48 bytes");
    assert_bad(key, strlen(key), "x.ini:2: the key is too long; at most 120 bytes");
}

static void test_many_entries(void **state) {
    CLEANUP_FREE char *text = memory_new(1, 200000);
    CLEANUP(inifile_freep) struct inifile *file = NULL;
    size_t length = (size_t)sprintf(text, "[a]\n");

    (void)state;
    for (int i = 0; i < 2000; i++)
        length += (size_t)sprintf(text + length, "key%d = %d\n", i, i);
    file = parse(text);
    assert_int_equal(file->n_entries, 2000);
    assert_entry(file, 1999, 2001, "a", "key1999", "1999");
}

static void test_read(void **state) {
    char path[] = "/tmp/bench-ini.XXXXXX";
    CLEANUP(inifile_freep) struct inifile *file = NULL;
    CLEANUP_FD int fd = mkstemp(path);
    struct error error;

    (void)state;
    assert_int_equal(write(fd, "[a]\nx = 1\n", 10), 10);
    assert_int_equal(inifile_read(&file, path, &error), 0);
    assert_string_equal(file->path, path);
    assert_entry(file, 0, 2, "a", "x", "1");
    assert_int_equal(unlink(path), 0);
}

static void test_read_fails(void **state) {
    char fifo[] = "/tmp/bench-ini.XXXXXX";
    struct inifile *file = NULL;
    struct error error;

    (void)state;
    assert_int_equal(inifile_read(&file, "/nonexistent.ini", &error), -ENOENT);
    assert_string_equal(error.text, "/nonexistent.ini: No such file or directory");
    assert_int_equal(inifile_read(&file, "/tmp", &error), -EINVAL);
    assert_string_equal(error.text, "/tmp: not a regular file");
    assert_int_equal(inifile_read(&file, "/dev/zero", &error), -EINVAL);
    assert_non_null(mkdtemp(fifo));
    assert_int_equal(rmdir(fifo), 0);
    assert_int_equal(mkfifo(fifo, 0600), 0);
    assert_int_equal(inifile_read(&file, fifo, &error), -EINVAL); /* and does not wait */
    assert_int_equal(unlink(fifo), 0);
    assert_null(file);
}

static void test_read_too_large(void **state) {
    char path[] = "/tmp/bench-ini.XXXXXX";
    CLEANUP_FD int fd = mkstemp(path);
    struct inifile *file = NULL;
    struct error error;

    (void)state;
    assert_int_equal(ftruncate(fd, 1024 * 1024 + 1), 0);
    assert_int_equal(inifile_read(&file, path, &error), -EFBIG);
    assert_int_equal(unlink(path), 0);
    assert_null(file);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_entries_and_lines),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_line_ends),
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_indented_is_an_entry),
        cmocka_unit_test(test_continuation_is_an_error),
        cmocka_unit_test(test_added),
        cmocka_unit_test(test_write_words),
        cmocka_unit_test(test_same_key_elsewhere),
        cmocka_unit_test(test_doubled_keys),
        cmocka_unit_test(test_bad_lines),
        cmocka_unit_test(test_binary),
        cmocka_unit_test(test_long_lines),
        cmocka_unit_test(test_long_names),
        cmocka_unit_test(test_many_entries),
        cmocka_unit_test(test_read),
        cmocka_unit_test(test_read_fails),
        cmocka_unit_test(test_read_too_large),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
