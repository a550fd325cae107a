/* hosts/agent: any input is obeyed or answered with an error, and its end is the agent's end. The
 * orders that would start a program or look at this machine are left out. */
#include "fuzz.h"

#include "../registry.h"
#include "base/jsonline.h"
#include "hosts/agent.h"

#include <fcntl.h>
#include <stdbool.h>

static const char harmless[] =
    "beat broker-down broker-usage channel drop nonsense prepared-usage tell undo";

/* Lines that are no order at all are harmless too. */
static bool is_harmless(const char *line, size_t length) {
    json_auto_t *object = json_loadb(line, length, 0, NULL);
    const char *order = jsonline_text(object, "order", NULL);

    return !order || text_has_word(harmless, order);
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
    status = agent_main("/nowhere", "/nowhere", workshop_registry());
    stderr = words;
    FUZZ_CHECK(status == 0, "%d", status);
    return 0;
}
