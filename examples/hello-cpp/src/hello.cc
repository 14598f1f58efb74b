// Answers every request with 200 and a line that names the path, through the C bindings that
// wit-bindgen made of wit/world.wit (generated/).

#include <cstdint>
#include <string>
#include <string_view>

extern "C" {
#include "hello.h"
}

namespace {

// `text` as one of the bindings' list types. Those are not const, though the host only reads what
// they point at.
template <class List>
List list_of(std::string_view text) {
  return {.ptr = reinterpret_cast<uint8_t*>(const_cast<char*>(text.data())), .len = text.size()};
}

std::string path_of(wasi_http_types_own_incoming_request_t request) {
  hello_string_t path;
  bool has_path = wasi_http_types_method_incoming_request_path_with_query(
      wasi_http_types_borrow_incoming_request(request), &path);
  if (!has_path) return "/";
  std::string copy(reinterpret_cast<char*>(path.ptr), path.len);
  hello_string_free(&path);
  return copy;
}

wasi_http_types_own_fields_t plain_text_headers() {
  auto headers = wasi_http_types_constructor_fields();
  auto name = list_of<wasi_http_types_field_name_t>("content-type");
  auto value = list_of<wasi_http_types_field_value_t>("text/plain; charset=utf-8");
  wasi_http_types_header_error_t error;
  // The host takes this name and this value, or nothing works at all.
  wasi_http_types_method_fields_append(wasi_http_types_borrow_fields(headers), &name, &value,
                                       &error);
  return headers;
}

// Writes the whole body and ends it. A failure means that the client has gone: nobody to tell.
void send_body(wasi_http_types_own_outgoing_body_t body, std::string_view text) {
  wasi_http_types_own_output_stream_t stream;
  if (wasi_http_types_method_outgoing_body_write(wasi_http_types_borrow_outgoing_body(body),
                                                 &stream)) {
    auto contents = list_of<hello_list_u8_t>(text);
    wasi_io_streams_stream_error_t error;
    if (!wasi_io_streams_method_output_stream_blocking_write_and_flush(
            wasi_io_streams_borrow_output_stream(stream), &contents, &error)) {
      wasi_io_streams_stream_error_free(&error);
    }
    wasi_io_streams_output_stream_drop_own(stream);  // a child goes before its parent
  }
  wasi_http_types_error_code_t error;
  if (!wasi_http_types_static_outgoing_body_finish(body, nullptr, &error)) {
    wasi_http_types_error_code_free(&error);
  }
}

}  // namespace

void exports_wasi_http_incoming_handler_handle(
    exports_wasi_http_incoming_handler_own_incoming_request_t request,
    exports_wasi_http_incoming_handler_own_response_outparam_t response_out) {
  std::string text = "Hello from C++ at " + path_of(request) + "\n";
  wasi_http_types_incoming_request_drop_own(request);

  auto response = wasi_http_types_constructor_outgoing_response(plain_text_headers());
  wasi_http_types_own_outgoing_body_t body;
  wasi_http_types_method_outgoing_response_body(wasi_http_types_borrow_outgoing_response(response),
                                                &body);
  wasi_http_types_result_own_outgoing_response_error_code_t result{.is_err = false,
                                                                   .val = {.ok = response}};
  wasi_http_types_static_response_outparam_set(response_out, &result);
  send_body(body, text);
}
