// A WASI preview 1 command that runs as CGI (RFC 3875): headers and body go to standard output, the
// request is in the environment, the arguments and standard input.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern char** environ;

int main(int argc, char** argv) {
  const char* query = getenv("QUERY_STRING");
  if (query != NULL && strcmp(query, "fail") == 0) {
    fprintf(stderr, "wagi: failing as asked\n");
    return 3;
  }
  if (query != NULL && strcmp(query, "headless") == 0) {
    printf("this is no header\n");
    return 0;
  }
  if (query != NULL && strcmp(query, "redirect") == 0) {
    printf("location: /elsewhere\n\n");
    return 0;
  }
  printf("content-type: text/plain\nstatus: 203\nx-from: wagi\n\n");
  for (int i = 0; i < argc; ++i) printf("argument %d: %s\n", i, argv[i]);
  for (char** entry = environ; *entry != NULL; ++entry) printf("environment %s\n", *entry);
  char buffer[4096];
  size_t total = 0;
  for (size_t length; (length = fread(buffer, 1, sizeof buffer, stdin)) > 0;) total += length;
  printf("body: %zu bytes\n", total);
  return 0;
}
