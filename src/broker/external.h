#ifndef BENCH_BROKER_EXTERNAL_H
#define BENCH_BROKER_EXTERNAL_H

#include "broker/broker.h"

extern const struct broker_kind broker_external;

#endif
