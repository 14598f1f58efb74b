#include <iostream>
#include <iterator>

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "base/base64.h"
#include "base/units.h"
#include "cli/command.h"
#include "cli/store_folder.h"
#include "cli/terminal.h"
#include "store/queue/queue.h"

namespace cusp::cli {

namespace {

using nlohmann::json;
namespace queue = store::queue;

constexpr const char* kFooter = R"(Examples:
  cusp queue list                                 (in an app's folder)
  cusp queue send jobs '{"resize": 7}' --type application/json
  cusp queue peek jobs --count 5
  cusp queue dead jobs; cusp queue retry jobs --all

Messages are printed as lines of JSON: "id", "body" or "body_base64", "content_type", "sent"
(milliseconds since 1970) and "deliveries". Receive takes what it prints out of the queue; with
--keep it comes again after --visibility. A node that runs goes on: it does what this asks, and
sees what was sent within a second.
Exit codes: 0 done; 2 a flag or a name is wrong; 3 there is no such folder, queue or message; 4 the
node is another user's.)";

struct QueueOptions {
  StoreFolderOptions folder;
  std::string name;
  std::optional<std::string> body;
  std::string content_type;
  std::string delay;
  std::string visibility;
  std::vector<std::string> ids;
  size_t count = 10;
  bool keep = false;
  bool all = false;
  bool only_dead = false;
};

// What a verb works with. The folder outlives the queue.
struct Opened {
  std::unique_ptr<StoreFolder> folder;
  std::unique_ptr<queue::Queue> queue;
};

// The queues that hold something.
Result<std::vector<store::kv::StoreName>> queues(StoreFolder& folder) {
  CUSP_TRY(auto names, folder.key_value_stores());
  std::erase_if(names, [](const auto& name) { return !queue::queue_of(name.store); });
  return names;
}

Result<std::unique_ptr<queue::Queue>> open_queue(StoreFolder& folder,
                                                 const store::kv::StoreName& name) {
  CUSP_TRY(auto entries, folder.key_values(name));
  return std::make_unique<queue::Queue>(std::move(entries));
}

Result<Opened> open(const QueueOptions& options) {
  Opened opened;
  CUSP_TRY(opened.folder, StoreFolder::open(options.folder));
  CUSP_TRY(const auto names, opened.folder->key_value_stores());
  std::vector<std::string> apps;
  for (const auto& name : names) {
    if (apps.empty() || apps.back() != name.app) apps.push_back(name.app);
  }
  CUSP_TRY(const std::string app, opened.folder->app(apps));
  CUSP_TRY(opened.queue, open_queue(*opened.folder, {app, queue::store_name(options.name)}));
  return opened;
}

void print_line(const json& line) {
  fmt::print("{}\n", line.dump(-1, ' ', false, json::error_handler_t::replace));
}

void print_message(const queue::Message& message) {
  json line = {{"id", message.id},
               {"sent", message.sent.time_since_epoch().count()},
               {"deliveries", message.deliveries}};
  if (!message.content_type.empty()) line["content_type"] = message.content_type;
  try {
    json(message.body).dump();
    line["body"] = message.body;
  } catch (const json::exception&) {
    line["body_base64"] = base64_encode(message.body);
  }
  print_line(line);
}

Result<> list(const QueueOptions& options) {
  CUSP_TRY(const auto folder, StoreFolder::open(options.folder));
  CUSP_TRY(const auto names, queues(*folder));
  fmt::print("{:20} {:20} {:>8} {:>9} {:>8} {:>6}\n", "APP", "QUEUE", "READY", "IN FLIGHT",
             "DELAYED", "DEAD");
  for (const auto& name : names) {
    CUSP_TRY(const auto queue, open_queue(*folder, name));
    CUSP_TRY(const auto counts, folder->wait(queue->count()));
    fmt::print("{:20} {:20} {:>8} {:>9} {:>8} {:>6}\n", name.app, *queue::queue_of(name.store),
               counts.ready, counts.in_flight, counts.delayed, counts.dead);
  }
  return {};
}

Result<> send(const QueueOptions& options) {
  queue::Outgoing message{.body = options.body.value_or(""), .content_type = options.content_type};
  if (!options.body) {
    message.body.assign(std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>());
  }
  if (!options.delay.empty()) {
    CUSP_TRY(message.delay, parse_duration(options.delay));
  }
  CUSP_TRY(const Opened opened, open(options));
  std::vector<queue::Outgoing> messages{std::move(message)};
  CUSP_TRY(const auto ids, opened.folder->wait(opened.queue->send(std::move(messages))));
  fmt::print("{}\n", ids.front());
  return {};
}

Result<> receive(const QueueOptions& options) {
  queue::ReceiveOptions wanted{.limit = options.count, .deliveries_max = UINT32_MAX};
  if (!options.visibility.empty()) {
    CUSP_TRY(wanted.visibility, parse_duration(options.visibility));
  }
  CUSP_TRY(const Opened opened, open(options));
  CUSP_TRY(const auto messages, opened.folder->wait(opened.queue->receive(wanted)));
  std::vector<std::string> receipts;
  for (const auto& message : messages) {
    print_message(message);
    receipts.push_back(message.receipt);
  }
  if (options.keep || receipts.empty()) return {};
  // What is printed is out of the queue, and not the other way round.
  std::fflush(stdout);
  CUSP_CHECK(opened.folder->wait(opened.queue->acknowledge(std::move(receipts))));
  return {};
}

Result<> peek(const QueueOptions& options) {
  CUSP_TRY(const Opened opened, open(options));
  CUSP_TRY(const auto messages, opened.folder->wait(opened.queue->peek(options.count)));
  for (const auto& message : messages) print_message(message);
  return {};
}

// Calls `each` for every dead message.
template <class Each>
Result<> for_each_dead(const Opened& opened, Each each) {
  constexpr size_t kPage = 100;
  std::string after;
  while (true) {
    CUSP_TRY(const auto dead, opened.folder->wait(opened.queue->dead(kPage, after)));
    for (const auto& message : dead) CUSP_CHECK(each(message));
    if (dead.size() < kPage) return {};
    after = dead.back().id;
  }
}

Result<> dead(const QueueOptions& options) {
  CUSP_TRY(const Opened opened, open(options));
  return for_each_dead(opened, [](const queue::DeadMessage& message) -> Result<> {
    print_line({{"id", message.id},
                {"bytes", message.bytes},
                {"content_type", message.content_type},
                {"sent", message.sent.time_since_epoch().count()},
                {"deliveries", message.deliveries},
                {"reason", message.reason}});
    return {};
  });
}

Result<> retry(const QueueOptions& options) {
  if (options.all != options.ids.empty()) {
    return fail(ErrorCode::kInvalidArgument, "retry takes either ids of dead messages or --all");
  }
  CUSP_TRY(const Opened opened, open(options));
  std::vector<std::string> ids = options.ids;
  if (options.all) {
    CUSP_CHECK(for_each_dead(opened, [&](const queue::DeadMessage& message) -> Result<> {
      ids.push_back(message.id);
      return {};
    }));
  }
  size_t count = 0;
  for (const auto& id : ids) {
    CUSP_TRY(const bool found, opened.folder->wait(opened.queue->retry_dead(id)));
    if (!found && !options.all) {
      return fail(ErrorCode::kNotFound, fmt::format("there is no dead message '{}'", id));
    }
    count += found;
  }
  print_progress(fmt::format("{} {} sent again", count, count == 1 ? "message" : "messages"));
  return {};
}

Result<> purge(const QueueOptions& options) {
  CUSP_TRY(const Opened opened, open(options));
  CUSP_TRY(const size_t count, opened.folder->wait(opened.queue->purge(options.only_dead)));
  print_progress(fmt::format("{} {} removed", count, count == 1 ? "message" : "messages"));
  return {};
}

}  // namespace

void add_queue(CLI::App& app, Action& chosen) {
  auto options = std::make_shared<QueueOptions>();  // shared: with the callbacks and the flags
  CLI::App* command = app.add_subcommand("queue", "Look into queues, send to them, mend them");
  command->require_subcommand(1);
  command->footer(kFooter);
  const auto add = [&](const char* verb, const char* what, Result<> (*run)(const QueueOptions&)) {
    CLI::App* sub = command->add_subcommand(verb, what);
    add_store_folder_options(*sub, options->folder);
    sub->callback([options, &chosen, run] { chosen = [options, run] { return run(*options); }; });
    if (run != list) sub->add_option("queue", options->name, "The queue's name")->required();
    return sub;
  };
  const auto add_count = [&](CLI::App* sub) {
    sub->add_option("--count", options->count, "How many messages at most")
        ->check(CLI::Range(size_t{1}, limits::kQueueBatchMax))
        ->capture_default_str();
  };
  add("list", "Print the queues and how many messages are in them", list);
  CLI::App* sub = add("send", "Send a message, or what standard input says", send);
  sub->add_option("body", options->body);
  sub->add_option("--type", options->content_type, "Its content type");
  sub->add_option("--delay", options->delay, "When it is there for receivers: 30s, 5m, 2h");
  sub = add("receive", "Take messages out and print them", receive);
  add_count(sub);
  sub->add_flag("--keep", options->keep, "Let them come again");
  sub->add_option("--visibility", options->visibility, "After how long they do (default: 60s)");
  add_count(add("peek", "Print the next messages and leave them", peek));
  add("dead", "Print what is delivered no more, and why", dead);
  sub = add("retry", "Send dead messages again", retry);
  sub->add_option("ids", options->ids, "Ids, as `cusp queue dead` prints them");
  sub->add_flag("--all", options->all, "Every one of them");
  add("purge", "Remove every message", purge)
      ->add_flag("--dead", options->only_dead, "The dead ones alone");
}

}  // namespace cusp::cli
