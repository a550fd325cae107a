#ifndef BENCH_SECURITY_TOKEN_H
#define BENCH_SECURITY_TOKEN_H

#include "security/mechanism.h"

extern const struct mechanism mechanism_token;

#endif
