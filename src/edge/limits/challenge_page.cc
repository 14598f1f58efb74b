#include <string>

#include "edge/limits/proof.h"

namespace cusp::edge {

namespace {

// SHA-256 is written out: crypto.subtle is there over HTTPS alone. Only the first 32 bits of the
// digest count, which is enough for Proofs::kDifficultyMax.
constexpr std::string_view kPage = R"html(<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>One moment</title>
<style nonce="@NONCE@">
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 32em; margin: 20vh auto; padding: 0 1em }
</style>
<h1>One moment</h1>
<p id="text">Your browser solves a small puzzle first. Nothing is stored but a cookie.</p>
<noscript><p>This needs JavaScript and cookies.</p></noscript>
<script nonce="@NONCE@">
(() => {
  const challenge = "@CHALLENGE@", bits = @BITS@;
  const constants = [], start = [], words = new Int32Array(64);
  const part = x => ((x - Math.floor(x)) * 4294967296) | 0;
  for (let n = 2; constants.length < 64; n++) {
    let prime = true;
    for (let d = 2; d * d <= n; d++) if (n % d === 0) prime = false;
    if (!prime) continue;
    if (start.length < 8) start.push(part(Math.sqrt(n)));
    constants.push(part(Math.cbrt(n)));
  }
  const turn = (x, n) => (x >>> n) | (x << (32 - n));
  function digest(text) {
    const state = start.slice();
    const blocks = ((text.length + 8) >> 6) + 1;
    for (let block = 0; block < blocks; block++) {
      for (let i = 0; i < 64; i++) {
        const at = block * 64 + i;
        const byte = at < text.length ? text.charCodeAt(at) : at === text.length ? 128 : 0;
        words[i >> 2] = (words[i >> 2] << 8) | byte;
      }
      if (block === blocks - 1) words[15] = text.length * 8;
      for (let i = 16; i < 64; i++) {
        const x = words[i - 15], y = words[i - 2];
        words[i] = words[i - 16] + (turn(x, 7) ^ turn(x, 18) ^ (x >>> 3)) + words[i - 7] +
                   (turn(y, 17) ^ turn(y, 19) ^ (y >>> 10));
      }
      let [a, b, c, d, e, f, g, h] = state;
      for (let i = 0; i < 64; i++) {
        const one = h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & f) ^ (~e & g)) +
                    constants[i] + words[i];
        const two = (turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
        h = g; g = f; f = e; e = (d + one) | 0; d = c; c = b; b = a; a = (one + two) | 0;
      }
      [a, b, c, d, e, f, g, h].forEach((x, i) => { state[i] = (state[i] + x) | 0; });
    }
    return state[0] >>> 0;
  }
  let number = 0;
  function work() {
    for (const end = Date.now() + 30; Date.now() < end; number++) {
      const proof = challenge + "." + number;
      if (Math.clz32(digest(proof)) < bits) continue;
      document.cookie = "@COOKIE@=" + proof + "; path=/; max-age=300; samesite=lax";
      if (document.cookie.includes(proof)) return location.reload();
      document.getElementById("text").textContent = "This needs cookies.";
      return;
    }
    setTimeout(work);
  }
  work();
})();
</script>
</html>
)html";

void replace_all(std::string& text, std::string_view marker, std::string_view value) {
  for (size_t at = text.find(marker); at != text.npos; at = text.find(marker, at + value.size())) {
    text.replace(at, marker.size(), value);
  }
}

}  // namespace

std::string challenge_page(std::string_view challenge, unsigned difficulty,
                           std::string_view nonce) {
  std::string page(kPage);
  replace_all(page, "@NONCE@", nonce);
  replace_all(page, "@CHALLENGE@", challenge);
  replace_all(page, "@BITS@", std::to_string(difficulty));
  replace_all(page, "@COOKIE@", kProofCookie);
  return page;
}

}  // namespace cusp::edge
