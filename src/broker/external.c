#include "broker/external.h"

#include "transport/transport.h"

int external_reach(const struct channel *channel, const char *address, struct error *error) {
    static const struct transport_options options = {.timeout_ns = CLIENT_ANSWER_NS};
    CLEANUP_FD int fd = -1;
    int r = tcp_connect(&fd, external_address(channel, address), external_port(channel), &options,
                        error);

    return r < 0 ? error_prefix(error, r, "the external broker") : 0;
}
