/* OpenSSL 3 calls engines deprecated, and Debian 12 and 13 have nothing else by which its TLS uses
 * a token: its warnings end in this file. */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "security/key_token.h"

#include "base/clock.h"
#include "base/jsonline.h"
#include "base/process.h"
#include "security/pkcs11_module.h"
#include "security/pki_internal.h"
#include "security/secret.h"

#include <ctype.h>
#include <errno.h>
#include <openssl/engine.h>
#include <openssl/rand.h>
#include <string.h>
#include <unistd.h>

#define ENGINE_ID "pkcs11" /* libp11's */
#define SCHEME    "pkcs11:"
#define PIN_BYTES 8                /* random ones, of a PIN of ours */
#define ACT_NS    (120 * NS_PER_S) /* a small token takes its time for a key of RSA */
#define SOFTHSM   "/usr/lib/softhsm/libsofthsm2.so"

void key_token_clear(struct key_token *token) {
    free(token->module);
    free(token->label);
    free(token->pin_file);
    free(token->softhsm);
    *token = (struct key_token){0};
}

struct key_token key_token_own(const char *certs) {
    return (struct key_token){.module = text_copy(SOFTHSM),
                              .label = text_copy(KEY_TOKEN_SOFTHSM),
                              .pin_file = text_format("%s/softhsm/pin", certs),
                              .softhsm = text_format("%s/softhsm", certs)};
}

struct key_token key_token_named(const char *module, const char *label, const char *pin_file) {
    return (struct key_token){
        .module = text_copy(module), .label = text_copy(label), .pin_file = text_copy(pin_file)};
}

/* ---- URIs ---- */

#define UNRESERVED "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/"

/* Puts an attribute behind the URI; nothing when there is no value. */
static void put_attribute(char **uri, const char *separator, const char *name, const char *value) {
    char *escaped;

    if (!value)
        return;
    escaped = text_format("%s=", name);
    for (; *value; value++) {
        CLEANUP_FREE char *piece = strchr(UNRESERVED, *value)
                                       ? text_format("%c", *value)
                                       : text_format("%%%02X", (unsigned char)*value);

        text_append(&escaped, "", piece);
    }
    text_append(uri, separator, escaped);
    free(escaped);
}

/* The attribute's value, the caller's; NULL when it is not there. */
static char *take_attribute(const char *uri, const char *name) {
    size_t length = strlen(name);
    char *value, *end;

    for (uri += strlen(SCHEME); strncmp(uri, name, length) != 0 || uri[length] != '='; uri++) {
        uri += strcspn(uri, ";?&");
        if (!*uri)
            return NULL;
    }
    uri += length + 1;
    value = strndup(uri, strcspn(uri, ";?&"));
    end = value;
    for (const char *c = value; *c; c++) {
        unsigned code;

        if (*c == '%' && isxdigit((unsigned char)c[1]) && isxdigit((unsigned char)c[2]) &&
            sscanf(c + 1, "%2x", &code) == 1 && code) {
            *end++ = (char)code;
            c += 2;
        } else {
            *end++ = *c;
        }
    }
    *end = '\0';
    return value;
}

bool key_token_is_uri(const char *key) {
    return strncmp(key, SCHEME, strlen(SCHEME)) == 0;
}

/* As much of it as the engine takes. */
static char *engine_uri(const struct key_token *token, const char *object) {
    char *uri = text_copy(SCHEME);

    put_attribute(&uri, "", "token", token->label);
    put_attribute(&uri, ";", "object", object);
    put_attribute(&uri, ";", "type", "private");
    return uri;
}

char *key_token_uri(const struct key_token *token, const char *object) {
    CLEANUP_FREE char *pin = text_format("file:%s", token->pin_file);
    char *uri = engine_uri(token, object);

    put_attribute(&uri, "?", "pin-source", pin);
    put_attribute(&uri, "&", "module-path", token->module);
    put_attribute(&uri, "&", "x-softhsm", token->softhsm);
    return uri;
}

bool key_token_parse(const char *uri, struct key_token *ret, char **ret_object) {
    CLEANUP(key_token_clear) struct key_token token = {0};
    CLEANUP_FREE char *object = NULL, *pin = NULL;
    const char *path;

    if (!key_token_is_uri(uri))
        return false;
    object = take_attribute(uri, "object");
    pin = take_attribute(uri, "pin-source");
    path = pin ? secret_path(pin) : NULL;
    token = (struct key_token){.module = take_attribute(uri, "module-path"),
                               .label = take_attribute(uri, "token"),
                               .pin_file = text_copy(path),
                               .softhsm = take_attribute(uri, "x-softhsm")};
    if (!object || !path || !token.module || !token.label)
        return false;
    *ret = token;
    token = (struct key_token){0};
    if (ret_object) {
        *ret_object = object;
        object = NULL;
    }
    return true;
}

/* ---- what it takes ---- */

static bool has_engine(void) {
    const char *given = getenv("OPENSSL_ENGINES"); /* where OpenSSL looks, too */
    const char *folder = given ? given : OPENSSL_info(OPENSSL_INFO_ENGINES_DIR);
    CLEANUP_FREE char *path = text_format("%s/" ENGINE_ID ".so", folder ? folder : "");

    return access(path, R_OK) == 0;
}

int key_token_possible(const char *module, struct error *error) {
    bool softhsm = module || access(SOFTHSM, R_OK) == 0;

    if (softhsm && has_engine())
        return 0;
    return error_set(error, -EOPNOTSUPP,
                     "keys in a token take what is not there: apt-get install "
                     "--no-install-recommends%s%s",
                     softhsm ? "" : " libsofthsm2",
                     has_engine() ? "" : " libengine-pkcs11-openssl");
}

/* Where SoftHSM looks for its tokens is part of a process's environment. */
static void enter(const struct key_token *token) {
    CLEANUP_FREE char *path =
        token->softhsm ? text_format("%s/softhsm2.conf", token->softhsm) : NULL;
    const char *before = getenv("SOFTHSM2_CONF");

    if (path && !text_equal(path, before))
        (void)setenv("SOFTHSM2_CONF", path, 1);
}

/* Logged in with the PIN, which is the caller's. */
static int open_token(const struct key_token *token, struct pkcs11_module **ret, char **ret_pin,
                      struct error *error) {
    CLEANUP(pkcs11_closep) struct pkcs11_module *module = NULL;
    CLEANUP(secret_freep) char *pin = NULL;
    int r = secret_read(token->pin_file, &pin, error);

    if (r < 0)
        return r;
    enter(token);
    r = pkcs11_open(&module, token->module, error);
    if (r < 0)
        return r;
    r = pkcs11_choose(module, token->label, error);
    if (r < 0)
        return r;
    r = pkcs11_log_in(module, pin, error);
    if (r < 0)
        return r;
    *ret = module;
    module = NULL;
    *ret_pin = pin;
    pin = NULL;
    return 0;
}

/* ---- the token of ours ---- */

static int make_pin(const char *path, struct error *error) {
    unsigned char random[PIN_BYTES];
    char digits[2 * PIN_BYTES + 1];
    CLEANUP(secret_freep) char *line = NULL;

    if (access(path, F_OK) == 0)
        return 0;
    if (RAND_bytes(random, sizeof(random)) != 1)
        return error_set(error, -EIO, "no random numbers for a PIN");
    text_hex(digits, random, sizeof(random));
    line = text_format("%s\n", digits);
    OPENSSL_cleanse(random, sizeof(random));
    OPENSSL_cleanse(digits, sizeof(digits));
    return file_replace(path, FILE_PRIVATE, line, error);
}

/* Its folder may have been copied: SoftHSM is told the place where it is now. */
static int write_configuration(const char *folder, struct error *error) {
    CLEANUP_FREE char *whole = realpath(folder, NULL);
    CLEANUP_FREE char *path = text_format("%s/softhsm2.conf", folder);
    CLEANUP_FREE char *text =
        text_format("directories.tokendir = %s/tokens\nobjectstore.backend = file\n"
                    "log.level = ERROR\n",
                    whole ? whole : folder);

    return pki_update(path, text, error);
}

/* Whoever is the token's user is its security officer, too. */
static int ensure_tokens(const struct key_token *token, struct error *error) {
    static const char *const labels[] = {KEY_TOKEN_SOFTHSM, KEY_TOKEN_EMPTY};
    CLEANUP(pkcs11_closep) struct pkcs11_module *module = NULL;
    CLEANUP(secret_freep) char *pin = NULL;
    int r = secret_read(token->pin_file, &pin, error);

    if (r < 0)
        return r;
    enter(token);
    r = pkcs11_open(&module, token->module, error);
    for (size_t i = 0; i < ARRAY_SIZE(labels) && r == 0; i++)
        r = pkcs11_ensure_token(module, labels[i], pin, pin, error);
    return r;
}

static int ensure_own(const struct key_token *token, struct error *error) {
    CLEANUP_FREE char *tokens = NULL;
    int r;

    if (!token->softhsm)
        return 0;
    tokens = text_format("%s/tokens", token->softhsm);
    r = pki_make_folder(token->softhsm, error);
    if (r < 0)
        return r;
    r = pki_make_folder(tokens, error);
    if (r < 0)
        return r;
    r = make_pin(token->pin_file, error);
    if (r < 0)
        return r;
    r = write_configuration(token->softhsm, error);
    if (r < 0)
        return r;
    r = ensure_tokens(token, error);
    return r == -EKEYREJECTED ? error_prefix(error, r, "remove %s to start anew", token->softhsm)
                              : r;
}

/* ---- OpenSSL's engine ---- */

static ENGINE *engine; /* there is one, of one library, until the process ends */
static char *engine_module;

static int start_engine(const char *module, struct error *error) {
    ENGINE *found;

    if (engine)
        return text_equal(engine_module, module)
                   ? 0
                   : error_set(error, -EBUSY, "this process uses the tokens of %s", engine_module);
    found = ENGINE_by_id(ENGINE_ID);
    if (!found)
        return error_set(error, -EOPNOTSUPP, "OpenSSL's engine " ENGINE_ID ": %s",
                         openssl_reason());
    if (ENGINE_ctrl_cmd_string(found, "MODULE_PATH", module, 0) != 1 || ENGINE_init(found) != 1) {
        ENGINE_free(found);
        return error_set(error, -ELIBBAD, "%s: OpenSSL's engine " ENGINE_ID ": %s", module,
                         openssl_reason());
    }
    engine = found;
    engine_module = text_copy(module);
    return 0;
}

/* The module is asked first, which says exactly what is wrong: the engine would ask the user for a
 * PIN, or try a wrong one again. Whoever has initialised the module ends it for all. */
static int look(const struct key_token *token, const char *object, char **ret_pin,
                struct error *error) {
    CLEANUP(pkcs11_closep) struct pkcs11_module *module = NULL;
    int r = open_token(token, &module, ret_pin, error);

    return r < 0 ? r : pkcs11_find_key(module, object, error);
}

int key_token_load(const char *uri, EVP_PKEY **ret, struct error *error) {
    CLEANUP(key_token_clear) struct key_token token = {0};
    CLEANUP(secret_freep) char *pin = NULL;
    CLEANUP_FREE char *object = NULL, *short_uri = NULL;
    EVP_PKEY *key = NULL;
    int r;

    if (!key_token_parse(uri, &token, &object))
        return error_set(error, -EINVAL, "'%s' names no key in a token", uri);
    r = look(&token, object, &pin, error);
    if (r < 0)
        return r;
    r = start_engine(token.module, error);
    if (r < 0)
        return r;
    short_uri = engine_uri(&token, object);
    if (ENGINE_ctrl_cmd_string(engine, "PIN", pin, 0) == 1)
        key = ENGINE_load_private_key(engine, short_uri, NULL, NULL);
    if (!key)
        return error_set(error, -EIO, "token '%s', key '%s': OpenSSL's engine " ENGINE_ID ": %s",
                         token.label, object, openssl_reason());
    ERR_clear_error();
    *ret = key;
    return 0;
}

/* The engine takes the whole file for the PIN, a line's end included, and its path as it is. */
int key_token_broker_lines(const char *uri, const char *folder, FILE *lines, struct error *error) {
    CLEANUP(key_token_clear) struct key_token token = {0};
    CLEANUP(secret_freep) char *pin = NULL;
    CLEANUP_FREE char *object = NULL, *short_uri = NULL;
    CLEANUP_FREE char *path = text_format("%s/token-pin", folder);
    int r;

    if (!key_token_parse(uri, &token, &object))
        return error_set(error, -EINVAL, "'%s' names no key in a token", uri);
    r = secret_read(token.pin_file, &pin, error);
    if (r < 0)
        return r;
    r = file_replace(path, FILE_PRIVATE, pin, error);
    if (r < 0)
        return r;
    short_uri = engine_uri(&token, object);
    fprintf(lines, "tls_engine " ENGINE_ID "\ntls_keyform engine\nkeyfile %s?pin-source=file:%s\n",
            short_uri, path);
    return 0;
}

char *key_token_engine_module(const char *uri) {
    CLEANUP(key_token_clear) struct key_token token = {0};

    return key_token_parse(uri, &token, NULL) ? text_format("PKCS11_MODULE_PATH=%s", token.module)
                                              : NULL;
}

char *key_token_engine_softhsm(const char *uri) {
    CLEANUP(key_token_clear) struct key_token token = {0};

    return key_token_parse(uri, &token, NULL) && token.softhsm
               ? text_format("SOFTHSM2_CONF=%s/softhsm2.conf", token.softhsm)
               : NULL;
}

/* ---- the process of its own ---- */

static int make_and_request(const struct key_token *token, const char *uri, const char *object,
                            const char *const *words, json_t *ret, struct error *error) {
    CLEANUP(EVP_PKEY_freep) EVP_PKEY *key = NULL;
    CLEANUP(pkcs11_closep) struct pkcs11_module *module = NULL;
    CLEANUP(secret_freep) char *pin = NULL;
    CLEANUP_FREE char *pem = NULL;
    int r = ensure_own(token, error);

    if (r < 0)
        return r;
    r = open_token(token, &module, &pin, error);
    if (r < 0)
        return r;
    r = pkcs11_find_key(module, object, error);
    if (r == -ENOKEY)
        r = pkcs11_make_key(module, object, words[0], error);
    if (r < 0)
        return r;
    r = key_token_load(uri, &key, error);
    if (r < 0)
        return r;
    if (!pki_has_key_type(key, words[0]))
        return error_set(error, -EKEYREJECTED, "token '%s': the key '%s' is of type %s, not %s",
                         token->label, object, pki_key_type_of(key), words[0]);
    r = pki_make_request(key, words[1], &pem, error);
    if (r == 0)
        (void)json_object_set_new(ret, "request", json_string(pem));
    return r;
}

static int load_and_sign(const struct key_token *token, const char *uri, const char *object,
                         const char *const *words, json_t *ret, struct error *error) {
    CLEANUP(EVP_PKEY_freep) EVP_PKEY *key = NULL;
    CLEANUP_FREE char *pem = NULL;
    int r = key_token_load(uri, &key, error);

    (void)token;
    (void)object;
    (void)words;
    (void)ret;
    return r < 0 ? r : pki_make_request(key, "signed", &pem, error);
}

static int ask_secrecy(const struct key_token *token, const char *uri, const char *object,
                       const char *const *words, json_t *ret, struct error *error) {
    CLEANUP(pkcs11_closep) struct pkcs11_module *module = NULL;
    CLEANUP(secret_freep) char *pin = NULL;
    int r = open_token(token, &module, &pin, error);

    (void)uri;
    (void)words;
    (void)ret;
    return r < 0 ? r : pkcs11_check_secrecy(module, object, error);
}

static int look_for_token(const struct key_token *token, const char *uri, const char *object,
                          const char *const *words, json_t *ret, struct error *error) {
    CLEANUP(pkcs11_closep) struct pkcs11_module *module = NULL;
    CLEANUP(secret_freep) char *pin = NULL;
    int r = secret_read(token->pin_file, &pin, error);

    (void)uri;
    (void)object;
    (void)words;
    (void)ret;
    if (r < 0)
        return error_prefix(error, r, "certificate.pkcs11_pin");
    r = pkcs11_open(&module, token->module, error);
    if (r < 0)
        return error_prefix(error, r, "certificate.pkcs11_module");
    r = pkcs11_choose(module, token->label, error);
    return r < 0 ? error_prefix(error, r, "certificate.pkcs11_token") : 0;
}

/* Act and URI come first. */
static const struct {
    const char *name;
    size_t n_words;
    int (*obey)(const struct key_token *token, const char *uri, const char *object,
                const char *const *words, json_t *ret, struct error *error);
} acts[] = {
    {"check", 2, look_for_token},
    {"request", 4, make_and_request},
    {"try", 2, load_and_sign},
    {"secrecy", 2, ask_secrecy},
};

int key_token_main(const char *const *words, size_t n) {
    CLEANUP(key_token_clear) struct key_token token = {0};
    CLEANUP_FREE char *object = NULL;
    json_t *answer = json_object();
    struct error error;
    size_t i = 0;
    int r;

    while (n > 1 && i < ARRAY_SIZE(acts) && !text_equal(acts[i].name, words[0]))
        i++;
    if (n < 2 || i == ARRAY_SIZE(acts) || acts[i].n_words != n ||
        !key_token_parse(words[1], &token, &object)) {
        json_decref(answer);
        return 2;
    }
    r = acts[i].obey(&token, words[1], object, words + 2, answer, &error);
    if (r < 0)
        (void)json_object_set_new(answer, "error", jsonline_words(error.text));
    (void)json_object_set_new(answer, "code", json_integer(r));
    (void)!write(STDOUT_FILENO, "\n", 1); /* whatever a library has said stands on other lines */
    (void)jsonline_send(STDOUT_FILENO, answer, NULL);
    /* Without farewells: engine and module each end what the other still has. */
    _exit(0);
}

/* The answer is the last line that begins as one: a library's own words may stand before it. */
static int in_process(const char *const *words, json_t **ret, struct error *error) {
    CLEANUP_FREE char *program = process_own_path(), *said = NULL;
    const char *argv[] = {program, "token", words[0], words[1], words[2], words[3], NULL};
    json_auto_t *answer = NULL;
    const char *line = NULL;
    int r = process_run(argv, NULL, ACT_NS, &said, error);

    if (r < 0)
        return error_prefix(error, r, "bench token");
    for (const char *next = said; (next = strstr(next, "\n{")); next++)
        line = next;
    answer = line ? json_loads(line, JSON_DISABLE_EOF_CHECK, NULL) : NULL;
    if (!answer)
        return error_set(error, -EIO, "the library of the token has ended the process: %.200s",
                         said);
    r = (int)jsonline_integer(answer, "code", -EIO);
    if (r < 0)
        return error_set(error, r, "%s", jsonline_text(answer, "error", "?"));
    if (ret) {
        *ret = answer;
        answer = NULL;
    }
    return 0;
}

int key_token_request(const char *uri, const char *key_type, const char *common_name,
                      char **ret_pem, struct error *error) {
    const char *words[] = {"request", uri, key_type, common_name};
    json_auto_t *answer = NULL;
    int r = in_process(words, &answer, error);

    if (r == 0)
        *ret_pem = text_copy(jsonline_text(answer, "request", ""));
    return r;
}

int key_token_try(const char *uri, struct error *error) {
    const char *words[] = {"try", uri, NULL, NULL};

    return in_process(words, NULL, error);
}

int key_token_check(const struct key_token *token, struct error *error) {
    CLEANUP_FREE char *uri = key_token_uri(token, "");
    const char *words[] = {"check", uri, NULL, NULL};

    return in_process(words, NULL, error);
}

int key_token_check_secrecy(const char *uri, struct error *error) {
    const char *words[] = {"secrecy", uri, NULL, NULL};

    return in_process(words, NULL, error);
}
