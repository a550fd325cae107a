#include "hosts/link.h"

#define AT(member) .offset = offsetof(struct lab_settings, member)
static const struct setting rows[] = {
    {"profile", SETTING_CHOICE, "none", .choices = "none ethernet lte-m nb-iot satellite",
     .help = "a kind of link: its rate, burst, queue, delay, jitter and loss, where they are not "
             "set; on the command line in place of those of a file",
     AT(profile)},
    {"rate", SETTING_RATE, "0bit/s", "0bit/s", "100Gbit/s",
     .help = "of the link, in each direction; 0bit/s: as fast as it goes", AT(rate_bit_s)},
    {"burst", SETTING_BYTES, "16KiB", "2KiB", "16MiB",
     .help = "what may leave at once at a limited rate", AT(burst_bytes)},
    {"queue", SETTING_BYTES, "2MiB", "4KiB", "256MiB",
     .help = "what may wait at a limited rate; more is dropped", AT(queue_bytes)},
    {"delay", SETTING_DURATION, "0s", "0s", "10s", .help = "added in each direction", AT(delay_ns)},
    {"jitter", SETTING_DURATION, "0s", "0s", "10s",
     .help = "the most that is added to the delay, drawn evenly from 0s on; the order stays",
     AT(jitter_ns)},
    {"loss", SETTING_PERCENT, "0%", "0%", "50%", .help = "of packets, in each direction",
     AT(loss_ppm)},
    {"broker_cpu", SETTING_COUNT, "0", "0", "100000",
     .help = "limit of the broker's host, in % of one core; 0: none; needs root",
     AT(broker_cpu_percent)},
    {"publisher_cpu", SETTING_COUNT, "0", "0", "100000", .help = "the same of a publisher's host",
     AT(publisher_cpu_percent)},
    {"addresses", SETTING_COUNT, "1", "1", "200",
     .help = "of each publisher's host; its clients take turns with them, as each address has its "
             "own ports",
     AT(addresses)},
};

/* Both directions are alike. The burst is the least that there is, about one frame: with a larger
 * one a handshake would pass a slow link as if it were a fast one.
 *
 *   ethernet   100BASE-TX behind one switch
 *   lte-m      Cat-M1, half duplex: 375 kbit/s at the peak (3GPP TS 36.306, Release 13); round
 *              trips of 50 to 100 ms (GSMA, LTE-M deployment guide: 10 to 15 ms on the air)
 *   nb-iot     Cat-NB1: 26 kbit/s down, 62 up at the peak (3GPP TS 36.306, Release 13), here in
 *              between; round trips from some 100 ms to 1.6 s where the coverage is good (3GPP TR
 *              45.820 allows 10 s). The radio sends again what is lost: it comes late instead
 *   satellite  geostationary: round trips of 558 ms at least, 600 with the rest of the way; a bit
 *              error rate of 1e-7, which is 0.12 % of full frames (RFC 2488, section 2) */
static const struct setting_preset presets[] = {
    {"profile", "ethernet", "rate", "100Mbit/s"}, {"profile", "ethernet", "burst", "2KiB"},
    {"profile", "ethernet", "queue", "128KiB"},   {"profile", "ethernet", "delay", "100us"},
    {"profile", "ethernet", "jitter", "0s"},      {"profile", "ethernet", "loss", "0%"},
    {"profile", "lte-m", "rate", "375kbit/s"},    {"profile", "lte-m", "burst", "2KiB"},
    {"profile", "lte-m", "queue", "64KiB"},       {"profile", "lte-m", "delay", "25ms"},
    {"profile", "lte-m", "jitter", "25ms"},       {"profile", "lte-m", "loss", "0%"},
    {"profile", "nb-iot", "rate", "46kbit/s"},    {"profile", "nb-iot", "burst", "2KiB"},
    {"profile", "nb-iot", "queue", "32KiB"},      {"profile", "nb-iot", "delay", "400ms"},
    {"profile", "nb-iot", "jitter", "400ms"},     {"profile", "nb-iot", "loss", "0%"},
    {"profile", "satellite", "rate", "1Mbit/s"},  {"profile", "satellite", "burst", "2KiB"},
    {"profile", "satellite", "queue", "256KiB"},  {"profile", "satellite", "delay", "300ms"},
    {"profile", "satellite", "jitter", "0s"},     {"profile", "satellite", "loss", "0.1%"},
};
const struct setting_group lab_group = {.name = "lab",
                                        .scope = SETTING_SCENARIO,
                                        .rows = rows,
                                        .n_rows = ARRAY_SIZE(rows),
                                        .size = sizeof(struct lab_settings),
                                        .presets = presets,
                                        .n_presets = ARRAY_SIZE(presets)};
