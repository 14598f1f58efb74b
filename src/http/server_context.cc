#include "http/server_context.h"

#include <ctime>

namespace cusp::http {

void ServerContext::tick() {
  now = Clock::now();
  const std::time_t seconds = std::time(nullptr);
  std::tm calendar;
  gmtime_r(&seconds, &calendar);
  char text[40];
  const size_t size = std::strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S GMT", &calendar);
  date.assign(text, size);

  for (auto next = sessions.begin(); next != sessions.end();) {
    Session* session = *next++;  // a session that times out may leave the list
    if (session->deadline > now) {
      session->look();
      continue;
    }
    session->deadline = Clock::time_point::max();
    session->time_out();
  }
}

}  // namespace cusp::http
