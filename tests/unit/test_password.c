/* security/password: secrets that are generated or read, and hashes as mosquitto_passwd makes them.
 */
#include "workshop.h"

#include "base/clock.h"
#include "broker/broker.h"
#include "security/password.h"
#include "security/secret.h"

#include <openssl/evp.h>

#define MOSQUITTO_HASH                                                                             \
    "$7$101$v5SfFHaGo0pNH10l$76ybln4WMxWI5xSq08syo3DTHCO06PjmhN12nCcl2BnTTdPWL6VMz4LMXK4P0/NzW0Me" \
    "dZwclA05HhWMIHjlPg=="

static struct channel channel_with(const char *name, const char *secret) {
    struct channel channel = workshop_channel(name, "password");
    struct error error;

    if (channel_assign(&channel, "password.secret", secret, &error) < 0)
        fail_msg("%s", error.text);
    return channel;
}

static struct issuer new_issuer(void) {
    return (struct issuer){.certs = "/nonexistent",
                           .addresses = "127.0.0.1",
                           .validity_ns = 10 * NS_PER_S,
                           .renew_before_ns = NS_PER_S,
                           .secrets = json_object()};
}

static const char *issued(const struct issuer *issuer, const char *channel) {
    return json_string_value(
        json_object_get(json_object_get(issuer->secrets, "password"), channel));
}

/* ---- hashes ---- */

/* Decodes length bytes of base64 whose padding is given; fails unless all of it is. */
static void decode(const char *text, size_t text_length, unsigned char *ret, int length) {
    unsigned char buffer[128];
    int padding = (3 - length % 3) % 3;

    assert_int_equal(text_length, (size_t)(length + 2) / 3 * 4);
    assert_int_equal(
        EVP_DecodeBlock(buffer, (const unsigned char *)text, (int)text_length) - padding, length);
    memcpy(ret, buffer, (size_t)length);
}

/* Checks "$7$101$SALT$HASH" against a computation of our own from salt and secret. */
static void assert_hash_of(const char *hash, const char *secret) {
    unsigned char salt[12], found[64], expected[64];
    const char *salt_text = hash + 7, *hash_text;

    assert_int_equal(strncmp(hash, "$7$101$", 7), 0);
    hash_text = strchr(salt_text, '$');
    assert_non_null(hash_text++);
    decode(salt_text, (size_t)(hash_text - 1 - salt_text), salt, sizeof(salt));
    decode(hash_text, strlen(hash_text), found, sizeof(found));
    assert_int_equal(PKCS5_PBKDF2_HMAC(secret, -1, salt, sizeof(salt), 101,
                                       EVP_get_digestbyname("sha512"), sizeof(expected), expected),
                     1);
    assert_memory_equal(found, expected, sizeof(expected));
}

static void test_hash(void **state) {
    static const char *const secrets[] = {"s3cret", "", "with blanks and $7$ \"quotes\"",
                                          "\xd2\x9b\xd0\xb0\xd0\xb7\xd0\xb0\xd2\x9b"};
    char first[PASSWORD_HASH_SIZE], second[PASSWORD_HASH_SIZE];

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(secrets); i++) {
        assert_int_equal(password_hash(secrets[i], first, NULL), 0);
        assert_int_equal(password_hash(secrets[i], second, NULL), 0);
        assert_hash_of(first, secrets[i]);
        assert_hash_of(second, secrets[i]);
        assert_string_not_equal(first, second); /* a fresh salt each time */
    }
}

/* A line that mosquitto_passwd 2.0 wrote for User1 with the password 1234 passes the same check, so
 * the format that is checked above is Mosquitto's. */
static void test_hash_of_mosquitto(void **state) {
    (void)state;
    assert_hash_of(MOSQUITTO_HASH, "1234");
}

/* ---- issuing ---- */

static void test_generated(void **state) {
    struct channel first = channel_with("first", "generated");
    struct channel second = channel_with("second", "generated");
    struct issuer issuer = new_issuer();
    CLEANUP_FREE char *old = NULL;

    (void)state;
    assert_int_equal(mechanism_issue(&first, &issuer, NULL), 0);
    assert_int_equal(mechanism_issue(&second, &issuer, NULL), 0);
    assert_int_equal(strlen(issued(&issuer, "first")), 24);
    assert_int_equal(strspn(issued(&issuer, "first"), "0123456789abcdef"), 24);
    assert_string_not_equal(issued(&issuer, "first"), issued(&issuer, "second"));
    old = text_copy(issued(&issuer, "first"));
    assert_int_equal(mechanism_issue(&first, &issuer, NULL), 0);
    assert_string_not_equal(issued(&issuer, "first"), old);
    json_decref(issuer.secrets);
    channel_clear(&first);
    channel_clear(&second);
}

/* What issuing comes to when the secret's file holds this text and has this mode. */
static int issue_file(const char *text, mode_t mode, char **ret_secret, struct error *error) {
    CLEANUP(workshop_removep) char *folder = workshop_make();
    CLEANUP_FREE char *path = text_format("%s/secret", folder);
    CLEANUP_FREE char *place = text_format("file:%s", path);
    struct channel channel = channel_with("c", place);
    struct issuer issuer = new_issuer();
    int r;

    if (text) {
        workshop_put(folder, "secret", text);
        assert_int_equal(chmod(path, mode), 0);
    } else {
        assert_int_equal(mkdir(path, mode), 0);
    }
    r = mechanism_issue(&channel, &issuer, error);
    *ret_secret = text_copy(issued(&issuer, "c"));
    json_decref(issuer.secrets);
    channel_clear(&channel);
    return r;
}

static void test_secret_of_a_file(void **state) {
    static const struct {
        const char *text, *secret;
    } cases[] = {
        {"hunter22\n", "hunter22"},
        {"hunter22", "hunter22"},
        {"\xef\xbb\xbfhunter22\r\n", "hunter22"}, /* as Windows' editor saves it */
        {"two words\r\nsecond line\n", "two words"},
        {" blanks  \n", " blanks  "},
        {"x\n", "x"},
        {"\n", ""},
        {"\xd2\x9b 7 bytes\n", "\xd2\x9b 7 bytes"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP_FREE char *secret = NULL;
        struct error error = {""};

        if (issue_file(cases[i].text, 0600, &secret, &error) != 0)
            fail_msg("%s", error.text);
        assert_string_equal(secret, cases[i].secret);
    }
}

static void assert_file_refused(const char *text, mode_t mode, int code, const char *words) {
    CLEANUP_FREE char *secret = NULL;
    struct error error = {""};

    assert_int_equal(issue_file(text, mode, &secret, &error), code);
    assert_null(secret);
    assert_int_equal(strncmp(error.text, "password.secret: ", 17), 0);
    assert_has(error.text, words);
    assert_has_not(error.text, "hunter2");
}

static void test_files_that_are_refused(void **state) {
    static const mode_t open_modes[] = {0644, 0640, 0660, 0604, 0610, 0601, 0622};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(open_modes); i++)
        assert_file_refused("hunter2\n", open_modes[i], -EACCES,
                            "/secret can be read by others; chmod 600 it");
    assert_file_refused("", 0600, -EINVAL, "/secret holds nothing");
    assert_file_refused("\nhunter2\n", 0600, -EINVAL, "/secret is empty, and others follow");
    assert_file_refused(NULL, 0700, -EINVAL, "/secret is no regular file");
}

static void test_no_file(void **state) {
    struct channel channel = channel_with("c", "file:/nonexistent/secret");
    struct issuer issuer = new_issuer();
    struct error error = {""};

    (void)state;
    assert_int_equal(mechanism_issue(&channel, &issuer, &error), -ENOENT);
    assert_string_equal(error.text,
                        "password.secret: /nonexistent/secret: No such file or directory");
    json_decref(issuer.secrets);
    channel_clear(&channel);
}

/* JSON carries UTF-8 only: such a secret must not silently become an empty one. */
static void test_secret_that_is_not_utf_8(void **state) {
    (void)state;
    assert_file_refused("caf\xe9\n", 0600, -EINVAL, "/secret");
}

/* Nor must one that is too long be cut: the user would think that all of it counts. */
static void test_secret_that_is_too_long(void **state) {
    CLEANUP_FREE char *wide = text_format("%0*d\n", SECRET_MAX_BYTES + 1, 7);

    (void)state;
    assert_file_refused(wide, 0600, -EINVAL, "/secret");
}

static void test_validity(void **state) {
    struct channel channel = channel_with("c", "generated");
    struct issuer issuer = new_issuer();
    struct error error = {""};

    (void)state;
    issuer.renew_before_ns = issuer.validity_ns;
    assert_int_equal(mechanism_issue(&channel, &issuer, &error), -EINVAL);
    assert_has(error.text, "renew_before");
    json_decref(issuer.secrets);
    channel_clear(&channel);
}

/* ---- the broker's file ---- */

static void test_broker_file(void **state) {
    struct channel channel = channel_with("c", "generated");
    CLEANUP(workshop_removep) char *folder = workshop_make();
    json_auto_t *secrets = json_pack("{s:{s:s}}", "password", "c", "s3cret");
    struct bringup bringup = {
        .channel = &channel, .certs = "/c", .folder = folder, .secrets = secrets};
    CLEANUP_FREE char *expected = text_format("password_file %s/passwords\n", folder);
    CLEANUP_FREE char *lines = NULL, *content = NULL, *path = NULL;
    struct stat status;
    size_t size;
    FILE *out = open_memstream(&lines, &size);

    (void)state;
    assert_int_equal(mechanism_password.broker(&bringup, out, NULL), 0);
    assert_int_equal(fclose(out), 0);
    assert_string_equal(lines, expected);
    content = workshop_get(folder, "passwords");
    assert_int_equal(strncmp(content, "User1:", 6), 0);
    assert_int_equal(content[strlen(content) - 1], '\n');
    content[strlen(content) - 1] = '\0';
    assert_hash_of(content + 6, "s3cret");
    path = text_format("%s/passwords", folder);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    bringup.folder = "/nonexistent";
    assert_int_equal(mechanism_password.broker(&bringup, stderr, NULL), -ENOENT);
    channel_clear(&channel);
}

/* Mosquitto takes a line that begins with '#' for a comment: nobody could log in. Another broker
 * may take any. */
static void test_user_names(void **state) {
    static const struct {
        const char *use, *user;
        bool good;
    } cases[] = {{"password", "some one", true},
                 {"password", "a:b", false},
                 {"password", "#1", false},
                 {"external password", "/prod:bench", true},
                 {"external password", "#1", true}};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct channel channel = workshop_channel("c", cases[i].use);

        assert_int_equal(channel_assign(&channel, "password.secret", "file:/x", NULL), 0);
        assert_int_equal(channel_assign(&channel, "password.user", "", NULL), -EINVAL);
        assert_int_equal(channel_assign(&channel, "password.user", cases[i].user, NULL), 0);
        assert_int_equal(broker_check_channel(&channel, NULL), cases[i].good ? 0 : -EINVAL);
        channel_clear(&channel);
    }
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hash),
        cmocka_unit_test(test_hash_of_mosquitto),
        cmocka_unit_test(test_generated),
        cmocka_unit_test(test_secret_of_a_file),
        cmocka_unit_test(test_files_that_are_refused),
        cmocka_unit_test(test_no_file),
        cmocka_unit_test(test_secret_that_is_not_utf_8),
        cmocka_unit_test(test_secret_that_is_too_long),
        cmocka_unit_test(test_validity),
        cmocka_unit_test(test_broker_file),
        cmocka_unit_test(test_user_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
