/*
 * registry - for unit tests and fuzz targets: all groups of settings of the product, as
 * fill_registry() in src/main.c.
 */
#ifndef BENCH_TESTS_REGISTRY_H
#define BENCH_TESTS_REGISTRY_H

#include "broker/broker.h"
#include "broker/mosquitto.h"
#include "hosts/kind.h"
#include "hosts/lab.h"
#include "model/fleet.h"
#include "model/scenario.h"
#include "probes/probe.h"
#include "probes/telemetry.h"
#include "security/mechanism.h"

#include <stdlib.h>

static inline const struct registry *workshop_registry(void) {
    static const struct setting_group *groups[40];
    static struct registry registry = {.groups = groups,
                                       .n_groups = 0,
                                       .settle_channel = broker_settle_channel,
                                       .check_channel = broker_check_channel,
                                       .check_host = host_kind_check,
                                       .begins_host = host_kind_begins,
                                       .metrics = probe_metrics};
    size_t n = 0;

    if (registry.n_groups)
        return &registry;
    groups[n++] = &scenario_group;
    groups[n++] = &hosts_group;
    groups[n++] = &lab_group;
    groups[n++] = &broker_group;
    groups[n++] = &certificates_group;
    groups[n++] = &fleet_group;
    groups[n++] = &telemetry_group;
    if (n + n_probes + 1 + n_mechanisms + n_broker_kinds > ARRAY_SIZE(groups))
        abort();
    for (size_t i = 0; i < n_probes; i++)
        groups[n++] = probes[i]->group;
    groups[n++] = &channel_group;
    for (size_t i = 0; i < n_mechanisms; i++)
        groups[n++] = mechanisms[i]->group;
    for (size_t i = 0; i < n_broker_kinds; i++)
        if (broker_kinds[i]->group)
            groups[n++] = broker_kinds[i]->group;
    registry.n_groups = n;
    return &registry;
}

#endif
