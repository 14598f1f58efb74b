#include "edge/limits/proof.h"

#include <gtest/gtest.h>

#include <chrono>

namespace cusp::edge {
namespace {

using namespace std::chrono_literals;

const Proofs kProofs("key", 8, 1h);
const auto kNow = Proofs::Clock::time_point(1'800'000'000s);

// What the page's script does.
std::string solve(const std::string& challenge, std::string_view client,
                  const Proofs& proofs = kProofs) {
  for (int number = 0;; ++number) {
    std::string proof = challenge + "." + std::to_string(number);
    if (proofs.solves(proof, client, kNow)) return proof;
  }
}

TEST(Proofs, ANumberSolvesAChallenge) {
  const std::string challenge = kProofs.challenge("a", kNow);
  const std::string proof = solve(challenge, "a");
  EXPECT_TRUE(kProofs.solves(proof, "a", kNow + 299s));
  int solved = 0;
  for (int number = 0; number < 2560; ++number) {
    solved += kProofs.solves(challenge + "." + std::to_string(number), "a", kNow);
  }
  EXPECT_GT(solved, 1);
  EXPECT_LT(solved, 40);  // one in 256
}

TEST(Proofs, ServeNobodyElseAndNotForLong) {
  const std::string proof = solve(kProofs.challenge("a", kNow), "a");
  EXPECT_FALSE(kProofs.solves(proof, "b", kNow));
  EXPECT_FALSE(kProofs.solves(proof, "", kNow));
  EXPECT_FALSE(kProofs.solves(proof, "a", kNow + 300s));
  EXPECT_FALSE(Proofs("other", 8, 1h).solves(proof, "a", kNow));
  EXPECT_FALSE(Proofs("key", 9, 1h).solves(proof, "a", kNow));
  EXPECT_FALSE(Proofs("key", 7, 1h).solves(proof, "a", kNow));  // work for another difficulty
}

TEST(Proofs, AClearanceIsTheClientsUntilItExpires) {
  const std::string clearance = kProofs.clearance("a", kNow);
  EXPECT_TRUE(kProofs.is_clearance(clearance, "a", kNow + 3599s));
  EXPECT_FALSE(kProofs.is_clearance(clearance, "a", kNow + 3600s));
  EXPECT_FALSE(kProofs.is_clearance(clearance, "b", kNow));
  EXPECT_FALSE(Proofs("other", 8, 1h).is_clearance(clearance, "a", kNow));
}

TEST(Proofs, NothingElseIsOne) {
  const std::string challenge = kProofs.challenge("a", kNow);
  const std::string proof = solve(challenge, "a");
  const std::string number = proof.substr(proof.rfind('.') + 1);
  std::vector<std::string> wrong = {"",
                                    ".",
                                    "...",
                                    challenge,
                                    challenge + ".",
                                    challenge + ".-1",
                                    challenge + ".0" + std::string(20, '0') + number,
                                    challenge + "." + number + " ",
                                    challenge + ".0x1",
                                    "p" + proof.substr(1),
                                    kProofs.clearance("a", kNow) + "." + number,
                                    "c99999999999999999999999." + proof,
                                    "c-1" + proof.substr(proof.find('.')),
                                    "c9" + proof.substr(1),
                                    std::string(10'000, 'c')};
  for (size_t at = 0; at < challenge.size(); ++at) {
    std::string spoilt = proof;
    spoilt[at] ^= 1;
    wrong.push_back(std::move(spoilt));
  }
  for (const std::string& text : wrong) {
    EXPECT_FALSE(kProofs.solves(text, "a", kNow)) << text;
    EXPECT_FALSE(kProofs.is_clearance(text, "a", kNow)) << text;
  }
  EXPECT_FALSE(kProofs.is_clearance(challenge, "a", kNow));
  EXPECT_FALSE(kProofs.is_clearance(proof, "a", kNow));
}

TEST(ChallengePage, NeedsNothingButItself) {
  const std::string page = challenge_page("c1.ab", 16, "0123");
  EXPECT_NE(page.find(R"(challenge = "c1.ab", bits = 16;)"), page.npos);
  EXPECT_EQ(page.find('@'), page.npos);
  for (const char* outside : {"http:", "https:", "src=", "href=", "import", "fetch("}) {
    EXPECT_EQ(page.find(outside), page.npos) << outside;
  }
}

}  // namespace
}  // namespace cusp::edge
