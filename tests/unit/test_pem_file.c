/* security/pem_file: what users bring in place of PEM, made by the openssl tool. Each is named as
 * what it is; the command that is given for it is executed, and what that makes is taken. */
#include "security/pem_file.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/bench-pem-XXXXXX";

static void shell(const char *command) {
    CLEANUP_FREE char *line =
        text_format("cd %s && umask 077 && { %s; } >log 2>&1 </dev/null", folder, command);

    if (system(line) != 0)
        fail_msg("%s: failed", command);
}

static char *path_of(const char *name) {
    return text_format("%s/%s", folder, name);
}

static const char *const making[] = {
    "openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -x509 -keyout ca.key"
    " -out ca.crt -subj /CN=ca",
    "openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout a.key -out a.csr"
    " -subj /CN=a",
    "openssl x509 -req -in a.csr -CA ca.crt -CAkey ca.key -CAcreateserial -out a.crt",
    "openssl req -newkey rsa:2048 -nodes -x509 -keyout b.key -out b.crt -subj /CN=b",
    "openssl x509 -in a.crt -outform DER -out a.der && openssl pkey -in a.key -outform DER"
    " -out key.der && openssl req -in a.csr -outform DER -out csr.der",
    "openssl pkcs12 -export -passout pass: -in a.crt -inkey a.key -certfile ca.crt -out a.p12",
    "openssl crl2pkcs7 -nocrl -certfile a.crt -out a.p7b",
    "openssl pkcs8 -topk8 -v2 aes256 -passout pass:secret12 -in a.key -out locked.key &&"
    " openssl rsa -traditional -aes128 -passout pass:secret12 -in b.key -out old-locked.key",
    "openssl pkcs8 -topk8 -passout pass:secret12 -in a.key -outform DER -out locked.der",
    "iconv -f UTF-8 -t UTF-16 a.crt >a.utf16 && iconv -f UTF-8 -t UTF-16 a.key >key.utf16",
    "openssl pkey -in a.key -pubout -out a.pub && : >empty && echo hello >text",
    "sed 's/$/\\r/' a.crt >a.crlf && { printf '\\357\\273\\277'; cat a.crt; } >a.bom &&"
    " cat a.crt a.key >both.pem && { echo 'Bag Attributes'; cat a.crt a.key; } >bag.pem",
    "mkdir hashed raw && cp ca.crt hashed && openssl rehash hashed && cp ca.crt raw",
    "printf 'secret12\\n' >right && printf 'secret21\\n' >wrong && cp right open && chmod 644 open",
};

static int set_up(void **state) {
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    for (size_t i = 0; i < ARRAY_SIZE(making); i++)
        shell(making[i]);
    return 0;
}

static int tear_down(void **state) {
    CLEANUP_FREE char *command = text_format("rm -r %s", folder);

    (void)state;
    return system(command);
}

/* ---- one file ---- */

enum wanted { CA, CERTIFICATE, KEY };

/* Loads it beside files that are right. */
static int load(enum wanted wanted, const char *name, const char *passphrase, struct error *error) {
    CLEANUP(SSL_CTX_freep) SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    CLEANUP_FREE char *path = *name == '/' || *name == '~' ? text_copy(name) : path_of(name);
    CLEANUP_FREE char *certificate = path_of("a.crt"), *key = path_of("a.key");
    CLEANUP_FREE char *phrase = *passphrase ? path_of(passphrase) : text_copy("");

    if (wanted == CA)
        return pem_file_load_ca(context, path, error);
    return pem_file_load_pair(context, wanted == CERTIFICATE ? path : certificate,
                              wanted == KEY ? path : key, phrase, error);
}

static void test_taken(void **state) {
    static const struct {
        enum wanted wanted;
        const char *name, *passphrase;
    } rows[] = {
        {CA, "ca.crt", ""},           {CA, "hashed", ""},           {CERTIFICATE, "a.crt", ""},
        {CERTIFICATE, "a.crlf", ""},  {CERTIFICATE, "a.bom", ""},   {CERTIFICATE, "both.pem", ""},
        {CERTIFICATE, "bag.pem", ""}, {KEY, "a.key", ""},           {KEY, "both.pem", ""},
        {KEY, "bag.pem", ""},         {KEY, "locked.key", "right"},
    };
    struct error error = {""};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        if (load(rows[i].wanted, rows[i].name, rows[i].passphrase, &error) != 0)
            fail_msg("%s: %s", rows[i].name, error.text);
}

/* The rest of the message behind ": openssl ..." is a command that makes NEW.pem or NEW.key. */
static void follow(enum wanted wanted, const char *message) {
    const char *command = strstr(message, ": openssl ");
    CLEANUP_FREE char *asking = NULL;
    struct error error = {""};

    if (!command)
        command = strstr(message, ": iconv ");
    if (!command)
        return;
    /* It would ask for the passphrase on the terminal. */
    asking = text_format("%s%s", command + 2,
                         strstr(command, "pkcs12")  ? " -passin pass:"
                         : strstr(command, "pkcs8") ? " -passin pass:secret12"
                                                    : "");
    shell(asking);
    if (load(wanted, strstr(command, "NEW.key") ? "NEW.key" : "NEW.pem", "", &error) != 0)
        fail_msg("%s: what it makes is not taken: %s", command + 2, error.text);
}

static void test_refused(void **state) {
    static const struct {
        enum wanted wanted;
        const char *name, *passphrase, *message; /* with the path for each % */
    } rows[] = {
        {CA, "none", "", "%: No such file or directory"},
        {CA, "~/ca.crt", "", "~/ca.crt: no such file; no shell replaces the ~, write $HOME out"},
        {CA, "empty", "", "% is empty; expected certificates of CAs in PEM"},
        {CA, "text", "", "% is neither PEM nor DER; expected certificates of CAs in PEM"},
        {CA, "raw", "", "%: no certificate in this folder is under the name"},
        {CA, "a.der", "",
         "% is a certificate in DER; expected certificates of CAs in PEM: openssl"},
        {CA, "a.p12", "", "% is a PKCS#12 file; expected certificates of CAs in PEM: openssl"},
        {CA, "a.p7b", "", "% is a PKCS#7 bundle; expected certificates of CAs in PEM: openssl"},
        {CERTIFICATE, "raw", "", "% is a folder; expected a certificate in PEM"},
        {CERTIFICATE, "a.csr", "",
         "% is a certificate request (CSR); expected a certificate in "
         "PEM: the CA makes a certificate of it"},
        {CERTIFICATE, "csr.der", "", "% is a certificate request (CSR) in DER; expected"},
        {CERTIFICATE, "a.der", "", "% is a certificate in DER; expected a certificate in PEM: "},
        {CERTIFICATE, "a.p12", "", "% is a PKCS#12 file; expected a certificate in PEM: openssl"},
        {CERTIFICATE, "a.p7b", "", "% is a PKCS#7 bundle; expected a certificate in PEM: openssl"},
        {CERTIFICATE, "a.key", "",
         "% is a private key; expected a certificate in PEM: are "
         "certificate and key exchanged?"},
        {CERTIFICATE, "a.utf16", "", "% is UTF-16 text; expected a certificate in PEM: iconv"},
        {CERTIFICATE, "/dev/null", "", "/dev/null is no regular file; expected"},
        {KEY, "a.crt", "", "% is a certificate; expected a private key in PEM: are certificate"},
        {KEY, "key.utf16", "", "% is UTF-16 text; expected a private key in PEM"},
        {KEY, "key.der", "", "% is a private key in DER; expected a private key in PEM: openssl"},
        {KEY, "a.p12", "", "% is a PKCS#12 file; expected a private key in PEM: openssl"},
        {KEY, "a.pub", "", "% is a public key; expected a private key in PEM"},
        {KEY, "b.key", "", "% is not the key of the certificate in "},
        {KEY, "ca.key", "", "% is not the key of the certificate in "},
        {KEY, "locked.key", "",
         "% is an encrypted private key; expected a private key in PEM: "
         "set external.key_passphrase = file:PATH"},
        {KEY, "old-locked.key", "", "% is an encrypted private key; expected"},
        {KEY, "locked.der", "", "% is an encrypted private key in DER; expected"},
        {KEY, "locked.key", "wrong", "%: the passphrase in "},
        {KEY, "locked.key", "open", "/open can be read by others; chmod 600 it"},
        {KEY, "locked.key", "empty", "/empty holds nothing"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        CLEANUP_FREE char *path = path_of(rows[i].name);
        bool has_path = *rows[i].message == '%';
        CLEANUP_FREE char *expected =
            text_format("%s%s", has_path ? path : "", rows[i].message + has_path);
        struct error error = {""};

        assert_true(load(rows[i].wanted, rows[i].name, rows[i].passphrase, &error) < 0);
        if (!strstr(error.text, expected))
            fail_msg("got:      %s\nexpected: %s", error.text, expected);
        follow(rows[i].wanted, error.text);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_taken),
        cmocka_unit_test(test_refused),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
