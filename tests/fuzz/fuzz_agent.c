/* hosts/agent: any input is obeyed or answered with an error, and its end is the agent's end.
 *
 * Keys and certificates are kept in a folder of this target's. Left out: orders that start programs
 * (worker, whose parameters fuzz_protocol reads; broker-up), that change this machine (lab,
 * congestion, prepare, which makes a tunnel), that look at it (busy, facts, identity, readings),
 * and requests for RSA keys, which take seconds. */
#include "fuzz.h"

#include "../registry.h"
#include "base/jsonline.h"
#include "hosts/agent.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdbool.h>

static const char harmless[] =
    "beat broker-down broker-usage certificate-install certificate-request channel check claim "
    "clock drop hello meet nonsense prepared-usage tell undo";
static struct fuzz_folder home;

/* Lines that are no order at all are harmless too. */
static bool is_harmless(const char *line, size_t length) {
    json_auto_t *object = json_loadb(line, length, 0, NULL);
    const char *order = jsonline_text(object, "order", NULL);

    if (order && !text_has_word(harmless, order))
        return false;
    return strncmp(jsonline_text(object, "key_type", ""), "rsa", 3) != 0;
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *walk) {
    (void)status;
    (void)kind;
    (void)walk;
    return remove(path);
}

static void remove_home(void) {
    (void)nftw(home.path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void make_home(void) {
    fuzz_folder_make(&home, NULL, 0);
    (void)atexit(remove_home);
    FUZZ_CHECK(setenv("BENCH_LOCKS", home.path, 1) == 0, "setenv");
}

/* All that is harmless; the last line may lack its end, as when a connection breaks. */
static void put_orders(const struct fuzz_file *file, const char *text, size_t size) {
    CLEANUP_FREE char *kept = memory_new(size + 1, 1);
    size_t length = 0;

    while (size) {
        const char *newline = memchr(text, '\n', size);
        size_t line = newline ? (size_t)(newline + 1 - text) : size;

        if (is_harmless(text, line)) {
            memcpy(kept + length, text, line);
            length += line;
        }
        text += line;
        size -= line;
    }
    fuzz_file_put(file, kept, length);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct fuzz_file orders;
    static FILE *nowhere;
    FILE *words = stderr;
    int fd, status;

    if (!orders.fd) {
        make_home();
        orders = fuzz_file_make();
        fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
        FUZZ_CHECK(fd >= 0 && dup2(fd, STDOUT_FILENO) == STDOUT_FILENO, "/dev/null");
        (void)close(fd);
        nowhere = fopen("/dev/null", "we");
    }
    put_orders(&orders, (const char *)data, size);
    fd = open(orders.path, O_RDONLY | O_CLOEXEC);
    FUZZ_CHECK(fd >= 0 && dup2(fd, STDIN_FILENO) == STDIN_FILENO, "stdin");
    (void)close(fd);
    stderr = nowhere; /* its complaints would fill the fuzzer's log */
    status = agent_main(home.path, "/nowhere", workshop_registry());
    stderr = words;
    FUZZ_CHECK(status == 0, "%d", status);
    return 0;
}
