#include "security/pki_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/ui.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define VARIABLE        "BENCH_CA_PASSPHRASE"
#define SHORTEST        4   /* what OpenSSL's own tools demand */
#define LONGEST         500 /* OpenSSL asks for it into a buffer of 1024 bytes */
#define GENERATED_BYTES 16
#define UI_INTERRUPTED  (-2) /* what UI_process(3) returns then */

static int check_length(const char *passphrase, const char *origin, struct error *error) {
    size_t length = strlen(passphrase);

    if (length < SHORTEST)
        return error_set(error, -EINVAL, "%s: the passphrase is shorter than %d characters", origin,
                         SHORTEST);
    if (length > LONGEST)
        return error_set(error, -EINVAL, "%s: the passphrase is longer than %d bytes", origin,
                         LONGEST);
    return 0;
}

/* ---- the file ---- */

/* *ret stays NULL when there is no such file. */
static int read_passphrase(const char *path, char **ret, struct error *error) {
    CLEANUP(pki_secret_freep) char *text = NULL;
    int r = pki_read(path, &text, error);

    if (r < 0 || !text)
        return r;
    r = file_check_private(path, error);
    if (r < 0)
        return r;
    text[strcspn(text, "\r\n")] = '\0';
    r = check_length(text, path, error);
    if (r < 0)
        return r;
    *ret = text;
    text = NULL;
    return 0;
}

static int generate_passphrase(const char *folder, const char *path, char **ret,
                               struct error *error) {
    unsigned char bytes[GENERATED_BYTES];
    CLEANUP(pki_secret_freep) char *text = memory_new(2 * GENERATED_BYTES + 2, 1);
    CLEANUP_FREE char *ca_folder = text_format("%s/ca", folder);
    int r = pki_make_folder(ca_folder, error);

    if (r < 0)
        return r;
    if (RAND_priv_bytes(bytes, sizeof(bytes)) != 1)
        return pki_openssl_error(error, "making a passphrase");
    text_hex(text, bytes, sizeof(bytes));
    OPENSSL_cleanse(bytes, sizeof(bytes));
    text[sizeof(bytes) * 2] = '\n';
    r = file_replace(path, FILE_PRIVATE, text, error);
    if (r < 0)
        return r;
    text[sizeof(bytes) * 2] = '\0';
    *ret = text;
    text = NULL;
    return 0;
}

/* ---- the terminal ---- */

static bool have_terminal(void) {
    CLEANUP_FD int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);

    return fd >= 0;
}

/* UI_UTIL_read_pw_string(), with Ctrl-C: a run looks for its signals elsewhere, but not while it
 * waits here. SIGTERM is not let through: OpenSSL would swallow it. */
static int ask(char *answer, int size, const char *question) {
    sigset_t interrupt, before;
    int r;

    (void)sigemptyset(&interrupt);
    (void)sigaddset(&interrupt, SIGINT);
    (void)pthread_sigmask(SIG_UNBLOCK, &interrupt, &before);
    r = UI_UTIL_read_pw_string(answer, size, question, 0);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return r;
}

/* One question on /dev/tty without echo (OpenSSL's UI: it puts the echo back when a signal comes),
 * asked twice when creating. *ret stays NULL when a new passphrase is left empty. */
static int prompt(bool creating, char **ret, struct error *error) {
    static const char *const question[] = {
        "Passphrase of the CA's key: ",
        "New passphrase for the CA's key (empty: one is made up and kept in a file): ",
    };
    char answer[LONGEST + 2] = "", again[LONGEST + 2] = "";
    int r = ask(answer, sizeof(answer), question[creating]);

    if (r == 0 && creating && *answer)
        r = ask(again, sizeof(again), "The same again: ");
    if (r == UI_INTERRUPTED)
        r = error_set(error, -EINTR, "interrupted");
    else if (r != 0)
        r = error_set(error, -ECANCELED, "no passphrase was given, or a far too long one");
    else if (creating && !*answer)
        r = 0;
    else if (creating && strcmp(answer, again) != 0)
        r = error_set(error, -EINVAL, "the two passphrases differ");
    else
        r = check_length(answer, "/dev/tty", error);
    ERR_clear_error();
    if (r == 0 && *answer)
        *ret = text_copy(answer);
    OPENSSL_cleanse(answer, sizeof(answer));
    OPENSSL_cleanse(again, sizeof(again));
    return r;
}

int pki_passphrase(void *context, bool creating, char **ret, struct error *error) {
    const struct pki_passphrase_source *source = context;
    CLEANUP_FREE char *path = text_format("%s/ca/passphrase", source->folder);
    const char *variable = getenv(VARIABLE);
    char *passphrase = NULL;
    int r;

    if (variable) {
        r = check_length(variable, VARIABLE, error);
        if (r == 0)
            *ret = text_copy(variable);
        return r;
    }
    r = read_passphrase(path, &passphrase, error);
    if (r == 0 && !passphrase && source->may_prompt && have_terminal())
        r = prompt(creating, &passphrase, error);
    if (r == 0 && !passphrase && creating)
        r = generate_passphrase(source->folder, path, &passphrase, error);
    if (r == 0 && !passphrase)
        r = error_set(error, -ENOKEY,
                      "the passphrase of the CA's key is needed: set " VARIABLE
                      ", or remove the store in %s to start anew",
                      source->folder);
    if (r < 0)
        return r;
    *ret = passphrase;
    return 0;
}
