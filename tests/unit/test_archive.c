/* archive and import: what is unpacked, what is refused, what stays behind. */
#include "analysis/import.h"
#include "base/archive.h"

#include "workshop.h"

#include <archive.h>
#include <archive_entry.h>
#include <dirent.h>

/* A member of an archive that a test makes. */
struct member {
    const char *name, *text;
    mode_t type;
    const char *link;
};

#define IS_FILE(name, text)                                                                        \
    { name, text, AE_IFREG, NULL }
#define OTHER(name, type, link)                                                                    \
    { name, NULL, type, link }

#define RUN(folder)                                                                                \
    IS_FILE(folder "scenario.ini", "[scenario]\n"), IS_FILE(folder "definitions.csv", "probe\n"),  \
        IS_FILE(folder "trials.csv", "trial\n1\n"), IS_FILE(folder "metrics.csv", "metric\n")

static void put_member(struct archive *archive, const struct member *member) {
    struct archive_entry *entry = archive_entry_new();
    size_t length = member->text ? strlen(member->text) : 0;

    archive_entry_set_pathname(entry, member->name);
    archive_entry_set_filetype(entry, member->type);
    archive_entry_set_perm(entry, 0);
    archive_entry_set_size(entry, (la_int64_t)length);
    if (member->link && member->type == AE_IFLNK)
        archive_entry_set_symlink(entry, member->link);
    else if (member->link)
        archive_entry_set_hardlink(entry, member->link);
    assert_true(archive_write_header(archive, entry) >= ARCHIVE_WARN); /* of names in UTF-8 */
    if (length)
        assert_int_equal(archive_write_data(archive, member->text, length), (int)length);
    archive_entry_free(entry);
}

/* Writes an archive of the folder, of the kind that its name says; its path is the caller's. */
static char *make(const char *folder, const char *name, const struct member *members, size_t n) {
    char *path = text_format("%s/%s", folder, name);
    struct archive *archive = archive_write_new();

    if (strstr(name, ".zip"))
        assert_int_equal(archive_write_set_format_zip(archive), ARCHIVE_OK);
    else
        assert_int_equal(archive_write_set_format_pax_restricted(archive), ARCHIVE_OK);
    if (strstr(name, "gz"))
        assert_int_equal(archive_write_add_filter_gzip(archive), ARCHIVE_OK);
    else if (strstr(name, "xz"))
        assert_int_equal(archive_write_add_filter_xz(archive), ARCHIVE_OK);
    assert_int_equal(archive_write_open_filename(archive, path), ARCHIVE_OK);
    for (size_t i = 0; i < n; i++)
        put_member(archive, &members[i]);
    assert_int_equal(archive_write_close(archive), ARCHIVE_OK);
    assert_int_equal(archive_write_free(archive), ARCHIVE_OK);
    return path;
}

static size_t count_entries(const char *folder) {
    DIR *directory = opendir(folder);
    size_t n = 0;

    assert_non_null(directory);
    while (readdir(directory))
        n++;
    assert_int_equal(closedir(directory), 0);
    return n - 2;
}

static const char *const kinds[] = {"run.zip", "run.tar", "run.tar.gz", "run.tgz", "run.tar.xz"};

/* Imports an archive of the shop into its folder "results". */
static int import(const char *shop, const char *archive, char **ret_folder, bool *ret_known,
                  struct error *error) {
    CLEANUP_FREE char *results = text_format("%s/results", shop);

    return import_run(archive, results, &ARCHIVE_LIMITS, ret_folder, ret_known, error);
}

static void test_every_kind(void **state) {
    static const struct member in_folder[] = {RUN("quick-1/"),
                                              OTHER("quick-1/log/", AE_IFDIR, NULL),
                                              IS_FILE("quick-1/log/\xd2\x9b.log", "words")};
    static const struct member deep[] = {RUN("./results/quick-1/")};
    static const struct member flat[] = {RUN(""), IS_FILE("log/b.log", "words")};
    static const struct {
        const struct member *members;
        size_t n;
        const char *name;
    } cases[] = {{in_folder, ARRAY_SIZE(in_folder), "quick-1"},
                 {deep, ARRAY_SIZE(deep), "quick-1"},
                 {flat, ARRAY_SIZE(flat), "run"}};

    (void)state;
    for (size_t k = 0; k < ARRAY_SIZE(kinds); k++)
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
            CLEANUP(workshop_removep) char *shop = workshop_make();
            CLEANUP_FREE char *path = make(shop, kinds[k], cases[i].members, cases[i].n);
            CLEANUP_FREE char *folder = NULL, *text = NULL, *log = NULL, *results = NULL;
            struct error error = {""};
            bool known = true;

            if (import(shop, path, &folder, &known, &error) < 0)
                fail_msg("%s", error.text);
            assert_false(known);
            assert_string_equal(strrchr(folder, '/') + 1, cases[i].name);
            text = workshop_get(folder, "trials.csv");
            assert_string_equal(text, "trial\n1\n");
            if (i != 1) {
                log = workshop_get(folder, i ? "log/b.log" : "log/\xd2\x9b.log");
                assert_string_equal(log, "words");
            }
            results = text_format("%s/results", shop);
            assert_int_equal(count_entries(results), 1);
        }
}

/* What file managers add is no run beside the run. */
static void test_clutter(void **state) {
    static const struct member members[] = {
        OTHER("__MACOSX/", AE_IFDIR, NULL), IS_FILE("__MACOSX/quick-1/._trials.csv", "x"),
        IS_FILE("._quick-1", "x"), RUN("quick-1/"), IS_FILE("quick-1/.DS_Store", "x")};
    CLEANUP(workshop_removep) char *shop = workshop_make();
    CLEANUP_FREE char *path = make(shop, "run.zip", members, ARRAY_SIZE(members)), *folder = NULL;
    struct error error = {""};
    bool known;

    (void)state;
    if (import(shop, path, &folder, &known, &error) < 0)
        fail_msg("%s", error.text);
    assert_int_equal(count_entries(folder), 4);
}

/* Fails with these words, and leaves nothing in results. */
static void refused(const char *shop, const char *path, int code, const char *words) {
    CLEANUP_FREE char *results = text_format("%s/results", shop), *folder = NULL;
    struct error error = {""};
    bool known;
    int r = import(shop, path, &folder, &known, &error);

    assert_has(error.text, words);
    assert_has(error.text, strrchr(path, '/') + 1);
    assert_int_equal(r, code);
    assert_null(folder);
    assert_int_equal(count_entries(results), 0);
}

static void test_hostile_members(void **state) {
    static const struct {
        struct member member;
        const char *words;
        bool zip; /* can be in a zip, too */
    } cases[] = {
        {IS_FILE("/tmp/bench-evil", "x"), "member '/tmp/bench-evil' has an absolute path", true},
        {IS_FILE("quick-1/../../evil", "x"), "member 'quick-1/../../evil' leads out", true},
        {OTHER("..", AE_IFDIR, NULL), "leads out", true},
        {OTHER("quick-1/link", AE_IFLNK, "/etc"), "member 'quick-1/link' is a link", true},
        {OTHER("quick-1/hard", AE_IFREG, "/etc/passwd"), "'quick-1/hard' is a link", false},
        {OTHER("quick-1/pipe", AE_IFIFO, NULL), "'quick-1/pipe' is neither a file nor", false},
        {OTHER("quick-1/tty", AE_IFCHR, NULL), "'quick-1/tty' is neither a file nor", false},
        {IS_FILE("quick-1/trials.csv", "x"), "member 'quick-1/trials.csv' is there twice", true},
        {IS_FILE("quick-1/trials.csv/x", "x"), "member 'quick-1/trials.csv/x' is there twice",
         true},
        {OTHER("quick-1/\033[31m", AE_IFIFO, NULL), "member 'quick-1/?[31m' is neither", false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        for (size_t k = cases[i].zip ? 0 : 1; k < ARRAY_SIZE(kinds); k++) {
            const struct member members[] = {RUN("quick-1/"), cases[i].member};
            CLEANUP(workshop_removep) char *shop = workshop_make();
            CLEANUP_FREE char *path = make(shop, kinds[k], members, ARRAY_SIZE(members));

            refused(shop, path, -EBADMSG, cases[i].words);
        }
    assert_int_equal(access("/tmp/bench-evil", F_OK), -1);
}

static void test_limits(void **state) {
    static const struct member members[] = {RUN("quick-1/")};
    static const struct archive_limits limits[] = {{3, 1000}, {4, 20}};

    (void)state;
    for (size_t k = 0; k < ARRAY_SIZE(kinds); k++)
        for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
            CLEANUP(workshop_removep) char *shop = workshop_make();
            CLEANUP_FREE char *path = make(shop, kinds[k], members, ARRAY_SIZE(members));
            CLEANUP_FREE char *folder = NULL;
            struct error error = {""};
            bool known;

            assert_int_equal(import_run(path, shop, &limits[i], &folder, &known, &error), -E2BIG);
            assert_has(error.text, "more files or bytes");
            assert_int_equal(count_entries(shop), 1); /* the archive itself */
        }
}

/* An archive that ends anywhere but at its end never makes a run, whatever is in the part. */
static void test_cut_off(void **state) {
    static const struct member members[] = {RUN("quick-1/"),
                                            IS_FILE("quick-1/telemetry.csv", "late\n")};

    (void)state;
    for (size_t k = 0; k < ARRAY_SIZE(kinds); k++) {
        CLEANUP(workshop_removep) char *shop = workshop_make();
        CLEANUP_FREE char *path = make(shop, kinds[k], members, ARRAY_SIZE(members));
        struct stat status;
        off_t step, end;

        assert_int_equal(stat(path, &status), 0);
        /* What follows the end of the last member of a tar are zeroes, however many. */
        end = strstr(kinds[k], ".tar") && !strstr(kinds[k], ".tar.") ? 10 * 512 : status.st_size;
        step = end > 2000 ? 256 : 7;
        for (off_t size = (end - 1) / step * step; size >= 0; size -= step) {
            assert_int_equal(truncate(path, size), 0);
            refused(shop, path, -EBADMSG, "");
        }
    }
}

static void test_no_archive(void **state) {
    CLEANUP(workshop_removep) char *shop = workshop_make();
    CLEANUP_FREE char *path = text_format("%s/run.zip", shop);

    (void)state;
    workshop_put(shop, "run.zip", "");
    refused(shop, path, -EBADMSG, "not a run folder, and no archive");
    workshop_put(shop, "run.zip", "trial,attempt\n1,1\n");
    refused(shop, path, -EBADMSG, "not a run folder, and no archive");
    assert_int_equal(unlink(path), 0);
    refused(shop, path, -ENOENT, "No such file");
}

static void test_no_run(void **state) {
    static const struct member other[] = {IS_FILE("a/readme", "x"), IS_FILE("b/readme", "x")};
    static const struct member two[] = {RUN("quick-1/"), IS_FILE("quick-2/trials.csv", "x")};
    static const struct member half[] = {IS_FILE("quick-1/scenario.ini", "x"),
                                         IS_FILE("quick-1/trials.csv", "x")};
    CLEANUP(workshop_removep) char *shop = workshop_make();
    CLEANUP_FREE char *a = make(shop, "a.zip", other, 2), *c = make(shop, "c.tar", half, 2);
    CLEANUP_FREE char *b = make(shop, "b.tgz", two, ARRAY_SIZE(two));
    CLEANUP_FREE char *d = make(shop, "d.tar", NULL, 0);

    (void)state;
    refused(shop, a, -EBADMSG, "no run is in it");
    refused(shop, b, -EBADMSG, "no run is in it");
    refused(shop, c, -EBADMSG, "the run in it has no definitions.csv");
    refused(shop, d, -EBADMSG, "");
}

static void test_already_there(void **state) {
    static const struct member members[] = {RUN("quick-1/")};
    CLEANUP(workshop_removep) char *shop = workshop_make();
    CLEANUP_FREE char *path = make(shop, "run.zip", members, ARRAY_SIZE(members));
    CLEANUP_FREE char *folder = NULL, *again = NULL, *third = NULL, *text = NULL;
    struct error error = {""};
    bool known;

    (void)state;
    assert_int_equal(import(shop, path, &folder, &known, &error), 0);
    workshop_put(folder, "table.txt", "mine");
    assert_int_equal(import(shop, path, &again, &known, &error), 0);
    assert_true(known);
    assert_string_equal(again, folder);
    text = workshop_get(folder, "table.txt");
    assert_string_equal(text, "mine");
    workshop_put(folder, "trials.csv", "trial\n1");
    assert_int_equal(import(shop, path, &third, &known, &error), -EEXIST);
    assert_has(error.text, "a different run is in ");
    assert_has(error.text, "--output");
    assert_int_equal(count_entries(folder), 5);
}

static void test_names(void **state) {
    static const char *const names[][2] = {
        {"/a.b/quick-1.zip", "quick-1"}, {"quick-1.TAR.GZ", "quick-1"},
        {"quick-1.tgz", "quick-1"},      {"v0.1.txz", "v0.1"},
        {"quick-1", "quick-1"},          {".zip", ".zip"}};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        CLEANUP_FREE char *name = import_name(names[i][0]);

        assert_string_equal(name, names[i][1]);
    }
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_kind),      cmocka_unit_test(test_clutter),
        cmocka_unit_test(test_hostile_members), cmocka_unit_test(test_limits),
        cmocka_unit_test(test_cut_off),         cmocka_unit_test(test_no_archive),
        cmocka_unit_test(test_no_run),          cmocka_unit_test(test_already_there),
        cmocka_unit_test(test_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
