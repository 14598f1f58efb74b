#include "store/remote/codec.h"

#include <gtest/gtest.h>

#include <limits>

namespace cusp::store::remote {

namespace {

template <class T>
std::string encoded(const T& value) {
  Encoder encoder;
  encoder(value);
  return encoder.take();
}

const sql::Statement kStatement = {
    .text = "SELECT ?, :a",
    .parameters = {std::monostate(), int64_t{-7}, 0.5, std::string("a\0\xff", 3), sql::Blob{"b"}},
    .named = {{":a", std::numeric_limits<int64_t>::min()}}};

kv::Write every_change() {
  kv::Write write = {kv::Change::set(std::string("k\0", 2), "v"), kv::Change::erase(""),
                     kv::Change::increment("n", std::numeric_limits<int64_t>::min()),
                     kv::Change::check("c", UINT64_MAX)};
  write[0].metadata = "m";
  write[0].expires = kv::Time(std::chrono::milliseconds(-1));
  return write;
}

TEST(RemoteCodec, EveryValueComesBackAsItWas) {
  const std::string bytes = encoded(kStatement);
  Decoder decoder(bytes);
  sql::Statement statement;
  decoder(statement);
  EXPECT_TRUE(decoder.complete());
  EXPECT_EQ(statement.text, kStatement.text);
  EXPECT_EQ(statement.parameters, kStatement.parameters);
  EXPECT_EQ(statement.named, kStatement.named);

  const std::string changes = encoded(every_change());
  Decoder second(changes);
  kv::Write write;
  second(write);
  EXPECT_TRUE(second.complete());
  ASSERT_EQ(write.size(), 4);
  EXPECT_EQ(write[0].expires, kv::Time(std::chrono::milliseconds(-1)));
  EXPECT_EQ(write[2].delta, std::numeric_limits<int64_t>::min());
  EXPECT_EQ(write[3].expected, UINT64_MAX);
  EXPECT_EQ(encoded(write), changes);
}

TEST(RemoteCodec, AnErrorComesBackInPlaceOfTheValue) {
  const Result<kv::Page> failed = fail(ErrorCode::kDataLoss, "what", "where");
  const std::string bytes = encoded(failed);
  Decoder decoder(bytes);
  Result<kv::Page> result;
  decoder(result);
  ASSERT_TRUE(decoder.complete());
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kDataLoss);
  EXPECT_EQ(result.error().to_string(), "where: what");
}

TEST(RemoteCodec, WhatIsCutOffAnywhereIsNotGood) {
  for (const std::string& whole : {encoded(kStatement), encoded(every_change())}) {
    for (size_t size = 0; size < whole.size(); ++size) {
      Decoder decoder(std::string_view(whole).substr(0, size));
      if (whole == encoded(kStatement)) {
        sql::Statement statement;
        decoder(statement);
      } else {
        kv::Write write;
        decoder(write);
      }
      EXPECT_FALSE(decoder.good()) << size;
    }
  }
}

TEST(RemoteCodec, NoByteThatIsChangedLeadsOutOfTheMessage) {
  const std::string whole = encoded(every_change());
  for (size_t at = 0; at < whole.size(); ++at) {
    for (const int flip : {0x01, 0x80, 0xff}) {
      std::string bytes = whole;
      bytes[at] = static_cast<char>(bytes[at] ^ flip);
      Decoder decoder(bytes);
      kv::Write write;
      decoder(write);
      if (!decoder.good()) continue;
      EXPECT_LE(encoded(write).size(), whole.size());
      for (const auto& change : write) EXPECT_LE(change.kind, kv::Change::Kind::kCheck);
    }
  }
}

TEST(RemoteCodec, ALengthBeyondTheMessageTakesNoMemory) {
  for (const uint64_t length : {uint64_t{9}, uint64_t{1} << 40, UINT64_MAX}) {
    const std::string bytes = encoded(length) + "12345678";
    Decoder texts(bytes);
    std::string text;
    texts(text);
    EXPECT_FALSE(texts.good());
    EXPECT_EQ(text, "");
    Decoder lists(bytes);
    std::vector<sql::Value> list;
    lists(list);
    EXPECT_FALSE(lists.good());
    EXPECT_LE(list.size(), 1);
  }
}

TEST(RemoteCodec, AKindThatDoesNotExistIsNotGood) {
  for (const uint64_t kind : {uint64_t{5}, uint64_t{255}, uint64_t{256}, UINT64_MAX}) {
    const std::string bytes = encoded(kind) + std::string(64, '\0');
    Decoder values(bytes);
    sql::Value value;
    values(value);
    EXPECT_FALSE(values.good()) << kind;
    Decoder changes(bytes);
    kv::Change change;
    changes(change);
    EXPECT_FALSE(changes.good()) << kind;
    EXPECT_EQ(change.kind, kv::Change::Kind::kSet);
  }
}

}  // namespace

}  // namespace cusp::store::remote
