#pragma once

#include <string>

#include "io/task.h"
#include "store/kv/database.h"
#include "store_crash/writers.h"

namespace cusp::store_crash {

// Each writer has a queue, sends a message a turn, and now and then receives and acknowledges some.
// `sent_list` and `done_list` name the lists of turns whose messages were sent and acknowledged.

// A message that was sent is there, whole, until it is acknowledged, and then it is gone. `last`
// becomes the last turn of each writer.
io::Task<> check_queues(store::kv::Database& database, std::string sent_list, std::string done_list,
                        Counts& last);
io::Task<> write_queue(store::kv::Database& database, size_t writer, uint64_t turn, int log,
                       int done);

}  // namespace cusp::store_crash
