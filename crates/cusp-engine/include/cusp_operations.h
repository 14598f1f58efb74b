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

  // Key-value stores. NOT_FOUND: there is no such store; INVALID: a key or value that cannot be.
  CUSP_KV_OPEN = 0x0400,      // (store text) -> ()
  CUSP_KV_GET = 0x0401,       // (store text, key text) -> () when there is none, else value blob,
                              // revision integer
  CUSP_KV_GET_MANY = 0x0402,  // (store text, key text…) -> value blob?…
  CUSP_KV_EXISTS = 0x0403,    // (store text, key text) -> exists boolean
  CUSP_KV_SET = 0x0404,       // (store text, {key text, value blob}…) -> (); all or none
  CUSP_KV_DELETE = 0x0405,    // (store text, key text…) -> (); all or none
  CUSP_KV_LIST = 0x0406,      // (store text, after text) -> next text?, key text…; "" and none are
                              // the ends
  CUSP_KV_INCREMENT = 0x0407,  // (store text, key text, delta integer) -> sum integer
  CUSP_KV_SWAP = 0x0408,       // (store text, key text, revision integer, value blob) -> ();
                               // CONFLICT: the key has another revision; 0: it is not there

  // SQL databases. NOT_FOUND: there is no such database; LIMIT: it is full.
  CUSP_SQL_OPEN = 0x0500,     // (database text) -> session integer
  CUSP_SQL_EXECUTE = 0x0501,  // (session integer, database text, statement text, parameter any…) ->
                              // changes integer, last rowid integer, columns integer, name text…,
                              // value any… row after row
  CUSP_SQL_CLOSE = 0x0502,    // (session integer) -> ()

  // Redis servers. INVALID: it is no address of one; CONFLICT: a key holds a value of another type;
  // LIMIT: too many connections. Connection 0 is one for each address, which nobody opens.
  CUSP_REDIS_OPEN = 0x0600,     // (address text) -> connection integer
  CUSP_REDIS_EXECUTE = 0x0601,  // (connection integer, address text, command text, argument
                                // integer, text or blob…) -> value any…, nested lists flattened; a
                                // text is a status
  CUSP_REDIS_CLOSE = 0x0602,    // (connection integer, address text) -> ()

  // Object stores, the containers of wasi:blobstore. NOT_FOUND: there is no such store or object;
  // INVALID: a key that cannot be. What was not finished or closed goes with its invocation.
  CUSP_OBJECT_OPEN = 0x0700,    // (store text) -> ()
  CUSP_OBJECT_HEAD = 0x0701,    // (store text, key text) -> () when there is none, else size
                                // integer, modified integer (seconds of Unix time)
  CUSP_OBJECT_LIST = 0x0702,    // (store text, after text) -> next text?, key text…; "" and none
                                // are the ends
  CUSP_OBJECT_DELETE = 0x0703,  // (store text, key text…) -> (), one after the other
  CUSP_OBJECT_CLEAR = 0x0704,   // (store text) -> ()
  CUSP_OBJECT_COPY = 0x0705,    // (store text, key text, to store text, to key text) -> ()
  CUSP_OBJECT_GET = 0x0706,     // (store text, key text) -> reader integer, size integer
  CUSP_OBJECT_READ = 0x0707,    // (reader integer, offset integer, most integer) -> bytes blob;
                                // empty at the end
  CUSP_OBJECT_PUT = 0x0708,     // (store text, key text) -> writer integer; LIMIT: too many
  CUSP_OBJECT_WRITE = 0x0709,   // (writer integer, bytes blob) -> ()
  CUSP_OBJECT_FINISH = 0x070a,  // (writer integer) -> (); from here on the object is there
  CUSP_OBJECT_CLOSE = 0x070b,   // (reader or writer integer) -> ()

  // Connections to servers whose protocols the engine speaks. DENIED: the manifest does not list
  // the place, or none of its addresses may be reached; LIMIT: too many. A read and a write may be
  // under way at once.
  CUSP_SOCKET_CONNECT = 0x0800,  // (scheme text, host text, port integer) -> socket integer
  CUSP_SOCKET_SECURE = 0x0801,   // (socket integer, name text, authorities text?) -> (): TLS from
                                 // here on; the certificate is for that name and signed by one of
                                 // these (PEM) or of the system's
  CUSP_SOCKET_READ = 0x0802,     // (socket integer) -> bytes blob; empty at the end
  CUSP_SOCKET_WRITE = 0x0803,    // (socket integer, bytes blob) -> ()
  CUSP_SOCKET_CLOSE = 0x0804,    // (socket integer) -> ()
} cusp_operation;
