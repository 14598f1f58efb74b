#include "host/libsql.h"

#include <gtest/gtest.h>

namespace cusp::host {
namespace {

TEST(LibsqlServer, AUrlIsReadIntoItsParts) {
  const auto turso = LibsqlServer::parse("libsql://shop-me.turso.io");
  ASSERT_TRUE(turso);
  EXPECT_EQ(turso->scheme, "https");
  EXPECT_EQ(turso->authority, "shop-me.turso.io");
  EXPECT_EQ(turso->path, "");
  const auto node = LibsqlServer::parse("http://[::1]:8080/sql/shop/orders//");
  ASSERT_TRUE(node);
  EXPECT_EQ(node->scheme, "http");
  EXPECT_EQ(node->authority, "[::1]:8080");
  EXPECT_EQ(node->path, "/sql/shop/orders");
}

TEST(LibsqlServer, WhatIsNoUrlOfAServerIsAnErrorThatNamesIt) {
  for (const char* text : {"", "shop", "https://", "https:///x", "https://:80", "wss://a", "//a",
                           "https://a?b", "https://a#b", "https://u@a", "https://a b"}) {
    const auto server = LibsqlServer::parse(text);
    ASSERT_FALSE(server) << text;
    EXPECT_EQ(server.error().code, ErrorCode::kInvalidArgument);
  }
}

TEST(LibsqlServer, AStreamMayGoOnAtTheSameHostOrBelowIt) {
  const LibsqlServer server = *LibsqlServer::parse("https://db.example:8443/a");
  const auto covers = [&](const char* url) { return server.covers(*LibsqlServer::parse(url)); };
  EXPECT_TRUE(covers("https://db.example/b"));
  EXPECT_TRUE(covers("https://eu.db.example:1"));
  EXPECT_FALSE(covers("http://db.example"));
  EXPECT_FALSE(covers("https://example"));
  EXPECT_FALSE(covers("https://evildb.example"));
  EXPECT_FALSE(covers("https://db.example.evil"));
}

}  // namespace
}  // namespace cusp::host
