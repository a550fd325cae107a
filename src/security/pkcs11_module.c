#include "security/pkcs11_module.h"

#include "base/suggestion.h"

#include <dlfcn.h>
#include <errno.h>
#define CRYPTOKI_GNU 1 /* names in this file's own style */
#include <p11-kit/pkcs11.h>
#include <stdint.h>
#include <string.h>

#define MAX_SLOTS 32

struct pkcs11_module {
    char *path;
    struct ck_function_list *call;
    bool initialised; /* by us */
    ck_slot_id_t slot;
    char *token; /* the label of the one that was chosen */
    ck_session_handle_t session;
    bool in_session;
};

/* ---- words ---- */

static const struct {
    ck_rv_t code;
    const char *name;
    int error;
} codes[] = {
    {CKR_ARGUMENTS_BAD, "CKR_ARGUMENTS_BAD", EINVAL},
    {CKR_ATTRIBUTE_SENSITIVE, "CKR_ATTRIBUTE_SENSITIVE", EPERM},
    {CKR_ATTRIBUTE_VALUE_INVALID, "CKR_ATTRIBUTE_VALUE_INVALID", EOPNOTSUPP},
    {CKR_CURVE_NOT_SUPPORTED, "CKR_CURVE_NOT_SUPPORTED", EOPNOTSUPP},
    {CKR_DEVICE_ERROR, "CKR_DEVICE_ERROR", EIO},
    {CKR_DEVICE_MEMORY, "CKR_DEVICE_MEMORY", ENOSPC},
    {CKR_DEVICE_REMOVED, "CKR_DEVICE_REMOVED", ENODEV},
    {CKR_FUNCTION_FAILED, "CKR_FUNCTION_FAILED", EIO},
    {CKR_GENERAL_ERROR, "CKR_GENERAL_ERROR", EIO},
    {CKR_MECHANISM_INVALID, "CKR_MECHANISM_INVALID", EOPNOTSUPP},
    {CKR_PIN_EXPIRED, "CKR_PIN_EXPIRED", EKEYREJECTED},
    {CKR_PIN_INCORRECT, "CKR_PIN_INCORRECT", EKEYREJECTED},
    {CKR_PIN_INVALID, "CKR_PIN_INVALID", EKEYREJECTED},
    {CKR_PIN_LEN_RANGE, "CKR_PIN_LEN_RANGE", EKEYREJECTED},
    {CKR_PIN_LOCKED, "CKR_PIN_LOCKED", EKEYREJECTED},
    {CKR_TEMPLATE_INCONSISTENT, "CKR_TEMPLATE_INCONSISTENT", EOPNOTSUPP},
    {CKR_TOKEN_NOT_PRESENT, "CKR_TOKEN_NOT_PRESENT", ENODEV},
    {CKR_TOKEN_NOT_RECOGNIZED, "CKR_TOKEN_NOT_RECOGNIZED", ENODEV},
    {CKR_TOKEN_WRITE_PROTECTED, "CKR_TOKEN_WRITE_PROTECTED", EROFS},
    {CKR_USER_PIN_NOT_INITIALIZED, "CKR_USER_PIN_NOT_INITIALIZED", EKEYREJECTED},
};

static int explain(struct error *error, ck_rv_t code, const char *what) {
    for (size_t i = 0; i < ARRAY_SIZE(codes); i++)
        if (codes[i].code == code)
            return error_set(error, -codes[i].error, "%s: %s", what, codes[i].name);
    return error_set(error, -EIO, "%s: PKCS#11 error 0x%lx", what, (unsigned long)code);
}

/* What a chosen token says. */
static int refuse(const struct pkcs11_module *module, struct error *error, ck_rv_t code,
                  const char *what) {
    CLEANUP_FREE char *text = text_format("token '%s': %s", module->token, what);

    return explain(error, code, text);
}

/* ---- the library ---- */

void pkcs11_close(struct pkcs11_module *module) {
    if (module->in_session)
        (void)module->call->C_CloseSession(module->session);
    if (module->initialised)
        (void)module->call->C_Finalize(NULL);
    free(module->token);
    free(module->path);
    free(module);
}

/* It stays loaded: modules that are unloaded leave behind what their libraries call at the end. */
static int load(const char *path, struct ck_function_list **ret, struct error *error) {
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    CK_C_GetFunctionList get_list;

    if (!library)
        return error_set(error, -ENOENT, "%s: this PKCS#11 module cannot be loaded: %s", path,
                         dlerror());
    *(void **)&get_list = dlsym(library, "C_GetFunctionList");
    if (!get_list || get_list(ret) != CKR_OK)
        return error_set(error, -ELIBBAD, "%s is no PKCS#11 module", path);
    return 0;
}

int pkcs11_open(struct pkcs11_module **ret, const char *path, struct error *error) {
    struct ck_c_initialize_args arguments = {.flags = CKF_OS_LOCKING_OK};
    CLEANUP(pkcs11_closep) struct pkcs11_module *module = memory_new(1, sizeof(*module));
    ck_rv_t code;
    int r = load(path, &module->call, error);

    if (r < 0)
        return r;
    module->path = text_copy(path);
    code = module->call->C_Initialize(&arguments);
    if (code != CKR_OK && code != CKR_CRYPTOKI_ALREADY_INITIALIZED)
        return explain(error, code, path);
    module->initialised = code == CKR_OK;
    *ret = module;
    module = NULL;
    return 0;
}

/* ---- tokens ---- */

/* Labels are padded with blanks; the caller's. */
static char *label_of(const struct ck_token_info *info) {
    int length = sizeof(info->label);

    while (length > 0 && strchr(" ", info->label[length - 1]))
        length--;
    return text_format("%.*s", length, (const char *)info->label);
}

static int list_slots(const struct pkcs11_module *module, ck_slot_id_t slots[MAX_SLOTS],
                      unsigned long *ret_n, struct error *error) {
    unsigned long n = 0;
    ck_rv_t code;

    *ret_n = MAX_SLOTS;
    code = module->call->C_GetSlotList(1, NULL, &n); /* has it look anew */
    if (code == CKR_OK)
        code = module->call->C_GetSlotList(1, slots, ret_n);
    return code == CKR_OK ? 0 : explain(error, code, module->path);
}

static int no_token(const struct pkcs11_module *module, const char *label, const char *others,
                    const ck_slot_id_t *bare, struct error *error) {
    CLEANUP_FREE char *quoted = NULL, *meant = NULL;

    if (bare && !*others)
        return error_set(error, -ENODEV,
                         "no token '%s' in %s: what is there is not initialised; do that as its "
                         "vendor says, or by OpenSC: pkcs11-tool --module %s --slot %lu "
                         "--init-token --label '%s', then pkcs11-tool --module %s --token-label "
                         "'%s' --init-pin",
                         label, module->path, module->path, *bare, label, module->path, label);
    quoted = text_format("'%s'", label);
    meant = suggestion(quoted, others);
    return error_set(error, -ENODEV, "no token %s in %s%s; there %s%s", quoted, module->path, meant,
                     *others ? "are: " : "is none", others);
}

int pkcs11_choose(struct pkcs11_module *module, const char *label, struct error *error) {
    CLEANUP_FREE char *others = text_copy("");
    ck_slot_id_t slots[MAX_SLOTS];
    const ck_slot_id_t *bare = NULL;
    unsigned long n;
    int found = 0, r = list_slots(module, slots, &n, error);

    if (r < 0)
        return r;
    for (unsigned long i = 0; i < n; i++) {
        CLEANUP_FREE char *own = NULL, *quoted = NULL;
        struct ck_token_info info;

        if (module->call->C_GetTokenInfo(slots[i], &info) != CKR_OK)
            continue;
        if (!(info.flags & CKF_TOKEN_INITIALIZED)) {
            bare = bare ? bare : &slots[i];
            continue;
        }
        own = label_of(&info);
        quoted = text_format("'%s'", own);
        if (text_equal(own, label)) {
            module->slot = slots[i];
            found++;
        } else {
            text_append(&others, ", ", quoted);
        }
    }
    if (found > 1)
        return error_set(error, -ENOTUNIQ, "%d tokens in %s are called '%s'; rename one", found,
                         module->path, label);
    if (!found)
        return no_token(module, label, others, bare, error);
    if (module->in_session)
        (void)module->call->C_CloseSession(module->session);
    module->in_session = false;
    text_replace(&module->token, label);
    return 0;
}

static int open_session(struct pkcs11_module *module, struct error *error) {
    ck_rv_t code;

    if (module->in_session)
        return 0;
    code = module->call->C_OpenSession(module->slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL,
                                       NULL, &module->session);
    if (code != CKR_OK)
        return refuse(module, error, code, "opening a session");
    module->in_session = true;
    return 0;
}

static int log_in_as(struct pkcs11_module *module, ck_user_type_t who, const char *pin,
                     struct error *error) {
    ck_rv_t code;
    int r = open_session(module, error);

    if (r < 0)
        return r;
    code =
        module->call->C_Login(module->session, who, (unsigned char *)(uintptr_t)pin, strlen(pin));
    return code == CKR_OK || code == CKR_USER_ALREADY_LOGGED_IN
               ? 0
               : refuse(module, error, code, "logging in");
}

int pkcs11_log_in(struct pkcs11_module *module, const char *pin, struct error *error) {
    return log_in_as(module, CKU_USER, pin, error);
}

static int give_pin(struct pkcs11_module *module, const char *officer, const char *pin,
                    struct error *error) {
    ck_rv_t code;
    int r = log_in_as(module, CKU_SO, officer, error);

    if (r < 0)
        return r;
    code = module->call->C_InitPIN(module->session, (unsigned char *)(uintptr_t)pin, strlen(pin));
    (void)module->call->C_Logout(module->session);
    return code == CKR_OK ? 0 : refuse(module, error, code, "setting its PIN");
}

static int make_token(struct pkcs11_module *module, const char *label, const char *officer,
                      struct error *error) {
    unsigned char padded[sizeof(((struct ck_token_info *)NULL)->label)];
    ck_slot_id_t slots[MAX_SLOTS];
    struct ck_token_info info;
    unsigned long n;
    int r = list_slots(module, slots, &n, error);

    if (r < 0)
        return r;
    memset(padded, ' ', sizeof(padded));
    memcpy(padded, label, strnlen(label, sizeof(padded)));
    for (unsigned long i = 0; i < n; i++) {
        ck_rv_t code;

        if (module->call->C_GetTokenInfo(slots[i], &info) != CKR_OK ||
            info.flags & CKF_TOKEN_INITIALIZED)
            continue;
        code = module->call->C_InitToken(slots[i], (unsigned char *)(uintptr_t)officer,
                                         strlen(officer), padded);
        return code == CKR_OK ? 0 : explain(error, code, "initialising a token");
    }
    return error_set(error, -ENOSPC, "%s: no slot is free for a token", module->path);
}

/* A process that was killed between the two leaves a token that has no PIN. */
int pkcs11_ensure_token(struct pkcs11_module *module, const char *label, const char *officer,
                        const char *pin, struct error *error) {
    struct ck_token_info info;
    int r = pkcs11_choose(module, label, error);

    if (r == -ENODEV) {
        r = make_token(module, label, officer, error);
        if (r < 0)
            return r;
        r = pkcs11_choose(module, label, error); /* its slot has another number now */
    }
    if (r < 0)
        return r;
    if (module->call->C_GetTokenInfo(module->slot, &info) == CKR_OK &&
        info.flags & CKF_USER_PIN_INITIALIZED)
        return 0;
    return give_pin(module, officer, pin, error);
}

/* ---- keys ---- */

static ck_object_class_t private_class = CKO_PRIVATE_KEY;
static unsigned char yes = 1, no = 0;

#define ATTRIBUTE(kind, variable)                                                                  \
    { (kind), &(variable), sizeof(variable) }
#define LABELLED(text)                                                                             \
    { CKA_LABEL, (void *)(uintptr_t)(text), strlen(text) }

static int find(struct pkcs11_module *module, const char *label, ck_object_handle_t *ret,
                struct error *error) {
    struct ck_attribute wanted[] = {ATTRIBUTE(CKA_CLASS, private_class), LABELLED(label)};
    unsigned long n = 0;
    ck_rv_t code = module->call->C_FindObjectsInit(module->session, wanted, ARRAY_SIZE(wanted));

    if (code == CKR_OK) {
        code = module->call->C_FindObjects(module->session, ret, 1, &n);
        (void)module->call->C_FindObjectsFinal(module->session);
    }
    if (code != CKR_OK)
        return refuse(module, error, code, "looking for a key");
    return n ? 0
             : error_set(error, -ENOKEY, "token '%s' has no private key '%s'", module->token,
                         label);
}

int pkcs11_find_key(struct pkcs11_module *module, const char *label, struct error *error) {
    ck_object_handle_t key;

    return find(module, label, &key, error);
}

/* Of our types of key those that tokens have: what makes a pair, and of which kind. */
static unsigned char p_256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
static unsigned long bits_2048 = 2048;
static unsigned char f4[] = {0x01, 0x00, 0x01};
static const struct {
    const char *name;
    ck_mechanism_type_t mechanism;
    struct ck_attribute kind[2]; /* of the public key */
} types[] = {
    {"ec:P-256", CKM_EC_KEY_PAIR_GEN, {ATTRIBUTE(CKA_EC_PARAMS, p_256)}},
    {"rsa:2048",
     CKM_RSA_PKCS_KEY_PAIR_GEN,
     {ATTRIBUTE(CKA_MODULUS_BITS, bits_2048), ATTRIBUTE(CKA_PUBLIC_EXPONENT, f4)}},
};

bool pkcs11_has_key_type(const char *key_type) {
    for (size_t i = 0; i < ARRAY_SIZE(types); i++)
        if (text_equal(types[i].name, key_type))
            return true;
    return false;
}

int pkcs11_make_key(struct pkcs11_module *module, const char *label, const char *key_type,
                    struct error *error) {
    struct ck_attribute of_private[] = {
        ATTRIBUTE(CKA_TOKEN, yes),
        ATTRIBUTE(CKA_PRIVATE, yes),
        ATTRIBUTE(CKA_SIGN, yes),
        ATTRIBUTE(CKA_SENSITIVE, yes),
        ATTRIBUTE(CKA_EXTRACTABLE, no),
        LABELLED(label),
        {CKA_ID, (void *)(uintptr_t)label, strlen(label)},
    };
    size_t i = 0;

    while (i < ARRAY_SIZE(types) && !text_equal(types[i].name, key_type))
        i++;
    if (i == ARRAY_SIZE(types))
        return error_set(error, -EOPNOTSUPP, "no key of type %s is made in a token", key_type);
    {
        struct ck_attribute of_public[] = {
            ATTRIBUTE(CKA_TOKEN, yes), ATTRIBUTE(CKA_VERIFY, yes),
            LABELLED(label),           {CKA_ID, (void *)(uintptr_t)label, strlen(label)},
            types[i].kind[0],          types[i].kind[1],
        };
        unsigned long n = ARRAY_SIZE(of_public) - !types[i].kind[1].value;
        struct ck_mechanism mechanism = {types[i].mechanism, NULL, 0};
        ck_object_handle_t public, private;
        ck_rv_t code =
            module->call->C_GenerateKeyPair(module->session, &mechanism, of_public, n, of_private,
                                            ARRAY_SIZE(of_private), &public, &private);

        return code == CKR_OK ? 0 : refuse(module, error, code, "making a key");
    }
}

int pkcs11_check_secrecy(struct pkcs11_module *module, const char *label, struct error *error) {
    unsigned char sensitive = no, extractable = yes;
    struct ck_attribute flags[] = {ATTRIBUTE(CKA_SENSITIVE, sensitive),
                                   ATTRIBUTE(CKA_EXTRACTABLE, extractable)};
    /* Of a key on a curve its number, of one of RSA an exponent: whether it could be had, not the
     * value itself. */
    struct ck_attribute secrets[] = {{CKA_VALUE, NULL, 0}, {CKA_PRIVATE_EXPONENT, NULL, 0}};
    ck_object_handle_t key;
    int r = find(module, label, &key, error);
    ck_rv_t code;

    if (r < 0)
        return r;
    code = module->call->C_GetAttributeValue(module->session, key, flags, ARRAY_SIZE(flags));
    if (code != CKR_OK)
        return refuse(module, error, code, "asking what a key is");
    for (size_t i = 0; i < ARRAY_SIZE(secrets); i++)
        if (module->call->C_GetAttributeValue(module->session, key, &secrets[i], 1) == CKR_OK)
            return error_set(error, -EPERM, "token '%s' gives the key '%s' out", module->token,
                             label);
    return sensitive && !extractable
               ? 0
               : error_set(error, -EPERM, "token '%s' calls the key '%s' %s", module->token, label,
                           extractable ? "extractable" : "not sensitive");
}
