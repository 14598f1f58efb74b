#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

// Every bound that Cusp enforces and its default, in one place. What an operator or an app may
// change is read from configuration into the structs that carry these names; `cusp dev` and a fleet
// start from the same values.
namespace cusp::limits {

using namespace std::chrono_literals;

inline constexpr size_t kKiB = 1024;
inline constexpr size_t kMiB = 1024 * kKiB;

// One HTTP request or response, guest or not.
inline constexpr size_t kHeadBytesMax = 64 * kKiB;  // request line and fields together; 431 beyond
inline constexpr size_t kFieldsMax = 100;           // 431 beyond
inline constexpr size_t kTargetBytesMax = 16 * kKiB;   // request target; 414 beyond
inline constexpr uint64_t kBodyBytesMax = 100 * kMiB;  // streamed; 413 beyond
inline constexpr size_t kBodyChunkBytes = 64 * kKiB;   // the most that one part of a body holds
inline constexpr auto kHeadTimeout = 10s;  // first byte of a request to the end of its head; 408
inline constexpr auto kBodyIdleTimeout = 30s;  // between two parts of a body, either way
// A client that keeps a body waiting has that long once, and more for what it moves meanwhile.
inline constexpr uint32_t kClientBytesPerSecondMin = 240;
inline constexpr auto kKeepAliveTimeout = 60s;    // an idle connection is closed after
inline constexpr auto kTunnelIdleTimeout = 300s;  // no byte either way after a 101
inline constexpr auto kTlsHandshakeTimeout = 10s;
inline constexpr auto kDrainTimeout =
    10s;  // graceful shutdown: requests in flight may take this long
inline constexpr size_t kInterimMax = 32;       // interim responses (1xx) ahead of one response
inline constexpr auto kContinueTimeout = 1s;    // for a 100 before a request's body is sent without
inline constexpr uint32_t kH2StreamsMax = 128;  // concurrent streams of one HTTP/2 connection
inline constexpr size_t kConnectionsMax = 16384;  // per shard

// One invocation of a component.
inline constexpr size_t kGuestMemoryBytesMax = 128 * kMiB;
inline constexpr size_t kGuestTableElementsMax = 100'000;
inline constexpr auto kGuestCpuTimeMax = 50ms;
inline constexpr auto kGuestWallTimeMax = 30s;
inline constexpr auto kGuestEpoch = 5ms;  // how often a running guest hands the shard back
inline constexpr uint32_t kGuestSubrequestsMax = 50;
inline constexpr size_t kGuestLogLineBytesMax = 8 * kKiB;
inline constexpr size_t kGuestLogBytesMax = 256 * kKiB;  // per invocation; one notice, then dropped

// One application.
inline constexpr uint32_t kConcurrencyMax = 1000;  // invocations at once
inline constexpr uint32_t kQueueMax = 1000;        // requests waiting for one; 503 beyond
inline constexpr auto kQueueTimeout = 5s;
// How long an invocation may wait for its client while others wait for its place (408), and while
// the queue for it is full.
inline constexpr std::chrono::milliseconds kSlowClient = 1s;
inline constexpr std::chrono::milliseconds kSlowClientMin = 100ms;
inline constexpr size_t kBundleBytesMax = 100 * kMiB;

// What cusp:edge does for the guests of one application.
inline constexpr size_t kEdgeCacheKeyBytesMax = 512;
inline constexpr size_t kEdgeCacheBodyBytesMax = 10 * kMiB;
inline constexpr size_t kEdgeCacheMetadataBytesMax = 4 * kKiB;
inline constexpr size_t kEdgeCacheTagsMax = 32;  // of one entry
inline constexpr size_t kEdgeCacheTagBytesMax = 256;
inline constexpr auto kEdgeCacheAgeMax = std::chrono::days(366);  // fresh and stale, each
inline constexpr uint32_t kEdgeCachePurgesPerSecondMax = 50;
inline constexpr size_t kEdgeRateLimitsMax = 16;  // pairs of a name and a quota
inline constexpr size_t kEdgeRateLimitNameBytesMax = 64;
inline constexpr size_t kEdgeRateLimitKeyBytesMax = 512;
inline constexpr size_t kEdgeRateLimitKeysMax = 8192;  // of one quota; the least used make room
inline constexpr uint32_t kEdgeRateLimitMax = 1'000'000;
inline constexpr auto kEdgeRateLimitWindowMax = std::chrono::days(31);

// Outbound HTTP, of guests and to upstreams.
inline constexpr auto kConnectTimeout = 10s;
inline constexpr auto kFirstByteTimeout = 60s;
inline constexpr size_t kIdlePerOriginMax = 32;           // pooled connections
inline constexpr size_t kConnectionsPerOriginMax = 1024;  // per shard; requests beyond wait
inline constexpr auto kIdleTimeout = 30s;

// Key-value stores.
inline constexpr size_t kKvKeyBytesMax = 512;
inline constexpr size_t kKvAnyKeyBytesMax = 2048;  // of databases with other keys than guests'
inline constexpr size_t kKvValueBytesMax = 25 * kMiB;
inline constexpr size_t kKvMetadataBytesMax = 1024;
inline constexpr size_t kKvStoreNameBytesMax = 256;       // of an app's name and of a store's
inline constexpr size_t kKvChangesMax = 10'000;           // keys of one write
inline constexpr size_t kKvWriteBytesMax = 64 * kMiB;     // values of one write
inline constexpr size_t kKvWaitingBytesMax = 256 * kMiB;  // of all writes that are not on disk yet
inline constexpr size_t kKvCacheBytes = 64 * kMiB;        // of a node, for blocks of its files

// Queues.
inline constexpr size_t kQueueMessageBytesMax = 256 * kKiB;
inline constexpr size_t kQueueContentTypeBytesMax = 256;
inline constexpr size_t kQueueBatchMax = 100;  // messages sent or received at once
inline constexpr auto kQueueDelayMax = std::chrono::milliseconds(24h);
inline constexpr auto kQueueRetention = std::chrono::milliseconds(14 * 24h);  // also of the dead
inline constexpr auto kQueueVisibility = 60'000ms;
inline constexpr uint32_t kQueueDeliveries = 5;
inline constexpr uint32_t kQueueDeliveriesMax = 1000;
inline constexpr uint32_t kQueueConcurrencyMax = 64;  // requests of one trigger at once
inline constexpr auto kQueueRetryDelay = 5'000ms;     // after the first failure
inline constexpr auto kQueueRetryDelayMax = std::chrono::milliseconds(15min);

// Objects.
inline constexpr uint64_t kObjectBytesMax = 5 * 1024 * kMiB;  // of what is sent as one
inline constexpr size_t kObjectKeyBytesMax = 1024;
inline constexpr size_t kObjectFieldsBytesMax = 8 * kKiB;  // what is kept beside the content
inline constexpr size_t kObjectPartsMax = 10'000;
inline constexpr auto kObjectUploadAge = 7 * 24h;  // of an upload in parts that nobody completes
inline constexpr uint64_t kObjectPartBytesMin = 5 * kMiB;  // of a part that is not the last
inline constexpr size_t kGuestObjectsMax = 64;  // that one invocation reads and writes at once
inline constexpr size_t kObjectIndexCacheBytes = 16 * kMiB;

// SQL databases.
inline constexpr size_t kSqlTextBytesMax = 100 * kKiB;  // of a statement
inline constexpr int kSqlParametersMax = 100;
inline constexpr size_t kSqlValueBytesMax = 16 * kMiB;  // of a text, a blob or a row
inline constexpr size_t kSqlRowsMax = 100'000;          // of an answer
inline constexpr size_t kSqlResultBytesMax = 32 * kMiB;
inline constexpr uint64_t kSqlDatabaseBytesMax = 1024 * kMiB;
inline constexpr int64_t kSqlMemoryBytesMax = 512 * kMiB;   // of SQLite in the whole process
inline constexpr auto kSqlTimeMax = 30'000ms;               // of a statement, with its waiting
inline constexpr auto kSqlTransactionIdle = 5'000ms;        // rolled back after, when others wait
inline constexpr size_t kSqlWaitingMax = 10'000;            // statements that wait for one database
inline constexpr size_t kLibsqlAnswerBytesMax = 16 * kMiB;  // of a server, for one statement

// Other processes of this machine that ask for the stores of one (`cusp kv`, `cusp sql`).
inline constexpr size_t kStorePeersMax = 16;
inline constexpr size_t kStorePeerSessionsMax = 16;         // SQL sessions of one
inline constexpr size_t kStoreMessageBytesMax = 96 * kMiB;  // the largest write of keys fits
inline constexpr auto kStorePeerTimeout = 30s;              // for the rest of a message

}  // namespace cusp::limits
