/* local - the machine that the driver runs on. */
#include "base/process.h"
#include "hosts/kind.h"

static int command(const struct launch *launch, struct words *ret, struct error *error) {
    CLEANUP_FREE char *program = process_own_path();

    (void)error;
    words_add(ret, "%s", program);
    words_add_all(ret, "agent --certs");
    words_add(ret, "%s", launch->certs);
    return 0;
}

const struct host_kind host_kind_local = {.prefix = "local", .form = "local", .command = command};
