#ifndef BENCH_SECURITY_CLIENT_ID_H
#define BENCH_SECURITY_CLIENT_ID_H

#include "security/mechanism.h"

extern const struct mechanism mechanism_client_id;

#endif
