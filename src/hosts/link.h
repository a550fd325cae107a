/*
 * link - what the link between the hosts of a lab is to be: [lab] of a scenario.
 */
#ifndef BENCH_HOSTS_LINK_H
#define BENCH_HOSTS_LINK_H

#include "model/setting.h"

struct lab_settings {
    int64_t profile;    /* what the scenario does not set itself is this one's */
    int64_t rate_bit_s; /* of each direction; 0: as fast as it goes */
    int64_t burst_bytes, queue_bytes;
    int64_t delay_ns, jitter_ns;                       /* one way; from 0 to jitter_ns more */
    int64_t loss_ppm;                                  /* of packets, one way */
    int64_t broker_cpu_percent, publisher_cpu_percent; /* of one core; 0: no limit */
    int64_t addresses;                                 /* of each publisher's host */
};
extern const struct setting_group lab_group;

#endif
