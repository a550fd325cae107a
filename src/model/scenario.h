/*
 * scenario - an experiment as a user describes it: read from INI files and the command line,
 * checked completely before anything starts, and written back resolved, with every default.
 */
#ifndef BENCH_MODEL_SCENARIO_H
#define BENCH_MODEL_SCENARIO_H

#include "model/channel.h"
#include "model/hostlist.h"

enum scenario_order { ORDER_SHUFFLED, ORDER_SEQUENTIAL };

struct scenario_settings {
    char *name, *description;
    char *channels, *probes; /* words */
    char *repetitions;       /* as written; scenario_repetitions() */
    int64_t repetitions_min, repetitions_max, order, seed;
    char *baseline;
    int64_t margin_ppm; /* differences below it are taken for equal */
};
extern const struct setting_group scenario_group;

struct hosts_settings {
    char *broker, *publisher; /* HOST specifications */
    char *publishers; /* of several, or names for the launcher; empty: publisher alone counts */
    char *launcher;   /* the specification of a host whose name stands in place of %h */
    char *address;    /* where the broker is reached; empty: to be found out */
    char *congestion; /* control of all connections, or "default" */
    char *folder;     /* of the sources, on hosts that are other machines */
    char *meter;      /* "exec:COMMAND..." that tells electrical power; "pi5"; empty: none */
};
extern const struct setting_group hosts_group;

/* A published value, shown beside ours. */
#define SCENARIO_MAX_REFERENCES 1000
struct reference {
    char *probe, *channel;
    char *metric;     /* "tls_time", or of one process "client2.client.cpu_s"; NULL: the headline */
    char *baseline;   /* the value is a ratio to that of this channel; NULL: in the metric's unit */
    char *key, *text; /* name and value as written */
};

/* A setting that is varied, [vary]. */
struct factor {
    char *path;    /* "channel.mutual-tls.tls.suites", "probe.delivery.payload" */
    char *label;   /* what it is called in variants: the last part of its path, if that is enough */
    char *channel; /* whose setting it is; NULL: a probe's, or the link's */
    const struct setting_group *group;
    const struct setting *row;
    char **values; /* as setting_format() gives them */
    size_t n_values;
};

/* A probe with the settings that one variant of it has. */
struct measurement {
    const char *probe; /* one of the scenario's */
    char *variant;     /* what of the probe is varied: "payload=30B"; "" for nothing */
    const struct setting_group *group;
    void *settings; /* the group's block */
};

/* How the link between the hosts of a lab is shaped while a channel is up. */
struct link {
    char *variant;  /* what of it is varied: "profile=nb-iot"; "" for nothing */
    void *settings; /* a block of the scenario's group "lab"; NULL where that is not registered */
};

/* A setting that makes the program execute, read or connect to something. */
struct scenario_effect {
    enum setting_effect effect;
    char *path, *value; /* as --set takes them */
    char *place;        /* "file:line: [section] key", or an option */
    bool refused;       /* a run's scenario asks for it, and the command line does not repeat it */
};

/* Publishers' hosts of a run. */
#define SCENARIO_MAX_PUBLISHERS HOSTLIST_MAX

struct scenario {
    struct settings settings; /* scopes SETTING_SCENARIO and SETTING_PROBE */
    struct link *links;
    size_t n_links;
    /* Those to be measured, in the order of the scenario. One whose settings are varied is here
     * once for each variant of it, and that once for each link, one behind the other. */
    struct channel *channels;
    size_t n_channels;
    char **probes; /* names, in the order of the scenario */
    size_t n_probes;
    struct measurement *measurements; /* of each channel, by probe */
    size_t n_measurements;
    struct factor *factors;
    size_t n_factors;
    char *reference_source;
    struct reference *references;
    size_t n_references;
    struct scenario_effect *effects;
    size_t n_effects;
    struct hostlist publishers; /* specifications of their hosts; client2's is the first */
};

/* A value given on the command line: what to call it in messages, the dotted path, the value. */
struct scenario_override {
    const char *origin, *path, *value;
};

/* Reads the scenario `name`: a name in folder, or the path of a file (it has a '/' or ends in
 * ".ini"). Channels are looked for in channels/ beside the file, then in folder/channels/; hosts in
 * folder/hosts.ini. Behind folder stands the registry's shared_scenarios, if there is one, but for
 * hosts. Without a folder (NULL) the file stands alone, as one of scenario_write()
 * does: no other is looked at. Errors are "file:line: [section] key: what is wrong, what would be
 * right".
 *
 * What a scenario has executed or read that is a run's (it stands alone, lies in a run folder, by
 * its name or behind symbolic links, or begins as a run's does outside of folder) is refused: the
 * effects say so, and who executes the scenario must obey. */
int scenario_load(struct scenario **ret, const struct registry *registry, const char *folder,
                  const char *name, const struct scenario_override *overrides, size_t n_overrides,
                  struct error *error);
void scenario_free(struct scenario *scenario);
DEFINE_CLEANUP(struct scenario *, scenario_free)

/* Takes back the refusal of what has this path and value, as the command line repeats it. False:
 * the scenario has no such effect. */
bool scenario_repeat(struct scenario *scenario, const char *path, const char *value);

/* Whether the command line must repeat it when the scenario is a run's. */
static inline bool scenario_effect_is_asked(const struct scenario_effect *effect) {
    return effect->effect == SETTING_EXECUTES || effect->effect == SETTING_READS;
}

/* Calls each with the name and the path of every *.ini file in a subfolder ("." or "channels") of a
 * folder, then of the registry's shared_scenarios, that this name leads to, but
 * hosts.ini; in order. */
typedef void scenario_file_visitor(void *context, const char *name, const char *path);
void scenario_each_file(const struct registry *registry, const char *folder, const char *subfolder,
                        scenario_file_visitor *each, void *context);

const struct scenario_settings *scenario_own(const struct scenario *scenario);
/* "publisher ssh://pi@pi-b", or "4 publishers node1, node2 ..."; the caller's. */
char *scenario_name_publishers(const struct scenario *scenario);
/* The first channel of this name, or NULL. */
const struct channel *scenario_channel(const struct scenario *scenario, const char *name);

void reference_clear(struct reference *reference);
/* The parts of a name in [reference]: PROBE.CHANNEL of the headline metric, PROBE.METRIC.CHANNEL,
 * where METRIC may have two dots of its own (client2.client.cpu_s), and
 * ratio.PROBE.METRIC.CHANNEL.BASELINE. False: it is none of these; what was taken of it is to be
 * cleared, too. */
bool reference_split(const char *key, struct reference *ret);
void factor_clear(struct factor *factor);
/* Whose setting it is. */
bool factor_of_channel(const struct factor *factor, const struct channel *channel);
bool factor_of_probe(const struct factor *factor, const struct measurement *measurement);
bool factor_of_link(const struct factor *factor);

/* The variant of a trial: that of its channel and that of its measurement, with a blank between
 * them, or what of them is not empty; the caller's. */
char *scenario_variant(const struct channel *channel, const struct measurement *measurement);

/* What a number of blocks is, and when it is enough. */
struct repetitions {
    int64_t smallest, largest; /* blocks, both included; equal where the number is fixed */
    /* Go on until every 95 % interval of the comparison with the baseline is narrower than this:
     * its full width as a share of the ratio, 0.01 for 1 %. 0: the number is fixed. */
    double precision;
};

/* Reads "50" or "until 1%". Of the latter smallest and largest are 0: settings of their own say
 * them. ret may be NULL. */
int repetitions_parse(const char *text, struct repetitions *ret, struct error *error);

/* How many blocks; the plan has the largest number of them. */
struct repetitions scenario_repetitions(const struct scenario *scenario);

/* What a scenario's margin is when it names none. */
#define SCENARIO_MARGIN "2%"

/* Of run folders, in the first line of a run's scenario.ini: "# format: 2". A run without that line
 * is of format 1, whose definitions.csv says less of the probes. */
#define SCENARIO_FORMAT 2

/* The scenario as a file that describes the same experiment without any other file. */
void scenario_write(const struct scenario *scenario, FILE *out);

#endif
