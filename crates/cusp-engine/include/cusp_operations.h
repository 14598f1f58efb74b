// What a guest may ask of its host beside HTTP: one operation for each function of an interface
// that Cusp offers, or for several that come to the same. The one part of the ABI that src/host and
// src/node read.
//
// A comment gives the arguments and the answer as lists of values (cusp_value in cusp_engine.h).
// "T?" may be none; lists of records are flattened, with their count first. Texts are UTF-8.
#pragma once

#include <stdint.h>

// The upper bits name the capability, by which a call finds what answers it.
#define CUSP_CAPABILITY_BITS 8

typedef enum : uint32_t {
  // cusp:edge/geo. A place is: continent text?, country text?, region text?, city text?, timezone
  // text?, latitude real?, longitude real?, autonomous system integer?, its organization text?.
  CUSP_GEO_CLIENT = 0x0100,          // () -> place of the client
  CUSP_GEO_CLIENT_ADDRESS = 0x0101,  // () -> address text
  CUSP_GEO_LOOKUP = 0x0102,          // (address text) -> place; INVALID: it is no address

  // cusp:edge/cache. Times are in seconds. INVALID: a key or tag that cannot be; LIMIT: too large.
  CUSP_CACHE_GET = 0x0200,  // (key text) -> () when there is none, else body blob, metadata text?,
                            // age integer, stale boolean
  CUSP_CACHE_INSERT = 0x0201,     // (key text, body blob, metadata text?, fresh for integer,
                                  // then stale for integer, tag text…) -> ()
  CUSP_CACHE_DELETE = 0x0202,     // (key text) -> ()
  CUSP_CACHE_PURGE_TAG = 0x0203,  // (tag text, soft boolean) -> ()

  // cusp:edge/rate-limit. Times are in seconds. INVALID: a quota of nothing; LIMIT: too many names.
  CUSP_RATE_LIMIT_CHECK = 0x0300,  // (name text, key text, limit integer, window integer, burst
                                   // integer?) -> allowed boolean, remaining integer, reset
                                   // integer, retry after integer
} cusp_operation;
