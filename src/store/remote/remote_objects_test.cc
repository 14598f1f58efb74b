#include <gtest/gtest.h>

#include <filesystem>

#include "base/limits.h"
#include "store/object/objects.h"
#include "store/remote/test_remote.h"

namespace cusp::store::remote {

namespace {

namespace fs = std::filesystem;

class RemoteObjects : public RemoteStores {
 protected:
  void put(object::Session& session, const std::string& key, const std::string& bytes) {
    ASSERT_TRUE(session.begin());
    for (size_t at = 0; at < bytes.size(); at += kPiece) {
      ASSERT_TRUE(session.append(bytes.substr(at, kPiece)));
    }
    const auto done = session.put(key, {{"content-type", "text/plain"}});
    ASSERT_TRUE(done) << done.error().to_string();
  }
  // The content, "nothing", or the error.
  std::string get(object::Session& session, const std::string& key) {
    const auto found = session.open(key);
    if (!found) return found.error().message;
    if (!*found) return "nothing";
    std::string all;
    while (true) {
      const auto bytes = session.read(all.size(), kPiece);
      if (!bytes) return bytes.error().message;
      if (bytes->empty()) return all;
      all += *bytes;
    }
  }
  size_t contents() {
    size_t count = 0;
    for (const auto& at : fs::recursive_directory_iterator(directory + "/objects/content")) {
      count += at.is_regular_file() ? 1 : 0;
    }
    return count;
  }

  static constexpr size_t kPiece = 256 * limits::kKiB;
  std::unique_ptr<object::Session> session = client->objects({"app", "s"});
};

TEST_F(RemoteObjects, AnObjectOfManyPiecesIsPutReadListedAndDeleted) {
  std::string bytes(3 * limits::kMiB + 1, '\0');
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 31 >> 8);
  put(*session, "a/large", bytes);
  put(*session, "a/empty", "");
  EXPECT_EQ(get(*session, "a/large"), bytes);
  EXPECT_EQ(get(*session, "a/empty"), "");
  EXPECT_EQ(get(*session, "none"), "nothing");
  EXPECT_EQ(client->buckets().value(), (std::vector<kv::StoreName>{{"app", "s"}}));

  const auto bucket = stores->objects().value()->bucket({"app", "s"}).value();
  const auto head = loop.run(bucket->head("a/large")).value();
  EXPECT_EQ(head->fields, (object::FieldList{{"content-type", "text/plain"}}));
  auto listing = session->list({.prefix = "a/", .limit = 1});
  ASSERT_EQ(listing->objects.size(), 1);
  EXPECT_EQ(listing->next, "a/empty");
  listing = session->list({.after = "a/empty"});
  ASSERT_EQ(listing->objects.size(), 1);
  EXPECT_EQ(listing->objects[0].size, bytes.size());
  EXPECT_EQ(listing->objects[0].etag, head->etag);
  EXPECT_EQ(listing->objects[0].modified, head->modified);

  ASSERT_TRUE(session->remove("a/large"));
  EXPECT_EQ(get(*session, "a/large"), "nothing");
}

TEST_F(RemoteObjects, WhatIsReadStaysWhatItWasWhileOthersWriteIt) {
  put(*session, "k", "before");
  ASSERT_TRUE(session->open("k").value());
  const auto other = client->objects({"app", "s"});
  put(*other, "k", "after");
  EXPECT_EQ(session->read(0, 100).value(), "before");
  EXPECT_EQ(get(*session, "k"), "after");
}

TEST_F(RemoteObjects, WhatIsNotPutLeavesNothing) {
  const std::string piece(kPiece, 'x');
  ASSERT_TRUE(session->begin());
  ASSERT_TRUE(session->append(piece));
  ASSERT_TRUE(session->begin());
  ASSERT_TRUE(session->put("k", {}));
  EXPECT_EQ(get(*session, "k"), "") << "of the second beginning";
  ASSERT_TRUE(session->begin());
  ASSERT_TRUE(session->append(piece));
  session.reset();
  EXPECT_EQ(contents(), 1);
}

TEST_F(RemoteObjects, WhatMakesNoSenseIsRefusedAndTheSessionGoesOn) {
  EXPECT_EQ(session->append("x").error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(session->put("k", {}).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(session->read(0, 1).error().code, ErrorCode::kInvalidArgument);
  ASSERT_TRUE(session->begin());
  EXPECT_EQ(session->put(std::string(5000, 'k'), {}).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(session->put("k", {}).error().code, ErrorCode::kInvalidArgument) << "it was used up";
  EXPECT_EQ(session->open("").error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(client->objects({"", "s"})->begin().error().code, ErrorCode::kInvalidArgument);
  put(*session, "k", "x");
  EXPECT_EQ(session->read(0, 1).error().code, ErrorCode::kInvalidArgument) << "nothing is open";
  ASSERT_TRUE(session->open("k").value());
  EXPECT_EQ(session->read(UINT64_MAX, UINT64_MAX).value(), "");
  EXPECT_EQ(session->read(0, UINT64_MAX).value(), "x");
}

TEST_F(RemoteObjects, SessionsOfObjectsCountAmongThoseOfAPeer) {
  std::vector<std::unique_ptr<object::Session>> sessions;
  for (size_t i = 0; i < limits::kStorePeerSessionsMax; ++i) {
    sessions.push_back(client->objects({"app", "s"}));
    EXPECT_TRUE(sessions.back()->begin());
  }
  EXPECT_EQ(session->begin().error().code, ErrorCode::kResourceExhausted);
  const auto statement = client->sql("app", "d")->session();
  EXPECT_EQ(execute(*statement, "SELECT 1").error().code, ErrorCode::kResourceExhausted);
  sessions.pop_back();
  EXPECT_TRUE(session->begin());
}

TEST_F(RemoteObjects, WhenTheProcessEndsAnObjectThatComesInIsAnError) {
  ASSERT_TRUE(session->begin());
  ASSERT_TRUE(session->append(std::string(kPiece, 'x')));
  stores.reset();
  EXPECT_EQ(session->append("x").error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(session->put("k", {}).error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(contents(), 0);
}

}  // namespace

}  // namespace cusp::store::remote
