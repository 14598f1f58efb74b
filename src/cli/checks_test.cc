#include "cli/checks.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "app/test_folder.h"

namespace cusp::cli {
namespace {

using testing::HasSubstr;

TEST(KernelAtLeast, ComparesNumbersAndNotText) {
  EXPECT_TRUE(kernel_at_least("6.12.1-amd64", 6, 7));
  EXPECT_TRUE(kernel_at_least("6.7", 6, 7));
  EXPECT_TRUE(kernel_at_least("10.0.0", 6, 7));
  EXPECT_FALSE(kernel_at_least("6.1.0-40-amd64", 6, 7));
  EXPECT_FALSE(kernel_at_least("5.15.0", 6, 7));
}

TEST(KernelAtLeast, WhatIsNoVersionIsNotEnough) {
  for (const char* text : {"", "6", "6.", "x.y", "-6.7"}) EXPECT_FALSE(kernel_at_least(text, 6, 7));
}

TEST(CheckPort, AnyFreeOneIsFree) { EXPECT_EQ(check_port("127.0.0.1", 0).verdict, Verdict::kOk); }

TEST(CheckPort, ATakenOneIsAProblemWithAFix) {
  const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  socklen_t size = sizeof(address);
  ASSERT_EQ(::bind(socket, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(::listen(socket, 1), 0);
  ::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size);
  const Check check = check_port("127.0.0.1", ntohs(address.sin_port));
  EXPECT_EQ(check.verdict, Verdict::kProblem);
  EXPECT_THAT(check.found, HasSubstr("is taken"));
  EXPECT_THAT(check.fix, HasSubstr("--listen"));
  ::close(socket);
}

TEST(CheckPort, AnAddressOfAnotherMachineIsAProblem) {
  EXPECT_EQ(check_port("192.0.2.1", 0).verdict, Verdict::kProblem);  // RFC 5737
  EXPECT_EQ(check_port("no address", 0).verdict, Verdict::kProblem);
}

TEST(CheckStateDirectory, MakesTheFolder) {
  const app::TestFolder folder;
  EXPECT_EQ(check_state_directory(folder.path("a/b")).verdict, Verdict::kOk);
}

TEST(CheckStateDirectory, AFileInItsPlaceIsAProblem) {
  const app::TestFolder folder;
  folder.write("state");
  const Check check = check_state_directory(folder.path("state"));
  EXPECT_EQ(check.verdict, Verdict::kProblem);
  EXPECT_FALSE(check.fix.empty());
}

TEST(CheckMachine, EveryWarningComesWithAFix) {
  for (const auto& check : check_machine()) {
    EXPECT_FALSE(check.found.empty()) << check.name;
    EXPECT_EQ(check.verdict == Verdict::kOk, check.fix.empty()) << check.name;
  }
}

}  // namespace
}  // namespace cusp::cli
