/*
 * A PKCS#11 module that forwards to another and fails on command, so that the faults of real devices can be had at will.
 *   CHANCERY_SHIM_MODULE   path of the module behind it
 *   CHANCERY_SHIM_CONTROL  path of the control file: one row of eight 32-bit words per call (see enum call, struct row),
 *                          shared with the test that maps or writes it
 * A count of FOREVER never runs out. Build: gcc -shared -fPIC -I DIRECTORY_OF_PKCS11_H -o shim.so pkcs11-shim.c
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define CK_PTR *
#define CK_DECLARE_FUNCTION(returnType, name) returnType name
#define CK_DEFINE_FUNCTION(returnType, name) returnType name
#define CK_DECLARE_FUNCTION_POINTER(returnType, name) returnType(*name)
#define CK_CALLBACK_FUNCTION(returnType, name) returnType(*name)
#define NULL_PTR 0
#include "pkcs11.h"

#define FOREVER 0xffffffffu

enum call {
  INITIALIZE, GET_SLOT_LIST, OPEN_SESSION, CLOSE_SESSION, LOGIN, FIND_OBJECTS_INIT, GET_ATTRIBUTE_VALUE, SIGN_INIT, SIGN,
  GENERATE_RANDOM, CALLS
};

struct row {
  _Atomic uint32_t made;     /* how often it was called */
  _Atomic uint32_t fail;     /* so many calls return `error` and are not forwarded */
  _Atomic uint32_t error;
  _Atomic uint32_t delay;    /* milliseconds added to every call */
  _Atomic uint32_t hang;     /* so many calls never return */
  _Atomic uint32_t crash;    /* so many calls end in SIGSEGV */
  _Atomic uint32_t flip;     /* C_Sign: so many signatures get one bit flipped */
  _Atomic uint32_t lose;     /* before so many calls, the session is really lost (1 << 31: the login is, with the low bits) */
};

#define LOGOUT 0x80000000u

static struct row *rows;
static CK_FUNCTION_LIST_PTR real;
static CK_FUNCTION_LIST list;

/* Takes one from a count. */
static int take(_Atomic uint32_t *count) {
  uint32_t left = atomic_load(count);
  while (left != 0) {
    if (left == FOREVER || atomic_compare_exchange_weak(count, &left, left - 1)) return 1;
  }
  return 0;
}

/* What happens before the call is forwarded. CKR_OK: forward it. */
static CK_RV meet(enum call call) {
  struct row *row = &rows[call];
  atomic_fetch_add(&row->made, 1);
  uint32_t delay = atomic_load(&row->delay);
  if (delay > 0) {
    struct timespec pause = {delay / 1000, (long)(delay % 1000) * 1000000};
    nanosleep(&pause, NULL);
  }
  if (take(&row->crash)) raise(SIGSEGV);
  if (take(&row->hang)) for (;;) pause();
  if (take(&row->fail)) return atomic_load(&row->error);
  return CKR_OK;
}

static void lose(enum call call, CK_SESSION_HANDLE session) {
  uint32_t wanted = atomic_load(&rows[call].lose);
  uint32_t left = wanted & ~LOGOUT;
  while (left > 0) {
    uint32_t next = left == 1 ? 0 : (wanted & LOGOUT) | (left - 1);
    if (!atomic_compare_exchange_weak(&rows[call].lose, &wanted, next)) {
      left = wanted & ~LOGOUT;
      continue;
    }
    if (wanted & LOGOUT) real->C_Logout(session);
    else real->C_CloseSession(session);
    return;
  }
}

static CK_RV initialize(CK_VOID_PTR arguments) {
  CK_RV met = meet(INITIALIZE);
  return met != CKR_OK ? met : real->C_Initialize(arguments);
}

static CK_RV get_slot_list(CK_BBOOL present, CK_SLOT_ID_PTR slots, CK_ULONG_PTR count) {
  CK_RV met = meet(GET_SLOT_LIST);
  return met != CKR_OK ? met : real->C_GetSlotList(present, slots, count);
}

static CK_RV open_session(CK_SLOT_ID slot, CK_FLAGS flags, CK_VOID_PTR app, CK_NOTIFY notify, CK_SESSION_HANDLE_PTR session) {
  CK_RV met = meet(OPEN_SESSION);
  return met != CKR_OK ? met : real->C_OpenSession(slot, flags, app, notify, session);
}

static CK_RV close_session(CK_SESSION_HANDLE session) {
  CK_RV met = meet(CLOSE_SESSION);
  return met != CKR_OK ? met : real->C_CloseSession(session);
}

static CK_RV login(CK_SESSION_HANDLE session, CK_USER_TYPE user, CK_UTF8CHAR_PTR pin, CK_ULONG length) {
  CK_RV met = meet(LOGIN);
  return met != CKR_OK ? met : real->C_Login(session, user, pin, length);
}

static CK_RV find_objects_init(CK_SESSION_HANDLE session, CK_ATTRIBUTE_PTR template, CK_ULONG count) {
  CK_RV met = meet(FIND_OBJECTS_INIT);
  return met != CKR_OK ? met : real->C_FindObjectsInit(session, template, count);
}

static CK_RV get_attribute_value(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_PTR template, CK_ULONG count) {
  CK_RV met = meet(GET_ATTRIBUTE_VALUE);
  return met != CKR_OK ? met : real->C_GetAttributeValue(session, object, template, count);
}

static CK_RV sign_init(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE key) {
  CK_RV met = meet(SIGN_INIT);
  if (met != CKR_OK) return met;
  lose(SIGN_INIT, session);
  return real->C_SignInit(session, mechanism, key);
}

static CK_RV sign(CK_SESSION_HANDLE session, CK_BYTE_PTR data, CK_ULONG length, CK_BYTE_PTR out, CK_ULONG_PTR out_length) {
  CK_RV met = meet(SIGN);
  if (met != CKR_OK) return met;
  lose(SIGN, session);
  CK_RV result = real->C_Sign(session, data, length, out, out_length);
  if (result == CKR_OK && out != NULL && take(&rows[SIGN].flip)) out[*out_length / 2] ^= 1;
  return result;
}

static CK_RV generate_random(CK_SESSION_HANDLE session, CK_BYTE_PTR out, CK_ULONG length) {
  CK_RV met = meet(GENERATE_RANDOM);
  return met != CKR_OK ? met : real->C_GenerateRandom(session, out, length);
}

static int map_control(void) {
  const char *path = getenv("CHANCERY_SHIM_CONTROL");
  int file = path == NULL ? -1 : open(path, O_RDWR);
  if (file < 0) return 0;
  void *mapped = mmap(NULL, CALLS * sizeof(struct row), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  close(file);
  rows = mapped;
  return mapped != MAP_FAILED;
}

CK_RV C_GetFunctionList(CK_FUNCTION_LIST_PTR_PTR out) {
  if (real == NULL) {
    const char *path = getenv("CHANCERY_SHIM_MODULE");
    void *library = path == NULL ? NULL : dlopen(path, RTLD_NOW | RTLD_LOCAL);
    CK_C_GetFunctionList get = library == NULL ? NULL : (CK_C_GetFunctionList)dlsym(library, "C_GetFunctionList");
    if (get == NULL || !map_control() || get(&real) != CKR_OK) return CKR_GENERAL_ERROR;
    list = *real;
    list.C_GetFunctionList = C_GetFunctionList;
    list.C_Initialize = initialize;
    list.C_GetSlotList = get_slot_list;
    list.C_OpenSession = open_session;
    list.C_CloseSession = close_session;
    list.C_Login = login;
    list.C_FindObjectsInit = find_objects_init;
    list.C_GetAttributeValue = get_attribute_value;
    list.C_SignInit = sign_init;
    list.C_Sign = sign;
    list.C_GenerateRandom = generate_random;
  }
  *out = &list;
  return CKR_OK;
}
