//! The guest of the end-to-end tests: the path of the request says what to do. One component
//! instead of forty keeps the build short; a fresh instance per request keeps them apart.

mod bodies;
mod hostile;
mod http;
mod outbound;
mod system;

use wasip2::http::types::{IncomingRequest, ResponseOutparam};

use http::Exchange;

struct Probe;

impl wasip2::exports::http::incoming_handler::Guest for Probe {
    fn handle(request: IncomingRequest, response_out: ResponseOutparam) {
        let exchange = Exchange::new(request, response_out);
        match exchange.path.as_str() {
            "/hello" => exchange.answer(200, "hello\n"),
            "/status" => {
                let status = exchange.number("code", 200);
                exchange.answer(status, "as asked\n");
            }

            "/describe" => bodies::describe(exchange),
            "/echo" => bodies::echo(exchange),
            "/echo-copy" => bodies::echo_copy(exchange),
            "/count" => bodies::count(exchange),
            "/early" => bodies::early(exchange),
            "/trailers" => bodies::trailers(exchange),
            "/sized" => bodies::sized(exchange),
            "/drip" => bodies::drip(exchange),
            "/works-after" => bodies::works_after(exchange),
            "/ignores-body" => exchange.answer(200, "the body is not read\n"),

            "/endless-loop" => hostile::endless_loop(),
            "/busy" => hostile::busy(exchange),
            "/memory-bomb" => hostile::memory_bomb(exchange),
            "/deep-recursion" => {
                let depth = hostile::deep_recursion(0);
                exchange.answer(200, &format!("{depth}\n"));
            }
            "/panic" => panic!("as asked"),
            "/trap" => core::arch::wasm32::unreachable(),
            "/exit" => std::process::exit(exchange.number("code", 1)),
            "/no-response" => {}
            "/error" => hostile::answers_error(exchange),
            "/never-answers" => hostile::never_answers(exchange),
            "/stalls" => hostile::stalls(exchange),
            "/answers-forever" => hostile::answers_forever(exchange),
            "/floods-log" => hostile::floods_log(exchange),
            "/long-log-line" => hostile::logs_long_line(exchange),
            "/huge-headers" => hostile::huge_headers(exchange),
            "/forges-headers" => hostile::forges_headers(exchange),
            "/breaks-content-length" => hostile::breaks_content_length(exchange),
            "/drops-body" => hostile::drops_body(exchange),
            "/traps-in-body" => hostile::traps_in_body(exchange),
            "/hoards-handles" => hostile::hoards_handles(exchange),

            "/served" => system::served(exchange),
            "/environment" => system::environment(exchange),
            "/arguments" => system::arguments(exchange),
            "/read" => system::read_file(exchange),
            "/write" => system::write_file(exchange),
            "/remove" => system::remove_file(exchange),
            "/list" => system::list_folder(exchange),
            "/tcp" => system::tcp(exchange),
            "/udp" => system::udp(exchange),
            "/resolve" => system::resolve(exchange),
            "/log" => system::log(exchange),

            "/fetch" => outbound::fetch(exchange, false),
            "/upload" => outbound::fetch(exchange, true),
            "/fetch-many" => outbound::fetch_many(exchange),
            "/abandons-call" => outbound::abandons_call(exchange),

            _ => exchange.answer(404, "no such behaviour\n"),
        }
    }
}

wasip2::http::proxy::export!(Probe);
