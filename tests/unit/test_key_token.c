/* security/key_token and pkcs11_module: names of keys, and a token of SoftHSM in which one is made,
 * found, used, and not to be had. */
#include "emulator.h"
#include "workshop.h"

#include "base/clock.h"
#include "security/key_proofs.h"
#include "security/key_token.h"
#include "security/pkcs11_module.h"
#include "security/pki_internal.h"
#include "security/tls.h"

#define PIN "0123456789"

static char *folder;
static struct key_token token;

static int make_token(void **state) {
    CLEANUP_FREE char *text = NULL, *path = NULL;
    struct error error;

    (void)state;
    folder = workshop_make();
    token = key_token_own(folder);
    if (key_token_possible(NULL, &error) < 0)
        return 0;
    text = text_format("directories.tokendir = %s/softhsm/tokens\n", folder);
    workshop_put(folder, "softhsm/softhsm2.conf", text);
    path = text_format("%s/softhsm/tokens", folder);
    assert_int_equal(mkdir(path, 0700), 0);
    workshop_put(folder, "softhsm/pin", PIN "\n");
    assert_int_equal(chmod(token.pin_file, 0600), 0);
    path[strlen(path) - strlen("/tokens")] = '\0';
    text_append(&path, "", "/softhsm2.conf");
    assert_int_equal(setenv("SOFTHSM2_CONF", path, 1), 0);
    return 0;
}

static int remove_token(void **state) {
    (void)state;
    key_token_clear(&token);
    workshop_remove(folder);
    return 0;
}

/* Also where the packages are not installed: nothing could be shown. */
static void need_softhsm(void) {
    struct error error;

    if (key_token_possible(NULL, &error) == 0)
        return;
    (void)printf("# skip: %s\n", error.text);
    (void)fflush(stdout);
    skip();
}

static struct pkcs11_module *open_module(void) {
    struct pkcs11_module *module = NULL;
    struct error error;

    if (pkcs11_open(&module, token.module, &error) < 0 ||
        pkcs11_ensure_token(module, token.label, PIN, PIN, &error) < 0 ||
        pkcs11_choose(module, token.label, &error) < 0)
        fail_msg("%s", error.text);
    return module;
}

static void assert_says(const struct error *error, const char *words) {
    if (!strstr(error->text, words))
        fail_msg("'%s' does not say '%s'", error->text, words);
}

/* ---- names ---- */

static void test_names(void **state) {
    static const char *const texts[] = {"bench", "Smart Card; (User?&=%) \xc3\xa4", "a/b"};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        struct key_token one = {(char *)(uintptr_t) "/usr/lib/a module.so",
                                (char *)(uintptr_t)texts[i], (char *)(uintptr_t) "/p/pin%41",
                                i ? NULL : (char *)(uintptr_t) "/c s/softhsm"};
        CLEANUP(key_token_clear) struct key_token read = {0};
        CLEANUP_FREE char *uri = key_token_uri(&one, texts[i]), *object = NULL;

        assert_true(key_token_is_uri(uri));
        assert_null(strpbrk(uri, " ()\xc3"));
        assert_true(key_token_parse(uri, &read, &object));
        assert_string_equal(object, texts[i]);
        assert_string_equal(read.label, one.label);
        assert_string_equal(read.module, one.module);
        assert_string_equal(read.pin_file, one.pin_file);
        assert_true(text_equal(read.softhsm, one.softhsm));
    }
}

static void test_no_names(void **state) {
    static const char *const wrong[] = {
        "/certs/client1/client1.key",
        "pkcs11:",
        "pkcs11:token=a;object=b",
        "pkcs11:token=a;object=b?pin-value=1234&module-path=/m",
        "pkcs11:token=a;object=b?pin-source=/p&module-path=/m",
        "pkcs11:token=a?pin-source=file:/p&module-path=/m",
    };
    struct key_token read;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
        assert_false(key_token_parse(wrong[i], &read, NULL));
    assert_false(key_token_is_uri(wrong[0]));
}

/* ---- the token ---- */

static void test_no_module(void **state) {
    struct pkcs11_module *module = NULL;
    struct error error;

    (void)state;
    assert_int_equal(pkcs11_open(&module, "/nowhere/module.so", &error), -ENOENT);
    assert_says(&error, "/nowhere/module.so");
    assert_int_equal(pkcs11_open(&module, "libm.so.6", &error), -ELIBBAD);
    assert_says(&error, "libm.so.6 is no PKCS#11 module");
}

static void test_token(void **state) {
    CLEANUP(pkcs11_closep) struct pkcs11_module *module = NULL;
    struct error error;

    (void)state;
    need_softhsm();
    module = open_module();
    assert_int_equal(pkcs11_ensure_token(module, token.label, PIN, PIN, &error), 0); /* stays */
    assert_int_equal(pkcs11_choose(module, "other", &error), -ENODEV);
    assert_says(&error, "no token 'other'");
    assert_says(&error, "there are: '" KEY_TOKEN_SOFTHSM "'");
    assert_int_equal(pkcs11_log_in(module, "wrong", &error), -EKEYREJECTED);
    assert_says(&error, "CKR_PIN_INCORRECT");
    assert_int_equal(pkcs11_log_in(module, PIN, &error), 0);
    assert_int_equal(pkcs11_find_key(module, "nobody", &error), -ENOKEY);
    assert_says(&error, "no private key 'nobody'");
    assert_int_equal(pkcs11_make_key(module, "nobody", "ed25519", &error), -EOPNOTSUPP);
}

/* Signs with the token's key, and verifies with what the certificate would have of it. */
static void try_key(const char *uri, const char *key_type) {
    CLEANUP(EVP_PKEY_freep) EVP_PKEY *key = NULL;
    CLEANUP(X509_REQ_freep) X509_REQ *request = NULL;
    CLEANUP_FREE char *pem = NULL;
    struct error error;

    if (key_token_load(uri, &key, &error) < 0 || pki_make_request(key, "client1", &pem, &error) < 0)
        fail_msg("%s: %s", key_type, error.text);
    assert_true(pki_has_key_type(key, key_type));
    request = pki_parse_request(pem);
    assert_non_null(request);
    assert_true(pki_request_is_for(request, "client1"));
}

static const char *const key_types[] = {"ec:P-256", "rsa:2048"};

static void make_keys(void) {
    CLEANUP(pkcs11_closep) struct pkcs11_module *module = open_module();
    struct error error;

    assert_int_equal(pkcs11_log_in(module, PIN, &error), 0);
    for (size_t i = 0; i < ARRAY_SIZE(key_types); i++) {
        assert_true(pkcs11_has_key_type(key_types[i]));
        assert_int_equal(pkcs11_find_key(module, key_types[i], &error), -ENOKEY);
        if (pkcs11_make_key(module, key_types[i], key_types[i], &error) < 0)
            fail_msg("%s", error.text);
        assert_int_equal(pkcs11_check_secrecy(module, key_types[i], &error), 0);
    }
}

static void test_keys(void **state) {
    CLEANUP_FREE char *none = key_token_uri(&token, "nobody");
    EVP_PKEY *key = NULL;
    struct error error;

    (void)state;
    need_softhsm();
    make_keys();
    for (size_t i = 0; i < ARRAY_SIZE(key_types); i++) {
        CLEANUP_FREE char *uri = key_token_uri(&token, key_types[i]);

        try_key(uri, key_types[i]);
    }
    assert_int_equal(key_token_load(none, &key, &error), -ENOKEY);
}

/* The file with the PIN is the user's alone. */
static void test_open_pin(void **state) {
    CLEANUP_FREE char *uri = key_token_uri(&token, "ec:P-256");
    EVP_PKEY *none = NULL;
    struct error error;

    (void)state;
    need_softhsm();
    assert_int_equal(chmod(token.pin_file, 0644), 0);
    assert_int_equal(key_token_load(uri, &none, &error), -EACCES);
    assert_says(&error, "chmod 600");
    assert_int_equal(chmod(token.pin_file, 0600), 0);
}

/* ---- the proof that no file has the key ---- */

/* Keys of the parties in files, as the proof must find them. */
static void make_files(void) {
    struct pki_options options = {.folder = folder,
                                  .chain = {.key_type = PKI_DEFAULT_KEY_TYPE},
                                  .validity_ns = 90 * DAY_S * NS_PER_S,
                                  .renew_before_ns = DAY_S * NS_PER_S,
                                  .passphrase = pki_passphrase,
                                  .context = &(struct pki_passphrase_source){folder, false}};
    struct error error;
    unsigned issued;

    assert_int_equal(pki_ensure(&options, &issued, &error), 0);
}

/* Of the host of that holder, whose certificate is that of a key in a token. */
static void assert_search(const char *holder, const char *observed, const char *cause) {
    bool at_broker = text_equal(holder, "broker"), found_none = text_equal(observed, "no key");
    struct channel channel = workshop_channel("c", "tls certificate");
    const struct bringup bringup = {.channel = &channel, .certs = folder};
    const struct proof_setup setup = {.bringup = &bringup, .at_broker = at_broker};
    CLEANUP_FREE char *path = text_format("%s/%s.crt", holder, holder);
    CLEANUP_FREE char *pem = workshop_get(folder, path), *store = NULL;
    struct proof_seen seen = {.held = !found_none};
    struct error error = {""};

    assert_int_equal(channel_assign(&channel, at_broker ? "tls.key_store" : "certificate.key_store",
                                    "pkcs11", &error),
                     0);
    store = tls_store(&channel, folder);
    assert_true(mkdir(store, 0700) == 0 || errno == EEXIST);
    workshop_put(store, path, pem);
    if (key_proof_no_file(&setup, &seen, &error) < 0)
        fail_msg("%s", error.text);
    assert_string_equal(seen.observed, observed);
    assert_has(seen.cause, cause);
    assert_int_equal(seen.held, found_none);
    channel_clear(&channel);
}

static void put_der(const char *name, const char *pem) {
    CLEANUP_FREE char *path = text_format("%s/%s", folder, name);
    CLEANUP(EVP_PKEY_freep) EVP_PKEY *key = pki_parse_key(pem, NULL, NULL);
    CLEANUP(fclosep) FILE *file = fopen(path, "we");

    assert_non_null(file);
    assert_int_equal(i2d_PrivateKey_fp(file, key), 1);
}

/* Under another name, in DER, and behind another key. */
static void test_found(void **state) {
    CLEANUP_FREE char *path = text_format("%s/client2/client2.key", folder);
    CLEANUP_FREE char *notes = text_format("%s/proof/notes.txt", folder);
    CLEANUP_FREE char *pem = NULL, *other = NULL, *both = NULL;

    (void)state;
    if (sizeof(long) == 4 && under_emulator("qemu-user hands on no names of a folder's files"))
        skip();
    make_files();
    assert_search("client2", "a key", path);
    assert_search("broker", "a key", "/broker/broker.key");
    pem = workshop_get(folder, "client2/client2.key");
    other = workshop_get(folder, "client1/client1.key");
    assert_int_equal(unlink(path), 0);
    put_der("proof/notes.txt", pem);
    assert_search("client2", "a key", notes);
    both = text_format("%s\n%s", other, pem);
    workshop_put(folder, "proof/notes.txt", both);
    assert_search("client2", "a key", notes);
    assert_int_equal(unlink(notes), 0);
    assert_search("client2", "no key", " files searched");
}

/* What nobody has read is told, and shows nothing; a link is what it leads to. */
static void test_unread(void **state) {
    CLEANUP_FREE char *path = text_format("%s/client2/client2.key", folder);
    CLEANUP_FREE char *link = text_format("%s/proof/notes.txt", folder);
    CLEANUP_FREE char *elsewhere = workshop_make();
    CLEANUP_FREE char *moved = text_format("%s/key", elsewhere);

    (void)state;
    if (sizeof(long) == 4 && under_emulator("qemu-user hands on no names of a folder's files"))
        skip();
    make_files();
    assert_int_equal(rename(path, moved), 0);
    assert_int_equal(symlink(moved, link), 0);
    assert_search("client2", "a key", link);
    assert_int_equal(unlink(moved), 0);
    assert_search("client2", "no key", " files searched");
    assert_int_equal(unlink(link), 0);
    workshop_put(folder, "proof/notes.txt", "");
    assert_int_equal(truncate(link, 32 << 20), 0);
    assert_search("client2", "no key in those that could be read", "1 of");
    assert_search("client2", "no key in those that could be read", link);
    assert_int_equal(unlink(link), 0);
    assert_int_equal(rmdir(elsewhere), 0);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),     cmocka_unit_test(test_no_names),
        cmocka_unit_test(test_no_module), cmocka_unit_test(test_token),
        cmocka_unit_test(test_keys),      cmocka_unit_test(test_open_pin),
        cmocka_unit_test(test_found),     cmocka_unit_test(test_unread),
    };

    return cmocka_run_group_tests(tests, make_token, remove_token);
}
