#include "transport/transport.h"

#include "security/tls_context.h"

#include <errno.h>
#include <sys/socket.h>

static int start(struct transport **ret, int fd, SSL_CTX *context, bool server,
                 const struct transport_options *options, struct error *error) {
    CLEANUP(transport_freep) struct transport *transport = memory_new(1, sizeof(*transport));

    *transport = (struct transport){.ops = &tcp_ops, .fd = fd};
    if (context) {
        int r = tls_start(transport, context, server, options->gather_bytes, error);

        if (r < 0)
            return r;
    }
    *ret = transport;
    transport = NULL;
    return 0;
}

int transport_connect(struct transport **ret, const struct client_config *config, SSL_CTX *context,
                      const struct transport_options *options, struct error *error) {
    int fd, r = tcp_connect(&fd, config->address, config->port, options, error);

    return r < 0 ? r : start(ret, fd, context, false, options, error);
}

int transport_accept(struct transport **ret, int listener, SSL_CTX *context,
                     const struct transport_options *options, struct error *error) {
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC), r;

    if (fd < 0)
        return error_errno(error, -errno, "accept");
    r = tcp_set_options(fd, options, error);
    if (r < 0) {
        memory_close_fdp(&fd);
        return r;
    }
    return start(ret, fd, context, true, options, error);
}

void transport_free(struct transport *transport) {
    SSL_free(transport->ssl);
    memory_close_fdp(&transport->fd);
    free(transport);
}

void transport_session(const struct transport *transport, struct tls_session *ret) {
    *ret = (struct tls_session){{0}, {0}, {0}};
    if (transport->ssl)
        tls_context_session(transport->ssl, ret);
}

int transport_receive_all(struct transport *transport, void *data, size_t length) {
    char *next = data;

    while (length > 0) {
        ssize_t n = transport->ops->receive(transport, next, length);

        if (n <= 0)
            return n < 0 ? (int)n : -ECONNRESET;
        next += n;
        length -= (size_t)n;
    }
    return 0;
}
