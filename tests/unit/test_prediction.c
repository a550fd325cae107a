/* prediction: what the operations of a trial's TLS take by themselves, computed by hand; and
 * security/tls_operations: what a handshake is made of. */
#include "run_analysis.h"
#include "workshop.h"

#include "security/speed.h"
#include "security/tls_operations.h"

#define PREDICTED                                                                                  \
    "[scenario]\nname = p\nchannels = plain tls\nprobes = delivery connect\nbaseline = plain\n"
#define DEFINED                                                                                    \
    DEFINITIONS_HEADER "delivery,throughput,Mbit/s,higher,yes,through\n"                           \
                       "connect,connections_per_s,1/s,higher,yes,how many\n"
#define BULK    "10,100000000,80" /* Mbit/s: a share of a core in % is as many ns a byte */
#define STARTED "2026-11-22T08:30:00Z"
#define TRIALS                                                                                     \
    TRIALS_HEADER "1,1,1,1,tls,delivery,," STARTED "," BULK ",ok,,TLSv1.3,SUITE,group\n"           \
                  "2,1,1,1,tls,connect,," STARTED ",10,,,ok,,TLSv1.3,SUITE,group\n"                \
                  "3,1,1,2,plain,delivery,," STARTED "," BULK ",ok,,,,\n"                          \
                  "4,1,1,2,plain,connect,," STARTED ",10,,,ok,,,,\n"
#define METRICS                                                                                    \
    METRICS_HEADER "1,1,client2,sender,cpu_share,%,50\n"                                           \
                   "1,1,broker,mosquitto,cpu_share,%,100\n"                                        \
                   "2,1,client2,client,connections_per_s,1/s,10\n"                                 \
                   "2,1,client2,client,cpu_per_connection,us,1000\n"                               \
                   "3,1,client2,sender,cpu_share,%,40\n"                                           \
                   "4,1,client2,client,connections_per_s,1/s,10\n"                                 \
                   "4,1,client2,client,cpu_per_connection,us,100\n"
#define SPEEDS_HEADER "host,openssl,algorithm,operation,bytes,unit,value,low,high\n"
#define SPEEDS                                                                                     \
    SPEEDS_HEADER "a,3.0,Fast,encrypt,16384,MB/s,40,39,41\n"                                       \
                  "a,3.0,Fast,decrypt,16384,MB/s,50,49,51\n"                                       \
                  "a,3.0,Slow,encrypt,16384,MB/s,10,9,11\n"                                        \
                  "a,3.0,Hash,hash,64,MB/s,64,63,65\n"                                             \
                  "a,3.0,Hash,hash,1088,MB/s,544,543,545\n"                                        \
                  "a,3.0,Curve,generate,0,1/s,10000,9999,10001\n"                                  \
                  "a,3.0,Curve,derive,0,1/s,5000,4999,5001\n"                                      \
                  "b,3.0,Fast,encrypt,16384,MB/s,80,79,81\n"
#define OPERATIONS_HEADER                                                                          \
    "host,channel,probe,variant,process,per,when,algorithm,operation,bytes,count\n"
#define RECORD ",16384,6.103515625e-05\n"
#define OPERATIONS                                                                                 \
    OPERATIONS_HEADER                                                                              \
    "a,,delivery,,client2.sender,byte,OTHER,Slow,encrypt" RECORD                                   \
    "a,,delivery,,client2.sender,byte,SUITE,Fast,encrypt" RECORD                                   \
    "a,,delivery,,broker.mosquitto,byte,SUITE,Fast,decrypt" RECORD                                 \
    "a,,delivery,,broker.mosquitto,byte,SUITE,Fast,encrypt" RECORD                                 \
    "a,,connect,,client2.client,connection,group,Curve,generate,0,1\n"                             \
    "a,,connect,,client2.client,connection,group,Curve,derive,0,1\n"                               \
    "a,,connect,,client2.client,connection,SUITE,Hash,hash,64,10\n"                                \
    "a,plain,connect,,client2.client,connection,group,Curve,derive,0,100\n"                        \
    "a,tls,connect,,client2.client,connection,signature,Curve,derive,0,100\n"                      \
    "a,,connect,,broker.mosquitto,connection,group,Curve,derive,0,1\n"

static char *make(const char *speeds, const char *operations) {
    char *run = run_make(PREDICTED, DEFINED, TRIALS, METRICS);

    run_put(run, "speed.csv", speeds);
    run_put(run, "operations.csv", operations);
    return run;
}

static struct analysis *analysed(void) {
    CLEANUP(run_removep) char *run = make(SPEEDS, OPERATIONS);
    struct analysis *analysis = NULL;
    struct error error = {""};

    if (analysis_new(&analysis, run, &error) < 0)
        fail_msg("%s", error.text);
    return analysis;
}

/* 25 ns at 40 MB/s, 20 at 50; 100 + 200 us of the curve, 10 us of the hash; what was not
 * negotiated, or is another channel's, counts for nothing; of the broker no CPU time of connections
 * is known. */
static void test_by_hand(void **state) {
    CLEANUP(analysis_freep) struct analysis *analysis = analysed();
    CLEANUP_FREE char *text = draft_written(analysis, "prediction.csv");

    (void)state;
    assert_string_equal(text,
                        "channel,variant,probe,process,per,unit,measured,predicted,share,"
                        "algorithm,algorithm_share\n"
                        "tls,,delivery,client2.sender,byte,ns,50,25,0.5,Fast,0.5\n"
                        "tls,,delivery,broker.mosquitto,byte,ns,100,45,0.45,Fast,0.45\n"
                        "tls,,connect,client2.client,connection,us,1000,310,0.31,Curve,0.3\n");
}

static void test_words(void **state) {
    CLEANUP(analysis_freep) struct analysis *analysis = analysed();
    CLEANUP_FREE char *text = draft_written(analysis, "findings.csv");

    (void)state;
    assert_part(text,
                "On a Fast is the fastest cipher, in records of 16384 bytes: 40 MB/s; Slow 10 "
                "MB/s (25 %).");
    assert_part(text, "On b Fast is the fastest cipher, in records of 16384 bytes: 80 MB/s.");
    assert_part(text,
                "delivery, tls: client2.sender takes 50 ns of CPU time for a byte; 50 % of it "
                "is Fast.");
    assert_part(text, "connect, tls: client2.client takes 1000 us of CPU time for a connection; 31 "
                      "% of it is cryptography (Curve 30 %).");
}

/* A sum in which a part is missing is no prediction: of a cipher, group or signature that nothing
 * is told of, or that this host does not do by itself. */
static void test_unknown_parts(void **state) {
    static const struct {
        const char *trials, *unknown;
    } known[] = {
        {"1,1,1,1,tls,delivery,," STARTED "," BULK ",ok,,TLSv1.3,CCM,group\n"
         "2,1,1,1,tls,connect,," STARTED ",10,,,ok,,TLSv1.3,SUITE,P-521\n",
         "P-521"},
        {"1,1,1,1,tls,delivery,," STARTED "," BULK ",ok,,TLSv1.3,CCM,group\n"
         "2,1,1,1,tls,connect,," STARTED ",10,,,ok,,TLSv1.3,SUITE,odd\n",
         "odd"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
        CLEANUP_FREE char *trials = text_format("%s%s", TRIALS_HEADER, known[i].trials);
        CLEANUP_FREE char *words =
            text_format("connect, tls: what client2.client takes for a connection is not "
                        "predicted: what %s takes there is not known.",
                        known[i].unknown);
        CLEANUP(run_removep)
        char *run = run_make(PREDICTED, DEFINED, trials,
                             METRICS_HEADER "1,1,client2,sender,cpu_share,%,50\n"
                                            "2,1,client2,client,connections_per_s,1/s,10\n"
                                            "2,1,client2,client,cpu_per_connection,us,1000\n");
        CLEANUP(analysis_freep) struct analysis *analysis = NULL;
        CLEANUP_FREE char *text = NULL, *findings = NULL;

        run_put(run, "speed.csv", SPEEDS);
        run_put(run, "operations.csv",
                OPERATIONS "a,,connect,,client2.client,connection,odd,Odd,derive,0,1\n");
        assert_int_equal(analysis_new(&analysis, run, NULL), 0);
        text = draft_written(analysis, "prediction.csv");
        findings = draft_written(analysis, "findings.csv");
        assert_part(text, "tls,,delivery,client2.sender,byte,ns,50,,,,\n"
                          "tls,,connect,client2.client,connection,us,1000,,,,\n");
        assert_part(findings, "delivery, tls: what client2.sender takes for a byte is not "
                              "predicted: what CCM takes there is not known.");
        assert_part(findings, words);
    }
}

/* However many operations a stranger's run has, each is looked at but a few times: this ends. */
static void test_many_operations(void **state) {
    CLEANUP_FREE char *operations = memory_new(1, 100 + 100000 * 80);
    char *end = stpcpy(operations, OPERATIONS_HEADER);
    CLEANUP(run_removep) char *run = NULL;
    CLEANUP(analysis_freep) struct analysis *analysis = NULL;

    (void)state;
    for (int i = 0; i < 100000; i++)
        end = stpcpy(end, "a,,connect,,client2.client,connection,group,Curve,derive,0,1\n");
    run = make(SPEEDS, operations);
    assert_int_equal(analysis_new(&analysis, run, NULL), 0);
}

static void test_sizes_between(void **state) {
    static const struct {
        double bytes, us;
    } known[] = {{0, 1}, {63, 1}, {64, 1}, {576, 1.5}, {1088, 2}, {2176, 4}};
    CLEANUP(analysis_freep) struct analysis *analysis = analysed();

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(known); i++)
        assert_true(
            fabs(prediction_time_s(analysis->dataset, "a", "Hash", "hash", known[i].bytes) * 1e6 -
                 known[i].us) < 1e-9);
    assert_true(isnan(prediction_time_s(analysis->dataset, "b", "Hash", "hash", 64)));
}

static void test_bad_files(void **state) {
    static const struct {
        const char *speeds, *operations, *complaint;
    } bad[] = {
        {SPEEDS_HEADER "a,3.0,Fast,encrypt,64,MB/s,0,0,0\n", OPERATIONS, "is no speed"},
        {SPEEDS_HEADER "a,3.0,Fast,encrypt,64,1/s,5,5,5\n", OPERATIONS, "does not go with"},
        {SPEEDS, OPERATIONS_HEADER "a,,connect,,p,byte,x,Fast,encrypt,0,-1\n", "is no number"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        CLEANUP(run_removep) char *run = make(bad[i].speeds, bad[i].operations);
        struct analysis *analysis;
        struct error error = {""};

        assert_int_equal(analysis_new(&analysis, run, &error), -EBADMSG);
        assert_part(error.text, bad[i].complaint);
    }
}

/* What the scenario does not have predicts nothing, and costs no report. */
static void test_foreign_operations(void **state) {
    CLEANUP(run_removep)
    char *run = make(SPEEDS, OPERATIONS_HEADER "a,,knock,,p,byte,x,Fast,encrypt,0,1\n"
                                               "a,psk,connect,,p,byte,x,Fast,encrypt,0,1\n");
    struct analysis *analysis;

    (void)state;
    assert_int_equal(analysis_new(&analysis, run, NULL), 0);
    assert_int_equal(analysis->dataset->n_operations, 0);
    analysis_free(analysis);
}

/* ---- what a handshake is made of ---- */

/* "sign ECDSA P-256, ..." of what one name brings about. */
struct list {
    const char *when;
    char *text;
};

static void note(void *context, const struct tls_operation *one) {
    struct list *list = context;
    CLEANUP_FREE char *words = text_format("%s %s", one->operation, one->algorithm);

    assert_non_null(speed_find(one->algorithm)); /* of what is measured */
    assert_true(one->count > 0);
    if (text_equal(one->when, list->when))
        text_append(&list->text, ", ", words);
}

static void assert_group(const char *group, bool broker, const char *expected) {
    struct list list = {group, text_copy("")};

    tls_operations_connect(broker, note, &list);
    assert_string_equal(list.text, expected);
    free(list.text);
}

static void test_groups(void **state) {
    (void)state;
    assert_group("x25519", false, "generate X25519, derive X25519");
    assert_group("x25519", true, "generate X25519, derive X25519");
    assert_group("X25519MLKEM768", false, "generate X25519MLKEM768, decapsulate X25519MLKEM768");
    assert_group("X25519MLKEM768", true, "encapsulate X25519MLKEM768");
    assert_group("TLS_AES_256_GCM_SHA384", true, "hash SHA-384");
}

static void assert_signs(const char *use, const char *setting, const char *value, bool broker,
                         const char *when, const char *expected) {
    CLEANUP(channel_clear) struct channel channel = workshop_channel("secured", use);
    struct list list = {when, text_copy("")};

    assert_int_equal(channel_assign(&channel, setting, value, NULL), 0);
    tls_operations_sign(&channel, broker, note, &list);
    assert_string_equal(list.text, expected);
    free(list.text);
}

static void test_signatures(void **state) {
    (void)state;
    assert_signs("tls", "tls.key_type", "ec:P-256", false, "ecdsa_secp256r1_sha256",
                 "verify ECDSA P-256, verify ECDSA P-256");
    assert_signs("tls", "tls.key_type", "ec:P-256", true, "ecdsa_secp256r1_sha256",
                 "sign ECDSA P-256");
    assert_signs("tls certificate", "tls.key_type", "mldsa:65", false, "mldsa65",
                 "sign ML-DSA-65, verify ML-DSA-65, verify ML-DSA-65");
    assert_signs("tls certificate", "tls.key_type", "rsa:3072", true, "rsa_pss_rsae_sha256",
                 "sign RSA-3072, verify RSA-3072, verify RSA-3072");
}

/* How long a token takes to sign is not known from the processor. */
static void test_keys_in_tokens(void **state) {
    static const char *const when = "ecdsa_secp256r1_sha256", *const use = "tls certificate",
                             *const all = "sign ECDSA P-256, verify ECDSA P-256, verify ECDSA "
                                          "P-256";

    (void)state;
    assert_signs(use, "certificate.key_store", "pkcs11", false, when, "");
    assert_signs(use, "certificate.key_store", "pkcs11", true, when, all);
    assert_signs(use, "tls.key_store", "pkcs11", false, when, all);
    assert_signs(use, "tls.key_store", "pkcs11", true, when, "");
    assert_signs("tls", "tls.key_store", "pkcs11", false, when,
                 "verify ECDSA P-256, verify ECDSA P-256");
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_by_hand),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_unknown_parts),
        cmocka_unit_test(test_many_operations),
        cmocka_unit_test(test_sizes_between),
        cmocka_unit_test(test_bad_files),
        cmocka_unit_test(test_foreign_operations),
        cmocka_unit_test(test_groups),
        cmocka_unit_test(test_signatures),
        cmocka_unit_test(test_keys_in_tokens),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
